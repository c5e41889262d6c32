#include "gpu/probe.h"
#include "napi/exports.h"
#include "napi/translate_error.h"
#include "napi/values.h"

namespace mlos::binding {
namespace {

Napi::Value ToObject(Napi::Env env, const GpuInstance& instance) {
  Napi::Object object = Napi::Object::New(env);
  object.Set("uuid", ToValue(env, instance.uuid));
  object.Set("name", ToValue(env, instance.name));
  object.Set("memoryTotalBytes", ToValue(env, instance.memory_total_bytes));
  object.Set("memoryFreeBytes", ToValue(env, instance.memory_free_bytes));
  return object;
}

Napi::Value ToObject(Napi::Env env, const GpuDevice& device) {
  Napi::Object object = Napi::Object::New(env);
  object.Set("index", ToValue(env, device.index));
  object.Set("name", ToValue(env, device.name));
  object.Set("uuid", ToValue(env, device.uuid));
  object.Set("pciBusId", ToValue(env, device.pci_bus_id));
  object.Set("memoryTotalBytes", ToValue(env, device.memory_total_bytes));
  object.Set("memoryFreeBytes", ToValue(env, device.memory_free_bytes));
  object.Set("utilizationGpuPercent", ToValue(env, device.utilization_gpu_percent));
  object.Set("utilizationMemoryPercent", ToValue(env, device.utilization_memory_percent));
  object.Set("temperatureCelsius", ToValue(env, device.temperature_celsius));
  object.Set("migEnabled", ToValue(env, device.mig_enabled));
  Napi::Array instances = Napi::Array::New(env, device.instances.size());
  for (size_t i = 0; i < device.instances.size(); ++i) {
    instances.Set(static_cast<uint32_t>(i), ToObject(env, device.instances[i]));
  }
  object.Set("instances", instances);
  return object;
}

Napi::Value ToObject(Napi::Env env, const GpuVendorReport& report) {
  Napi::Object object = Napi::Object::New(env);
  object.Set("vendor", ToValue(env, report.vendor));
  object.Set("reason", ToValue(env, report.reason));
  object.Set("driverVersion", ToValue(env, report.driver_version));
  object.Set("cudaVersion", ToValue(env, report.cuda_version));
  Napi::Array devices = Napi::Array::New(env, report.devices.size());
  for (size_t i = 0; i < report.devices.size(); ++i) {
    devices.Set(static_cast<uint32_t>(i), ToObject(env, report.devices[i]));
  }
  object.Set("devices", devices);
  return object;
}

/// gpuProbe(vendor, where) -> report; `where` is NVML's path for nvidia and the root of sysfs for
/// the others. The driver may crash or hang the process: only ts/native/gpu-probe.ts calls this.
Napi::Value GpuProbe(const Napi::CallbackInfo& info) {
  const std::string vendor = ReadString(info[0], "vendor");
  const std::string where = ReadString(info[1], "where");
  if (vendor == "nvidia") return ToObject(info.Env(), ProbeNvidia(where));
  if (vendor == "amd") return ToObject(info.Env(), ProbeAmd(where));
  if (vendor == "intel") return ToObject(info.Env(), ProbeIntel(where));
  ThrowInvalid(info.Env(), "vendor must be nvidia, amd or intel");
}

}  // namespace

void ExportGpu(Napi::Env env, Napi::Object exports) {
  ExportFunction<GpuProbe>(env, exports, "gpuProbe");
}

}  // namespace mlos::binding
