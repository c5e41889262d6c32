#include <string>

#include "base/small_file.h"
#include "gpu/drm.h"
#include "gpu/probe.h"

namespace mlos {
namespace {

constexpr uint64_t kAmdVendor = 0x1002;

GpuDevice ReadAmdCard(const DrmCard& card) {
  GpuDevice device;
  device.index = card.index;
  // The marketing name is there only where the firmware carries one; the PCI id always is.
  device.name = ReadSmallFile(card.folder + "/product_name");
  if (!device.name || device.name->empty()) device.name = card.pci_id;
  device.uuid = ReadSmallFile(card.folder + "/unique_id");
  device.pci_bus_id = card.pci_bus_id;
  const auto total = ReadNumberFile(card.folder + "/mem_info_vram_total");
  const auto used = ReadNumberFile(card.folder + "/mem_info_vram_used");
  device.memory_total_bytes = total;
  if (total && used && *used <= *total) device.memory_free_bytes = *total - *used;
  device.utilization_gpu_percent = ReadNumberFile(card.folder + "/gpu_busy_percent");
  device.utilization_memory_percent = ReadNumberFile(card.folder + "/mem_busy_percent");
  device.temperature_celsius = ReadDrmTemperature(card);
  return device;
}

}  // namespace

GpuVendorReport ProbeAmd(const std::string& root) {
  GpuVendorReport report;
  report.vendor = "amd";
  for (const DrmCard& card : ListDrmCards(root, kAmdVendor)) {
    if (!report.driver_version) report.driver_version = ReadDrmDriverVersion(root, card);
    report.devices.push_back(ReadAmdCard(card));
  }
  if (report.devices.empty()) report.reason = "no card with PCI vendor 0x1002 in /sys/class/drm";
  return report;
}

}  // namespace mlos
