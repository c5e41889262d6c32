#ifndef MLOS_CPU_TOPOLOGY_H_
#define MLOS_CPU_TOPOLOGY_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace mlos {

/// The processors of a host as the kernel tells them. Whatever it does not tell is absent, never
/// guessed: many virtual machines have no caches in sysfs, and ARM has no model name.

/// One logical processor, which is what affinity counts.
struct LogicalCpu {
  int id = 0;
  std::optional<int> package_id;
  /// Numbered within its package.
  std::optional<int> core_id;
  std::optional<int> numa_node;
  /// The logical processors of the same core, this one included (SMT). Empty when unknown.
  std::vector<int> thread_siblings;
};

struct NumaNode {
  int id = 0;
  std::vector<int> cpus;
  std::optional<uint64_t> memory_total_bytes;
  std::optional<uint64_t> memory_free_bytes;
};

struct CpuCache {
  int level = 0;
  /// "Data", "Instruction" or "Unified".
  std::string type;
  std::optional<uint64_t> size_bytes;
  std::vector<int> shared_cpus;
};

struct CpuTopology {
  std::optional<std::string> model_name;
  std::vector<int> online;
  std::vector<LogicalCpu> cpus;
  std::vector<NumaNode> numa_nodes;
  /// Each cache once, however many processors share it; by level, then type, then processor.
  std::vector<CpuCache> caches;
};

/// Reads `root`/sys/devices/system and `root`/proc/cpuinfo. `root` is "" for the host itself.
CpuTopology ReadCpuTopology(const std::string& root);

}  // namespace mlos

#endif  // MLOS_CPU_TOPOLOGY_H_
