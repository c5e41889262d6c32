#include "base/file_lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <cerrno>

namespace mlos {
namespace {

constexpr mode_t kOwnerOnly = 0600;
constexpr int kMaxReplacements = 16;

/// Whether `path` still names the file that is open as `fd`.
bool StillNames(const std::string& path, int fd) {
  struct stat by_path {};
  struct stat by_fd {};
  return ::lstat(path.c_str(), &by_path) == 0 && ::fstat(fd, &by_fd) == 0 &&
         by_path.st_dev == by_fd.st_dev && by_path.st_ino == by_fd.st_ino;
}

Status LockOpenFile(int fd, const std::string& path) {
  while (::flock(fd, LOCK_EX | LOCK_NB) != 0) {
    if (errno == EINTR) continue;
    if (errno == EWOULDBLOCK) {
      // The same number as EAGAIN; this name says what happened.
      return Error{.code = "EWOULDBLOCK",
                   .message = "another process holds the lock on " + path,
                   .error_number = EWOULDBLOCK,
                   .syscall = "flock"};
    }
    return SystemError("flock", errno, "cannot lock " + path);
  }
  return {};
}

}  // namespace

Result<UniqueFd> AcquireFileLock(const std::string& path) {
  // A file that was removed or replaced between open and flock would leave two holders, each with
  // a file of its own; the lock counts only while the path still names the locked file.
  for (int attempt = 0; attempt < kMaxReplacements; ++attempt) {
    UniqueFd fd(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, kOwnerOnly));
    if (!fd.valid()) return SystemError("open", errno, "cannot open the lock file " + path);
    const Status locked = LockOpenFile(fd.get(), path);
    if (!locked.ok()) return locked.error();
    if (StillNames(path, fd.get())) return fd;
  }
  return Error{.code = "EWOULDBLOCK",
               .message = "the lock file " + path + " is replaced again and again",
               .error_number = EWOULDBLOCK,
               .syscall = "flock"};
}

}  // namespace mlos
