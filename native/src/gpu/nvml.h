#ifndef MLOS_GPU_NVML_H_
#define MLOS_GPU_NVML_H_

#include <memory>
#include <string>

#include "base/result.h"

namespace mlos {

/// The few functions of NVIDIA's management library that the probe asks for, found with dlopen so
/// that neither a build nor a run needs the driver. The declarations follow NVML's documented,
/// versioned ABI: a function whose name ends in _v2 or _v3 never changes its signature.
struct Nvml {
  using Device = struct NvmlDeviceHandle*;

  struct PciInfo {
    char bus_id_legacy[16];
    unsigned domain;
    unsigned bus;
    unsigned device;
    unsigned pci_device_id;
    unsigned pci_subsystem_id;
    char bus_id[32];
  };
  struct Memory {
    unsigned long long total;
    unsigned long long free;
    unsigned long long used;
  };
  struct Utilization {
    unsigned gpu;
    unsigned memory;
  };

  static constexpr int kSuccess = 0;
  /// A MIG slot that is empty.
  static constexpr int kNotFound = 6;
  static constexpr int kTemperatureOfGpu = 0;
  static constexpr unsigned kMigEnabled = 1;

  // Required: without one of these the library is not usable.
  int (*init)();
  int (*shutdown)();
  int (*device_count)(unsigned* count);
  int (*device_by_index)(unsigned index, Device* device);

  // Optional: an old driver may lack any of these, and then the fact is unknown.
  const char* (*error_string)(int code);
  int (*driver_version)(char* text, unsigned length);
  int (*cuda_version)(int* version);
  int (*device_name)(Device device, char* text, unsigned length);
  int (*device_uuid)(Device device, char* text, unsigned length);
  int (*device_pci)(Device device, PciInfo* info);
  int (*device_memory)(Device device, Memory* memory);
  int (*device_utilization)(Device device, Utilization* rates);
  int (*device_temperature)(Device device, int sensor, unsigned* celsius);
  int (*mig_mode)(Device device, unsigned* current, unsigned* pending);
  int (*mig_max_count)(Device device, unsigned* count);
  int (*mig_by_index)(Device device, unsigned index, Device* instance);
};

/// Opens the library and finds its functions; does not call any. The message of the error says
/// what is missing. The library stays loaded: a driver's destructors are not worth the risk.
Result<Nvml> OpenNvml(const std::string& library);

}  // namespace mlos

#endif  // MLOS_GPU_NVML_H_
