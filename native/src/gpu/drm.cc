#include "gpu/drm.h"

#include <algorithm>
#include <string_view>

#include "base/small_file.h"

namespace mlos {
namespace {

/// The value of one line KEY=value of a uevent file.
std::optional<std::string> UeventValue(const std::string& uevent, std::string_view key) {
  std::string_view rest = uevent;
  while (!rest.empty()) {
    const size_t end = rest.find('\n');
    const std::string_view line = rest.substr(0, end);
    rest = end == std::string_view::npos ? std::string_view{} : rest.substr(end + 1);
    if (line.starts_with(key) && line.substr(key.size()).starts_with('=')) {
      return std::string(line.substr(key.size() + 1));
    }
  }
  return std::nullopt;
}

}  // namespace

std::vector<DrmCard> ListDrmCards(const std::string& root, uint64_t pci_vendor) {
  const std::string drm = root + "/sys/class/drm";
  std::vector<DrmCard> cards;
  for (const std::string& name : ListFolder(drm)) {
    const auto index = ParseSuffix(name, "card");
    if (!index) continue;
    const std::string folder = drm + "/" + name + "/device";
    if (ReadNumberFile(folder + "/vendor") != pci_vendor) continue;
    const std::string uevent = ReadSmallFile(folder + "/uevent").value_or("");
    cards.push_back({.index = *index,
                     .folder = folder,
                     .pci_vendor = pci_vendor,
                     .pci_bus_id = UeventValue(uevent, "PCI_SLOT_NAME"),
                     .driver = UeventValue(uevent, "DRIVER"),
                     .pci_id = UeventValue(uevent, "PCI_ID")});
  }
  std::sort(cards.begin(), cards.end(),
            [](const DrmCard& a, const DrmCard& b) { return a.index < b.index; });
  return cards;
}

std::optional<double> ReadDrmTemperature(const DrmCard& card) {
  constexpr double kMilli = 1000.0;
  for (const std::string& name : ListFolder(card.folder + "/hwmon")) {
    const auto milli = ReadNumberFile(card.folder + "/hwmon/" + name + "/temp1_input");
    if (milli) return static_cast<double>(*milli) / kMilli;
  }
  return std::nullopt;
}

std::optional<std::string> ReadDrmDriverVersion(const std::string& root, const DrmCard& card) {
  if (!card.driver || card.driver->find('/') != std::string::npos) return std::nullopt;
  return ReadSmallFile(root + "/sys/module/" + *card.driver + "/version");
}

}  // namespace mlos
