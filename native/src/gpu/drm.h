#ifndef MLOS_GPU_DRM_H_
#define MLOS_GPU_DRM_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace mlos {

/// One graphics card in sysfs, whoever made it.
struct DrmCard {
  /// The N of cardN.
  int index = 0;
  /// .../class/drm/cardN/device
  std::string folder;
  uint64_t pci_vendor = 0;
  std::optional<std::string> pci_bus_id;
  std::optional<std::string> driver;
  /// "1002:744C".
  std::optional<std::string> pci_id;
};

/// The cards of `root`/sys/class/drm with this PCI vendor, by number. The folder also lists
/// connectors (card0-HDMI-A-1) and render nodes of the same cards; they do not count.
std::vector<DrmCard> ListDrmCards(const std::string& root, uint64_t pci_vendor);

/// Degrees Celsius of the card's first temperature sensor.
std::optional<double> ReadDrmTemperature(const DrmCard& card);

/// Version of the kernel module that drives the card, as few of them tell it.
std::optional<std::string> ReadDrmDriverVersion(const std::string& root, const DrmCard& card);

}  // namespace mlos

#endif  // MLOS_GPU_DRM_H_
