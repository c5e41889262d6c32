#include "cpu/affinity.h"

#include <sched.h>

#include <algorithm>
#include <cerrno>
#include <memory>

namespace mlos {
namespace {

// cpu_set_t stops at 1,024 processors; the kernel can be built for more, so sets are allocated.
constexpr int kFirstCapacity = 1024;
constexpr int kMaxCpus = 65'536;

struct FreeCpuSet {
  void operator()(cpu_set_t* set) const { CPU_FREE(set); }
};
using CpuSet = std::unique_ptr<cpu_set_t, FreeCpuSet>;

CpuSet MakeCpuSet(int capacity) {
  CpuSet set(CPU_ALLOC(static_cast<size_t>(capacity)));
  if (set != nullptr) CPU_ZERO_S(CPU_ALLOC_SIZE(static_cast<size_t>(capacity)), set.get());
  return set;
}

std::vector<int> ToList(const cpu_set_t* set, size_t set_bytes) {
  constexpr size_t kBitsPerByte = 8;
  std::vector<int> cpus;
  for (size_t cpu = 0; cpu < set_bytes * kBitsPerByte; ++cpu) {
    if (CPU_ISSET_S(cpu, set_bytes, set)) cpus.push_back(static_cast<int>(cpu));
  }
  return cpus;
}

}  // namespace

Result<std::vector<int>> ReadAffinity(const CpuTarget& target) {
  const pid_t thread = MainThread(target);
  for (int capacity = kFirstCapacity; capacity <= kMaxCpus; capacity *= 2) {
    const size_t set_bytes = CPU_ALLOC_SIZE(static_cast<size_t>(capacity));
    const CpuSet set = MakeCpuSet(capacity);
    if (set == nullptr) return SystemError("malloc", ENOMEM, "cannot read the affinity");
    if (::sched_getaffinity(thread, set_bytes, set.get()) == 0) return ToList(set.get(), set_bytes);
    if (errno != EINVAL) break;  // EINVAL: the kernel knows more processors than the set holds
  }
  return SystemError("sched_getaffinity", errno, "cannot read the affinity");
}

Status WriteAffinity(const CpuTarget& target, const std::vector<int>& cpus) {
  const auto valid = [](int cpu) { return cpu >= 0 && cpu < kMaxCpus; };
  if (cpus.empty() || !std::all_of(cpus.begin(), cpus.end(), valid)) {
    return Error{.code = "INVALID_ARGUMENT",
                 .message = "an affinity names one processor or more, each 0 to 65535",
                 .error_number = 0,
                 .syscall = ""};
  }
  const int capacity = *std::max_element(cpus.begin(), cpus.end()) + 1;
  const size_t set_bytes = CPU_ALLOC_SIZE(static_cast<size_t>(capacity));
  const CpuSet set = MakeCpuSet(capacity);
  if (set == nullptr) return SystemError("malloc", ENOMEM, "cannot set the affinity");
  for (const int cpu : cpus) CPU_SET_S(static_cast<size_t>(cpu), set_bytes, set.get());
  return ForEachThread(target, [&](pid_t thread) -> Status {
    if (::sched_setaffinity(thread, set_bytes, set.get()) == 0) return {};
    return SystemError("sched_setaffinity", errno, "cannot set the affinity");
  });
}

}  // namespace mlos
