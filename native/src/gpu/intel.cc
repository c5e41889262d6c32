#include <string>

#include "base/small_file.h"
#include "gpu/drm.h"
#include "gpu/probe.h"

namespace mlos {
namespace {

constexpr uint64_t kIntelVendor = 0x8086;

GpuDevice ReadIntelCard(const DrmCard& card) {
  GpuDevice device;
  device.index = card.index;
  device.name = card.pci_id;
  device.pci_bus_id = card.pci_bus_id;
  // Discrete cards tell the size of their own memory, and nobody tells how much of it is free;
  // integrated ones have none.
  device.memory_total_bytes = ReadNumberFile(card.folder + "/mem_info_vram_total");
  if (!device.memory_total_bytes) {
    device.memory_total_bytes = ReadNumberFile(card.folder + "/lmem_total_bytes");
  }
  device.temperature_celsius = ReadDrmTemperature(card);
  return device;
}

}  // namespace

GpuVendorReport ProbeIntel(const std::string& root) {
  GpuVendorReport report;
  report.vendor = "intel";
  for (const DrmCard& card : ListDrmCards(root, kIntelVendor)) {
    if (!report.driver_version) report.driver_version = ReadDrmDriverVersion(root, card);
    report.devices.push_back(ReadIntelCard(card));
  }
  if (report.devices.empty()) report.reason = "no card with PCI vendor 0x8086 in /sys/class/drm";
  return report;
}

}  // namespace mlos
