#include "gpu/nvml.h"

#include <dlfcn.h>

namespace mlos {
namespace {

template <typename Function>
void Find(void* library, const char* symbol, Function& function) {
  function = reinterpret_cast<Function>(::dlsym(library, symbol));
}

}  // namespace

Result<Nvml> OpenNvml(const std::string& library) {
  void* handle = ::dlopen(library.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (handle == nullptr) {
    const char* reason = ::dlerror();  // NOLINT(concurrency-mt-unsafe): glibc keeps it per thread
    return Error{.code = "NOT_AVAILABLE",
                 .message = reason == nullptr ? "cannot load " + library : reason,
                 .error_number = 0,
                 .syscall = ""};
  }
  Nvml nvml{};
  Find(handle, "nvmlInit_v2", nvml.init);
  Find(handle, "nvmlShutdown", nvml.shutdown);
  Find(handle, "nvmlDeviceGetCount_v2", nvml.device_count);
  Find(handle, "nvmlDeviceGetHandleByIndex_v2", nvml.device_by_index);
  Find(handle, "nvmlErrorString", nvml.error_string);
  Find(handle, "nvmlSystemGetDriverVersion", nvml.driver_version);
  Find(handle, "nvmlSystemGetCudaDriverVersion_v2", nvml.cuda_version);
  Find(handle, "nvmlDeviceGetName", nvml.device_name);
  Find(handle, "nvmlDeviceGetUUID", nvml.device_uuid);
  Find(handle, "nvmlDeviceGetPciInfo_v3", nvml.device_pci);
  Find(handle, "nvmlDeviceGetMemoryInfo", nvml.device_memory);
  Find(handle, "nvmlDeviceGetUtilizationRates", nvml.device_utilization);
  Find(handle, "nvmlDeviceGetTemperature", nvml.device_temperature);
  Find(handle, "nvmlDeviceGetMigMode", nvml.mig_mode);
  Find(handle, "nvmlDeviceGetMaxMigDeviceCount", nvml.mig_max_count);
  Find(handle, "nvmlDeviceGetMigDeviceHandleByIndex", nvml.mig_by_index);
  if (nvml.init == nullptr || nvml.shutdown == nullptr || nvml.device_count == nullptr ||
      nvml.device_by_index == nullptr) {
    return Error{.code = "NOT_AVAILABLE",
                 .message = library + " lacks a function that every driver since 2013 has",
                 .error_number = 0,
                 .syscall = ""};
  }
  return nvml;
}

}  // namespace mlos
