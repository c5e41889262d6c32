#ifndef MLOS_GPU_DEVICE_H_
#define MLOS_GPU_DEVICE_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace mlos {

/// A slice of a GPU that has memory and processors of its own (NVIDIA MIG).
struct GpuInstance {
  std::optional<std::string> uuid;
  std::optional<std::string> name;
  std::optional<uint64_t> memory_total_bytes;
  std::optional<uint64_t> memory_free_bytes;
};

/// A GPU at the moment of the probe. What a driver does not tell is absent.
struct GpuDevice {
  /// The driver's own number.
  int index = 0;
  std::optional<std::string> name;
  std::optional<std::string> uuid;
  /// "0000:3b:00.0": domain of four digits or more, lower case.
  std::optional<std::string> pci_bus_id;
  std::optional<uint64_t> memory_total_bytes;
  std::optional<uint64_t> memory_free_bytes;
  std::optional<uint64_t> utilization_gpu_percent;
  std::optional<uint64_t> utilization_memory_percent;
  std::optional<double> temperature_celsius;
  std::optional<bool> mig_enabled;
  std::vector<GpuInstance> instances;
};

/// What one vendor's probe found.
struct GpuVendorReport {
  /// "nvidia", "amd" or "intel".
  std::string vendor;
  /// Why there is no device; absent when there is one.
  std::optional<std::string> reason;
  std::optional<std::string> driver_version;
  /// "12.4"; NVIDIA only.
  std::optional<std::string> cuda_version;
  std::vector<GpuDevice> devices;
};

}  // namespace mlos

#endif  // MLOS_GPU_DEVICE_H_
