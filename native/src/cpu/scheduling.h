#ifndef MLOS_CPU_SCHEDULING_H_
#define MLOS_CPU_SCHEDULING_H_

#include <optional>
#include <string_view>

#include "base/result.h"
#include "cpu/target.h"

namespace mlos {

/// sched(7). OTHER, BATCH and IDLE share the processor by nice; FIFO and RR pre-empt all of those.
enum class SchedulingPolicy { kOther, kBatch, kIdle, kFifo, kRoundRobin };

struct Scheduling {
  SchedulingPolicy policy = SchedulingPolicy::kOther;
  /// 1 to 99, higher first, for FIFO and RR; 0 for the others.
  int priority = 0;
};

/// "other", "batch", "idle", "fifo", "rr".
std::string_view PolicyName(SchedulingPolicy policy);
std::optional<SchedulingPolicy> PolicyFromName(std::string_view name);

/// Nullopt inside when the policy is one that has no name here (DEADLINE, EXT).
Result<std::optional<Scheduling>> ReadScheduling(const CpuTarget& target);

/// EINVAL when the priority does not fit the policy; EPERM for FIFO and RR without CAP_SYS_NICE or
/// a limit (RLIMIT_RTPRIO) that allows them.
Status WriteScheduling(const CpuTarget& target, const Scheduling& scheduling);

/// -20 (most favourable) to 19.
Result<int> ReadNice(const CpuTarget& target);

/// EACCES when the value is lowered without CAP_SYS_NICE or a limit (RLIMIT_NICE) that allows it;
/// INVALID_ARGUMENT outside -20..19, which the kernel would silently clamp.
Status WriteNice(const CpuTarget& target, int nice);

}  // namespace mlos

#endif  // MLOS_CPU_SCHEDULING_H_
