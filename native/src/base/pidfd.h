#ifndef MLOS_BASE_PIDFD_H_
#define MLOS_BASE_PIDFD_H_

#include <sys/types.h>

#include "base/result.h"
#include "base/unique_fd.h"

namespace mlos {

/// A process, named by descriptor. A pid may be given to another process the moment its owner is
/// reaped; a pidfd stays with the one it was opened for. And unlike kill(pid, 0), which succeeds
/// on a zombie, it becomes readable as soon as the process has ended, reaped or not.

/// Opens the process `pid`. ESRCH when there is none.
Result<UniqueFd> OpenPidFd(pid_t pid);

/// Sends a signal; 0 only asks whether it could be sent. ESRCH when the process has been reaped.
Status SignalPidFd(int pidfd, int signal_number);

/// Waits until the process has ended: true if it has, false if `timeout_ms` passed first.
/// A negative time waits for ever, 0 only looks.
Result<bool> WaitForExit(int pidfd, int timeout_ms);

}  // namespace mlos

#endif  // MLOS_BASE_PIDFD_H_
