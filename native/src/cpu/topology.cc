#include "cpu/topology.h"

#include <algorithm>
#include <string_view>
#include <tuple>

#include "base/checked.h"
#include "base/small_file.h"

namespace mlos {
namespace {

std::optional<int> ReadId(const std::string& path) {
  // The kernel writes -1 for an id that it does not know, and that is no number to us.
  const auto number = ReadNumberFile(path);
  constexpr uint64_t kMaxId = 1U << 30;
  if (!number || *number > kMaxId) return std::nullopt;
  return static_cast<int>(*number);
}

std::vector<int> ReadIdList(const std::string& path) {
  const auto text = ReadSmallFile(path);
  if (!text) return {};
  return ParseIdList(*text).value_or(std::vector<int>{});
}

/// Sizes of caches are written as "48K", "2M" or plain bytes.
std::optional<uint64_t> ParseCacheSize(std::string_view text) {
  uint64_t unit = 1;
  if (text.ends_with('K')) unit = uint64_t{1} << 10;
  if (text.ends_with('M')) unit = uint64_t{1} << 20;
  if (text.ends_with('G')) unit = uint64_t{1} << 30;
  if (unit != 1) text.remove_suffix(1);
  const auto number = ParseNumber(text);
  return number ? CheckedMul(*number, unit) : std::nullopt;
}

std::optional<std::string> ReadModelName(const std::string& root) {
  const auto text = ReadSmallFile(root + "/proc/cpuinfo");
  if (!text) return std::nullopt;
  const size_t key = text->find("model name");
  const size_t colon = text->find(':', key);
  if (key == std::string::npos || colon == std::string::npos) return std::nullopt;
  const size_t end = text->find('\n', colon);
  const size_t start = text->find_first_not_of(" \t", colon + 1);
  if (start == std::string::npos || start >= end) return std::nullopt;
  return text->substr(start, end == std::string::npos ? end : end - start);
}

/// One line of a node's meminfo: "Node 0 MemTotal:        5335244 kB".
std::optional<uint64_t> MemoryLine(const std::string& meminfo, std::string_view key) {
  const size_t at = meminfo.find(key);
  if (at == std::string::npos) return std::nullopt;
  const size_t start = meminfo.find_first_not_of(' ', at + key.size());
  if (start == std::string::npos) return std::nullopt;
  const size_t end = meminfo.find(' ', start);
  const auto kib = ParseNumber(std::string_view(meminfo).substr(start, end - start));
  constexpr uint64_t kKib = 1024;
  return kib ? CheckedMul(*kib, kKib) : std::nullopt;
}

std::vector<NumaNode> ReadNumaNodes(const std::string& folder) {
  std::vector<NumaNode> nodes;
  for (const std::string& name : ListFolder(folder)) {
    const auto id = ParseSuffix(name, "node");
    if (!id) continue;
    const std::string path = folder + "/" + name;
    const std::string meminfo = ReadSmallFile(path + "/meminfo").value_or("");
    nodes.push_back({.id = *id,
                     .cpus = ReadIdList(path + "/cpulist"),
                     .memory_total_bytes = MemoryLine(meminfo, "MemTotal:"),
                     .memory_free_bytes = MemoryLine(meminfo, "MemFree:")});
  }
  std::sort(nodes.begin(), nodes.end(),
            [](const NumaNode& a, const NumaNode& b) { return a.id < b.id; });
  return nodes;
}

std::optional<int> NodeOf(int cpu, const std::vector<NumaNode>& nodes) {
  for (const NumaNode& node : nodes) {
    if (std::binary_search(node.cpus.begin(), node.cpus.end(), cpu)) return node.id;
  }
  return std::nullopt;
}

void AddCaches(const std::string& folder, int cpu, std::vector<CpuCache>& caches) {
  for (const std::string& name : ListFolder(folder)) {
    if (!ParseSuffix(name, "index")) continue;
    const std::string path = folder + "/" + name;
    const auto level = ReadId(path + "/level");
    const auto type = ReadSmallFile(path + "/type");
    if (!level || !type) continue;
    std::vector<int> shared = ReadIdList(path + "/shared_cpu_list");
    if (shared.empty()) shared.push_back(cpu);
    const bool known = std::any_of(caches.begin(), caches.end(), [&](const CpuCache& cache) {
      return cache.level == *level && cache.type == *type && cache.shared_cpus == shared;
    });
    if (known) continue;
    const auto size = ReadSmallFile(path + "/size");
    caches.push_back({.level = *level,
                      .type = *type,
                      .size_bytes = size ? ParseCacheSize(*size) : std::nullopt,
                      .shared_cpus = std::move(shared)});
  }
}

/// Older kernels, and some containers, have no list of who is online: then every folder counts.
std::vector<int> ReadOnline(const std::string& folder) {
  std::vector<int> online = ReadIdList(folder + "/online");
  if (!online.empty()) return online;
  for (const std::string& name : ListFolder(folder)) {
    if (const auto id = ParseSuffix(name, "cpu")) online.push_back(*id);
  }
  std::sort(online.begin(), online.end());
  return online;
}

}  // namespace

CpuTopology ReadCpuTopology(const std::string& root) {
  const std::string system = root + "/sys/devices/system";
  CpuTopology topology;
  topology.model_name = ReadModelName(root);
  topology.online = ReadOnline(system + "/cpu");
  topology.numa_nodes = ReadNumaNodes(system + "/node");
  for (const int id : topology.online) {
    const std::string folder = system + "/cpu/cpu" + std::to_string(id);
    topology.cpus.push_back(
        {.id = id,
         .package_id = ReadId(folder + "/topology/physical_package_id"),
         .core_id = ReadId(folder + "/topology/core_id"),
         .numa_node = NodeOf(id, topology.numa_nodes),
         .thread_siblings = ReadIdList(folder + "/topology/thread_siblings_list")});
    AddCaches(folder + "/cache", id, topology.caches);
  }
  std::sort(
      topology.caches.begin(), topology.caches.end(), [](const CpuCache& a, const CpuCache& b) {
        return std::tie(a.level, a.type, a.shared_cpus) < std::tie(b.level, b.type, b.shared_cpus);
      });
  return topology;
}

}  // namespace mlos
