#include "engine/kernel_side.h"

#include <linux/mempolicy.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "cpu/affinity.h"
#include "cpu/scheduling.h"

namespace mlos {
namespace {

const CpuTarget kThisThread{.kind = CpuTarget::Kind::kThread, .id = 0};

constexpr int kRealtimeNice = -10;
constexpr int kHighNice = -5;
constexpr int kBatchNice = 10;
/// Timed waits of a few microseconds (max_delay_us) would be rounded up by 50 otherwise.
constexpr unsigned long kTimerSlackNs = 1000;

std::string JoinNumbers(const std::vector<int>& numbers) {
  std::string text;
  for (const int number : numbers) {
    if (!text.empty()) text += ',';
    text += std::to_string(number);
  }
  return text;
}

AppliedMeasure Refused(std::string name, const std::string& wanted, const Error& error) {
  return {std::move(name), "refused", wanted + ": " + error.message};
}

AppliedMeasure ApplyNice(int nice) {
  const Status set = WriteNice(kThisThread, nice);
  if (!set.ok()) return Refused("nice", std::to_string(nice), set.error());
  return {"nice", "applied", std::to_string(nice)};
}

AppliedMeasure ApplyPolicy(SchedulingPolicy policy) {
  const int priority = policy == SchedulingPolicy::kFifo ? 1 : 0;
  const Status set = WriteScheduling(kThisThread, {.policy = policy, .priority = priority});
  const std::string wanted = std::string(PolicyName(policy)) +
                             (priority > 0 ? " priority " + std::to_string(priority) : "");
  if (!set.ok()) return Refused("policy", wanted, set.error());
  return {"policy", "applied", wanted};
}

void ApplyClass(layout::Priority priority, std::vector<AppliedMeasure>& measures) {
  switch (priority) {
    case layout::kRealtime: {
      measures.push_back(ApplyPolicy(SchedulingPolicy::kFifo));
      const bool fifo = measures.back().outcome == "applied";
      measures.push_back(fifo ? AppliedMeasure{"nice", "not needed", "fifo goes before any nice"}
                              : ApplyNice(kRealtimeNice));
      return;
    }
    case layout::kHigh:
      measures.push_back({"policy", "not needed", "as the process"});
      measures.push_back(ApplyNice(kHighNice));
      return;
    case layout::kBatch:
      measures.push_back(ApplyPolicy(SchedulingPolicy::kBatch));
      measures.push_back(ApplyNice(kBatchNice));
      return;
    default:
      measures.push_back({"policy", "not needed", "as the process"});
      measures.push_back({"nice", "not needed", "as the process"});
  }
}

}  // namespace

KernelSide::KernelSide(std::vector<int> reserved_cpus, bool lock_memory, CpuTopology topology)
    : reserved_cpus_(std::move(reserved_cpus)),
      lock_memory_(lock_memory),
      topology_(std::move(topology)) {}

AppliedMeasure KernelSide::ApplyAffinity(layout::Priority priority,
                                         const std::vector<int>& cpus) const {
  std::vector<int> wanted = cpus;
  if (wanted.empty() && reserved_cpus_.empty()) {
    return {"affinity", "not needed", "no CPUs are named or reserved"};
  }
  if (wanted.empty() && priority == layout::kRealtime) wanted = reserved_cpus_;
  if (wanted.empty()) {
    const Result<std::vector<int>> allowed = ReadAffinity(kThisThread);
    if (!allowed.ok()) return Refused("affinity", "all but reserved CPUs", allowed.error());
    for (const int cpu : allowed.value()) {
      const bool reserved =
          std::find(reserved_cpus_.begin(), reserved_cpus_.end(), cpu) != reserved_cpus_.end();
      if (!reserved) wanted.push_back(cpu);
    }
    if (wanted.empty()) {
      return {"affinity", "not available", "every CPU of this process is reserved"};
    }
  }
  const Status set = WriteAffinity(kThisThread, wanted);
  if (!set.ok()) return Refused("affinity", "CPUs " + JoinNumbers(wanted), set.error());
  // The kernel leaves out CPUs that are offline or outside the cpuset, without a word.
  const Result<std::vector<int>> became = ReadAffinity(kThisThread);
  if (!became.ok()) return Refused("affinity", "CPUs " + JoinNumbers(wanted), became.error());
  std::sort(wanted.begin(), wanted.end());
  wanted.erase(std::unique(wanted.begin(), wanted.end()), wanted.end());
  std::string detail = "CPUs " + JoinNumbers(became.value());
  if (became.value() != wanted) detail += " of " + JoinNumbers(wanted);
  return {"affinity", "applied", detail};
}

AppliedMeasure KernelSide::ApplyNuma() const {
  if (topology_.numa_nodes.size() < 2) return {"numa", "not needed", "the host has one node"};
  const Result<std::vector<int>> cpus = ReadAffinity(kThisThread);
  if (!cpus.ok()) return Refused("numa", "the CPUs' node", cpus.error());
  for (const NumaNode& node : topology_.numa_nodes) {
    const bool holds_all = std::all_of(cpus.value().begin(), cpus.value().end(), [&](int cpu) {
      return std::find(node.cpus.begin(), node.cpus.end(), cpu) != node.cpus.end();
    });
    if (!holds_all) continue;
    constexpr size_t kWordBits = 8 * sizeof(unsigned long);
    std::array<unsigned long, 1024 / kWordBits> mask{};
    const auto id = static_cast<size_t>(node.id);
    if (id >= mask.size() * kWordBits) break;
    mask.at(id / kWordBits) = 1UL << (id % kWordBits);
    // No wrapper in libc; libnuma is a dependency for the sake of one number.
    const long set =
        ::syscall(SYS_set_mempolicy, MPOL_PREFERRED, mask.data(), mask.size() * kWordBits);
    if (set != 0) {
      return Refused("numa", "node " + std::to_string(id),
                     SystemError("set_mempolicy", errno, "cannot prefer a node"));
    }
    return {"numa", "applied", "prefers node " + std::to_string(id)};
  }
  return {"numa", "not needed", "the CPUs lie in several nodes: memory is local to each thread"};
}

AppliedMeasure KernelSide::DescribeLocking() const {
  if (!lock_memory_) return {"mlock", "not needed", "locking is not asked for"};
  rlimit limit{};
  if (::getrlimit(RLIMIT_MEMLOCK, &limit) != 0) {
    return Refused("mlock", "arenas", SystemError("getrlimit", errno, "cannot read the limit"));
  }
  const auto page = static_cast<size_t>(::sysconf(_SC_PAGESIZE));
  void* probe = ::mmap(nullptr, page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (probe == MAP_FAILED) {
    return Refused("mlock", "arenas", SystemError("mmap", errno, "cannot try"));
  }
  const int failed = ::mlock(probe, page) == 0 ? 0 : errno;
  ::munmap(probe, page);
  if (failed != 0) return Refused("mlock", "arenas", SystemError("mlock", failed, "cannot lock"));
  const std::string most = limit.rlim_cur == RLIM_INFINITY
                               ? "without limit"
                               : "up to " + std::to_string(limit.rlim_cur) + " bytes";
  return {"mlock", "applied", "arenas are locked as channels open, " + most};
}

std::vector<AppliedMeasure> KernelSide::ApplyToThisThread(layout::Priority priority,
                                                          const std::vector<int>& cpus) const {
  ::prctl(PR_SET_TIMERSLACK, kTimerSlackNs);
  std::vector<AppliedMeasure> measures;
  measures.push_back(ApplyAffinity(priority, cpus));
  ApplyClass(priority, measures);
  measures.push_back(ApplyNuma());
  measures.push_back(DescribeLocking());
  return measures;
}

}  // namespace mlos
