#include <unistd.h>

#include <climits>

#include "base/small_file.h"
#include "check.h"
#include "cpu/affinity.h"
#include "cpu/scheduling.h"
#include "cpu/topology.h"

namespace mlos {
namespace {

const CpuTarget kThisThread{.kind = CpuTarget::Kind::kThread, .id = 0};
const CpuTarget kThisProcess{.kind = CpuTarget::Kind::kProcess, .id = 0};
const CpuTarget kNobody{.kind = CpuTarget::Kind::kProcess, .id = INT_MAX};

void WriteCpu(const test::TempFolder& root, int id, int package, int core,
              const std::string& siblings) {
  const std::string folder = "sys/devices/system/cpu/cpu" + std::to_string(id) + "/";
  root.Write(folder + "topology/physical_package_id", std::to_string(package) + "\n");
  root.Write(folder + "topology/core_id", std::to_string(core) + "\n");
  root.Write(folder + "topology/thread_siblings_list", siblings + "\n");
  root.Write(folder + "cache/index0/level", "1\n");
  root.Write(folder + "cache/index0/type", "Data\n");
  root.Write(folder + "cache/index0/size", "48K\n");
  root.Write(folder + "cache/index0/shared_cpu_list", siblings + "\n");
  root.Write(folder + "cache/index3/level", "3\n");
  root.Write(folder + "cache/index3/type", "Unified\n");
  root.Write(folder + "cache/index3/size", "2M\n");
  root.Write(folder + "cache/index3/shared_cpu_list", package == 0 ? "0-1\n" : "2-3\n");
}

}  // namespace

MLOS_TEST(topology_reads_two_packages_with_smt_and_numa) {
  const test::TempFolder root;
  root.Write("proc/cpuinfo", "processor\t: 0\nmodel name\t: Fancy CPU 9000\nprocessor\t: 1\n");
  root.Write("sys/devices/system/cpu/online", "0-3\n");
  WriteCpu(root, 0, 0, 0, "0-1");
  WriteCpu(root, 1, 0, 0, "0-1");
  WriteCpu(root, 2, 1, 0, "2-3");
  WriteCpu(root, 3, 1, 0, "2-3");
  root.Write("sys/devices/system/node/node0/cpulist", "0-1\n");
  root.Write("sys/devices/system/node/node0/meminfo",
             "Node 0 MemTotal:        1024 kB\nNode 0 MemFree:          512 kB\n");
  root.Write("sys/devices/system/node/node1/cpulist", "2-3\n");

  const CpuTopology topology = ReadCpuTopology(root.path());
  CHECK_EQ(topology.model_name, std::optional<std::string>("Fancy CPU 9000"));
  CHECK_EQ(topology.online, (std::vector<int>{0, 1, 2, 3}));
  REQUIRE(topology.cpus.size() == 4);
  CHECK_EQ(topology.cpus[3].package_id, std::optional(1));
  CHECK_EQ(topology.cpus[3].core_id, std::optional(0));
  CHECK_EQ(topology.cpus[3].numa_node, std::optional(1));
  CHECK_EQ(topology.cpus[3].thread_siblings, (std::vector<int>{2, 3}));
  REQUIRE(topology.numa_nodes.size() == 2);
  CHECK_EQ(topology.numa_nodes[0].memory_total_bytes, std::optional<uint64_t>(1 << 20));
  CHECK_EQ(topology.numa_nodes[0].memory_free_bytes, std::optional<uint64_t>(1 << 19));
  CHECK(!topology.numa_nodes[1].memory_total_bytes);
  REQUIRE(topology.caches.size() == 4);  // each once: two of level 1, two of level 3
  CHECK_EQ(topology.caches[0].size_bytes, std::optional<uint64_t>(48 * 1024));
  CHECK_EQ(topology.caches[3].size_bytes, std::optional<uint64_t>(2 << 20));
  CHECK_EQ(topology.caches[3].shared_cpus, (std::vector<int>{2, 3}));
}

MLOS_TEST(topology_of_a_bare_tree_is_unknown_not_invented) {
  const test::TempFolder root;
  root.Write("sys/devices/system/cpu/cpu0/topology/physical_package_id", "-1\n");
  root.Write("sys/devices/system/cpu/cpufreq/x", "");
  root.Write("proc/cpuinfo", "Processor : something\n");
  const CpuTopology topology = ReadCpuTopology(root.path());
  CHECK(!topology.model_name);
  CHECK_EQ(topology.online, std::vector<int>{0});
  REQUIRE(topology.cpus.size() == 1);
  CHECK(!topology.cpus[0].package_id);
  CHECK(!topology.cpus[0].numa_node);
  CHECK(topology.cpus[0].thread_siblings.empty());
  CHECK(topology.caches.empty());
  CHECK(ReadCpuTopology("/nonexistent").cpus.empty());
}

MLOS_TEST(topology_survives_garbage) {
  const test::TempFolder root;
  root.Write("sys/devices/system/cpu/online", "0-99999999999\n");
  root.Write("sys/devices/system/node/node0/cpulist", "5-2\n");
  root.Write("sys/devices/system/node/node0/meminfo", "Node 0 MemTotal:");
  root.Write("proc/cpuinfo", "model name");
  const CpuTopology topology = ReadCpuTopology(root.path());
  CHECK(topology.online.empty());
  CHECK(!topology.numa_nodes[0].memory_total_bytes);
  CHECK(!topology.model_name);
}

MLOS_TEST(topology_of_this_host_has_processors) {
  const CpuTopology topology = ReadCpuTopology("");
  CHECK(!topology.online.empty());
  CHECK_EQ(topology.cpus.size(), topology.online.size());
}

MLOS_TEST(affinity_is_read_and_written) {
  const auto before = ReadAffinity(kThisThread);
  REQUIRE(before.ok() && !before.value().empty());
  const std::vector<int> one{before.value().back()};
  CHECK(WriteAffinity(kThisThread, one).ok());
  CHECK_EQ(ReadAffinity(kThisThread).value(), one);
  CHECK(WriteAffinity(kThisProcess, before.value()).ok());
  CHECK_EQ(ReadAffinity(kThisProcess).value(), before.value());
}

MLOS_TEST(affinity_refuses_what_makes_no_sense) {
  CHECK_EQ(WriteAffinity(kThisThread, {}).error().code, "INVALID_ARGUMENT");
  CHECK_EQ(WriteAffinity(kThisThread, {-1}).error().code, "INVALID_ARGUMENT");
  CHECK_EQ(WriteAffinity(kThisThread, {65'536}).error().code, "INVALID_ARGUMENT");
  CHECK_EQ(WriteAffinity(kThisThread, {65'535}).error().code, "EINVAL");
  CHECK_EQ(WriteAffinity(kNobody, {0}).error().code, "ESRCH");
  CHECK_EQ(ReadAffinity(kNobody).error().code, "ESRCH");
}

MLOS_TEST(scheduling_is_read_and_written) {
  const auto before = ReadScheduling(kThisThread);
  REQUIRE(before.ok() && before.value());
  CHECK(WriteScheduling(kThisProcess, {.policy = SchedulingPolicy::kBatch}).ok());
  CHECK(ReadScheduling(kThisProcess).value()->policy == SchedulingPolicy::kBatch);
  CHECK(WriteScheduling(kThisProcess, *before.value()).ok());
  CHECK_EQ(WriteScheduling(kThisThread, {SchedulingPolicy::kOther, 5}).error().code, "EINVAL");
  CHECK_EQ(WriteScheduling(kThisThread, {SchedulingPolicy::kFifo, 0}).error().code, "EINVAL");
  CHECK_EQ(ReadScheduling(kNobody).error().code, "ESRCH");
  CHECK_EQ(PolicyName(SchedulingPolicy::kRoundRobin), "rr");
  CHECK(PolicyFromName("fifo") == SchedulingPolicy::kFifo);
  CHECK(!PolicyFromName("deadline"));
}

MLOS_TEST(nice_is_read_and_refused_out_of_bounds) {
  const auto nice = ReadNice(kThisProcess);
  REQUIRE(nice.ok());
  CHECK(WriteNice(kThisProcess, nice.value()).ok());
  CHECK_EQ(WriteNice(kThisProcess, 20).error().code, "INVALID_ARGUMENT");
  CHECK_EQ(WriteNice(kThisProcess, -21).error().code, "INVALID_ARGUMENT");
  CHECK_EQ(ReadNice(kNobody).error().code, "ESRCH");
}

}  // namespace mlos
