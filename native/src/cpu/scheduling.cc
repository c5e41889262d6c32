#include "cpu/scheduling.h"

#include <sched.h>
#include <sys/resource.h>

#include <array>
#include <cerrno>

namespace mlos {
namespace {

struct PolicyRow {
  SchedulingPolicy policy;
  int number;
  std::string_view name;
};

constexpr std::array<PolicyRow, 5> kPolicies{{
    {SchedulingPolicy::kOther, SCHED_OTHER, "other"},
    {SchedulingPolicy::kBatch, SCHED_BATCH, "batch"},
    {SchedulingPolicy::kIdle, SCHED_IDLE, "idle"},
    {SchedulingPolicy::kFifo, SCHED_FIFO, "fifo"},
    {SchedulingPolicy::kRoundRobin, SCHED_RR, "rr"},
}};

// A flag in the policy's number (children start as OTHER), not a policy.
constexpr int kResetOnFork = 0x40000000;

constexpr int kMinNice = -20;
constexpr int kMaxNice = 19;

}  // namespace

std::string_view PolicyName(SchedulingPolicy policy) {
  for (const PolicyRow& row : kPolicies) {
    if (row.policy == policy) return row.name;
  }
  return {};
}

std::optional<SchedulingPolicy> PolicyFromName(std::string_view name) {
  for (const PolicyRow& row : kPolicies) {
    if (row.name == name) return row.policy;
  }
  return std::nullopt;
}

Result<std::optional<Scheduling>> ReadScheduling(const CpuTarget& target) {
  const pid_t thread = MainThread(target);
  const int number = ::sched_getscheduler(thread);
  sched_param parameter{};
  if (number < 0) {
    return SystemError("sched_getscheduler", errno, "cannot read the scheduling policy");
  }
  if (::sched_getparam(thread, &parameter) != 0) {
    return SystemError("sched_getparam", errno, "cannot read the scheduling priority");
  }
  for (const PolicyRow& row : kPolicies) {
    if (row.number == (number & ~kResetOnFork)) {
      return std::optional(Scheduling{row.policy, parameter.sched_priority});
    }
  }
  return std::optional<Scheduling>{};
}

Status WriteScheduling(const CpuTarget& target, const Scheduling& scheduling) {
  int number = SCHED_OTHER;
  for (const PolicyRow& row : kPolicies) {
    if (row.policy == scheduling.policy) number = row.number;
  }
  sched_param parameter{};
  parameter.sched_priority = scheduling.priority;
  return ForEachThread(target, [&](pid_t thread) -> Status {
    if (::sched_setscheduler(thread, number, &parameter) == 0) return {};
    return SystemError("sched_setscheduler", errno, "cannot set the scheduling policy");
  });
}

Result<int> ReadNice(const CpuTarget& target) {
  // -1 is a nice value too, so only errno tells a failure.
  errno = 0;
  const int nice = ::getpriority(PRIO_PROCESS, static_cast<id_t>(MainThread(target)));
  if (errno != 0) return SystemError("getpriority", errno, "cannot read the nice value");
  return nice;
}

Status WriteNice(const CpuTarget& target, int nice) {
  if (nice < kMinNice || nice > kMaxNice) {
    return Error{.code = "INVALID_ARGUMENT",
                 .message = "a nice value lies between -20 and 19",
                 .error_number = 0,
                 .syscall = ""};
  }
  return ForEachThread(target, [&](pid_t thread) -> Status {
    // On Linux PRIO_PROCESS takes a thread's id and sets that thread alone.
    if (::setpriority(PRIO_PROCESS, static_cast<id_t>(thread), nice) == 0) return {};
    return SystemError("setpriority", errno, "cannot set the nice value");
  });
}

}  // namespace mlos
