#ifndef MLOS_BASE_PARENT_DEATH_H_
#define MLOS_BASE_PARENT_DEATH_H_

#include <sys/types.h>

#include <optional>

#include "base/status.h"

namespace mlos {

/// Asks the kernel to send `signal_number` to this process when its parent dies (0 takes the wish
/// back). The kernel watches the parent's *thread* that forked: a child of a worker thread gets
/// the signal when that thread ends.
///
/// A parent that died before the call would never be noticed, so the parent is looked at again
/// afterwards: PARENT_DIED when it has changed, or when it is not `expected_parent`.
Status SetParentDeathSignal(int signal_number, std::optional<pid_t> expected_parent);

}  // namespace mlos

#endif  // MLOS_BASE_PARENT_DEATH_H_
