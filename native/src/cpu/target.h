#ifndef MLOS_CPU_TARGET_H_
#define MLOS_CPU_TARGET_H_

#include <sys/types.h>

#include <functional>

#include "base/result.h"

namespace mlos {

/// Whom a setting is for. Linux keeps affinity, policy and nice per *thread*; a call that names a
/// process reaches its main thread only, which is seldom what was meant.
struct CpuTarget {
  enum class Kind {
    /// Every thread of the process, found in /proc. Reading looks at the main thread.
    kProcess,
    kThread,
  };
  Kind kind = Kind::kProcess;
  /// 0 means the caller.
  pid_t id = 0;
};

/// The thread to ask about the target.
pid_t MainThread(const CpuTarget& target);

/// Applies `apply(thread)` to each thread of the target. Threads that start meanwhile inherit from
/// one that may not have been reached, so the list is read again until it holds no new one; a
/// thread that ends meanwhile (ESRCH) is no error unless it is the only one.
Status ForEachThread(const CpuTarget& target, const std::function<Status(pid_t)>& apply);

}  // namespace mlos

#endif  // MLOS_CPU_TARGET_H_
