#ifndef MLOS_BASE_FILE_LOCK_H_
#define MLOS_BASE_FILE_LOCK_H_

#include <string>

#include "base/result.h"
#include "base/unique_fd.h"

namespace mlos {

/// An exclusive flock on the file `path`, which is created (mode 0600) when absent and is never
/// removed. It lasts as long as the descriptor does: the kernel drops it when the process dies,
/// however it dies, so a stale lock cannot exist.
///
/// EWOULDBLOCK when another holder has it; ELOOP when the path is a symbolic link.
Result<UniqueFd> AcquireFileLock(const std::string& path);

}  // namespace mlos

#endif  // MLOS_BASE_FILE_LOCK_H_
