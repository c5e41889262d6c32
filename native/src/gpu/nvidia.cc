#include <algorithm>
#include <array>
#include <cctype>
#include <string>
#include <string_view>

#include "gpu/nvml.h"
#include "gpu/probe.h"

namespace mlos {
namespace {

constexpr const char* kDefaultLibrary = "libnvidia-ml.so.1";
constexpr size_t kTextBytes = 128;  // NVML's longest answer has 96
constexpr unsigned kMaxDevices = 256;
constexpr unsigned kMaxInstances = 64;

/// The text that `call(buffer, length)` fills in, if it does. The last byte is never the
/// library's: an unterminated answer is cut, not overrun.
template <typename Call>
std::optional<std::string> ReadText(Call call) {
  std::array<char, kTextBytes + 1> text{};
  if (call(text.data(), unsigned{kTextBytes}) != Nvml::kSuccess) return std::nullopt;
  return std::string(text.data());
}

/// NVML writes the domain with eight digits and capitals ("00000000:3B:00.0"), sysfs with four and
/// lower case. Sysfs wins, so that one card has one name.
std::string NormalizeBusId(std::string_view bus_id) {
  constexpr std::string_view kZeroPrefix = "0000";
  constexpr size_t kLongForm = 16;
  if (bus_id.size() == kLongForm && bus_id.starts_with(kZeroPrefix)) {
    bus_id.remove_prefix(kZeroPrefix.size());
  }
  std::string lower(bus_id);
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return lower;
}

void ReadMemory(const Nvml& nvml, Nvml::Device handle, std::optional<uint64_t>& total,
                std::optional<uint64_t>& free) {
  Nvml::Memory memory{};
  if (nvml.device_memory == nullptr) return;
  if (nvml.device_memory(handle, &memory) != Nvml::kSuccess) return;
  total = memory.total;
  free = memory.free;
}

std::optional<std::string> ReadName(const Nvml& nvml, Nvml::Device handle) {
  if (nvml.device_name == nullptr) return std::nullopt;
  return ReadText([&](char* text, unsigned n) { return nvml.device_name(handle, text, n); });
}

std::optional<std::string> ReadUuid(const Nvml& nvml, Nvml::Device handle) {
  if (nvml.device_uuid == nullptr) return std::nullopt;
  return ReadText([&](char* text, unsigned n) { return nvml.device_uuid(handle, text, n); });
}

void ReadPciBusId(const Nvml& nvml, Nvml::Device handle, GpuDevice& device) {
  Nvml::PciInfo info{};
  if (nvml.device_pci == nullptr || nvml.device_pci(handle, &info) != Nvml::kSuccess) return;
  info.bus_id[sizeof info.bus_id - 1] = '\0';
  device.pci_bus_id = NormalizeBusId(info.bus_id);
}

void ReadLoad(const Nvml& nvml, Nvml::Device handle, GpuDevice& device) {
  Nvml::Utilization rates{};
  if (nvml.device_utilization != nullptr &&
      nvml.device_utilization(handle, &rates) == Nvml::kSuccess) {
    device.utilization_gpu_percent = rates.gpu;
    device.utilization_memory_percent = rates.memory;
  }
  unsigned celsius = 0;
  if (nvml.device_temperature != nullptr &&
      nvml.device_temperature(handle, Nvml::kTemperatureOfGpu, &celsius) == Nvml::kSuccess) {
    device.temperature_celsius = celsius;
  }
}

void ReadMig(const Nvml& nvml, Nvml::Device handle, GpuDevice& device) {
  unsigned current = 0;
  unsigned pending = 0;
  if (nvml.mig_mode == nullptr || nvml.mig_mode(handle, &current, &pending) != Nvml::kSuccess) {
    return;  // a GPU without MIG answers "not supported"
  }
  device.mig_enabled = current == Nvml::kMigEnabled;
  unsigned slots = 0;
  if (!*device.mig_enabled || nvml.mig_max_count == nullptr || nvml.mig_by_index == nullptr) return;
  if (nvml.mig_max_count(handle, &slots) != Nvml::kSuccess) return;
  for (unsigned slot = 0; slot < std::min(slots, kMaxInstances); ++slot) {
    Nvml::Device instance_handle = nullptr;
    // Slots may be empty anywhere, so a refusal does not end the list.
    if (nvml.mig_by_index(handle, slot, &instance_handle) != Nvml::kSuccess) continue;
    GpuInstance instance;
    instance.uuid = ReadUuid(nvml, instance_handle);
    instance.name = ReadName(nvml, instance_handle);
    ReadMemory(nvml, instance_handle, instance.memory_total_bytes, instance.memory_free_bytes);
    device.instances.push_back(std::move(instance));
  }
}

GpuDevice ReadDevice(const Nvml& nvml, unsigned index, Nvml::Device handle) {
  GpuDevice device;
  device.index = static_cast<int>(index);
  device.name = ReadName(nvml, handle);
  device.uuid = ReadUuid(nvml, handle);
  ReadPciBusId(nvml, handle, device);
  ReadMemory(nvml, handle, device.memory_total_bytes, device.memory_free_bytes);
  ReadLoad(nvml, handle, device);
  ReadMig(nvml, handle, device);
  return device;
}

std::string Describe(const Nvml& nvml, const char* call, int code) {
  const char* text = nvml.error_string == nullptr ? nullptr : nvml.error_string(code);
  return std::string(call) + " failed with " + std::to_string(code) +
         (text == nullptr ? "" : " (" + std::string(text) + ")");
}

void ReadVersions(const Nvml& nvml, GpuVendorReport& report) {
  if (nvml.driver_version != nullptr) {
    report.driver_version = ReadText(nvml.driver_version);
  }
  int version = 0;  // 12040 is 12.4
  constexpr int kMajor = 1000;
  constexpr int kMinor = 10;
  if (nvml.cuda_version != nullptr && nvml.cuda_version(&version) == Nvml::kSuccess) {
    report.cuda_version =
        std::to_string(version / kMajor) + "." + std::to_string(version % kMajor / kMinor);
  }
}

void ReadDevices(const Nvml& nvml, GpuVendorReport& report) {
  unsigned count = 0;
  const int counted = nvml.device_count(&count);
  if (counted != Nvml::kSuccess) {
    report.reason = Describe(nvml, "nvmlDeviceGetCount", counted);
    return;
  }
  for (unsigned index = 0; index < std::min(count, kMaxDevices); ++index) {
    Nvml::Device handle = nullptr;
    const int found = nvml.device_by_index(index, &handle);
    if (found == Nvml::kSuccess) {
      report.devices.push_back(ReadDevice(nvml, index, handle));
    } else {
      report.reason = Describe(nvml, "nvmlDeviceGetHandleByIndex", found);
    }
  }
  if (!report.devices.empty()) report.reason.reset();
  if (count == 0) report.reason = "the NVIDIA driver reports no device";
}

}  // namespace

GpuVendorReport ProbeNvidia(const std::string& library) {
  GpuVendorReport report;
  report.vendor = "nvidia";
  const Result<Nvml> opened = OpenNvml(library.empty() ? kDefaultLibrary : library);
  if (!opened.ok()) {
    report.reason = opened.error().message;
    return report;
  }
  const Nvml& nvml = opened.value();
  const int started = nvml.init();
  if (started != Nvml::kSuccess) {
    report.reason = Describe(nvml, "nvmlInit", started);
    return report;
  }
  ReadVersions(nvml, report);
  ReadDevices(nvml, report);
  nvml.shutdown();
  return report;
}

}  // namespace mlos
