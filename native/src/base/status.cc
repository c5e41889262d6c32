#include "base/status.h"

#include <cerrno>
#include <cstring>
#include <system_error>

namespace mlos {
namespace {

struct ErrnoEntry {
  int number;
  const char* name;
};

// glibc has strerrorname_np, musl has not; the table covers what the calls made here can return.
// EWOULDBLOCK and EAGAIN are one number on Linux: the table says EAGAIN.
constexpr ErrnoEntry kErrnoNames[] = {
    {EPERM, "EPERM"},
    {ENOENT, "ENOENT"},
    {ESRCH, "ESRCH"},
    {EINTR, "EINTR"},
    {EIO, "EIO"},
    {ENXIO, "ENXIO"},
    {E2BIG, "E2BIG"},
    {ENOEXEC, "ENOEXEC"},
    {EBADF, "EBADF"},
    {ECHILD, "ECHILD"},
    {EAGAIN, "EAGAIN"},
    {ENOMEM, "ENOMEM"},
    {EACCES, "EACCES"},
    {EFAULT, "EFAULT"},
    {EBUSY, "EBUSY"},
    {EEXIST, "EEXIST"},
    {ENODEV, "ENODEV"},
    {ENOTDIR, "ENOTDIR"},
    {EISDIR, "EISDIR"},
    {EINVAL, "EINVAL"},
    {ENFILE, "ENFILE"},
    {EMFILE, "EMFILE"},
    {ENOTTY, "ENOTTY"},
    {ETXTBSY, "ETXTBSY"},
    {EFBIG, "EFBIG"},
    {ENOSPC, "ENOSPC"},
    {ESPIPE, "ESPIPE"},
    {EROFS, "EROFS"},
    {EPIPE, "EPIPE"},
    {ERANGE, "ERANGE"},
    {ENAMETOOLONG, "ENAMETOOLONG"},
    {ENOLCK, "ENOLCK"},
    {ENOSYS, "ENOSYS"},
    {ELOOP, "ELOOP"},
    {EOVERFLOW, "EOVERFLOW"},
    {ENOTSOCK, "ENOTSOCK"},
    {EDESTADDRREQ, "EDESTADDRREQ"},
    {EMSGSIZE, "EMSGSIZE"},
    {EPROTOTYPE, "EPROTOTYPE"},
    {ENOPROTOOPT, "ENOPROTOOPT"},
    {EOPNOTSUPP, "EOPNOTSUPP"},
    {EADDRINUSE, "EADDRINUSE"},
    {ECONNABORTED, "ECONNABORTED"},
    {ECONNRESET, "ECONNRESET"},
    {ENOBUFS, "ENOBUFS"},
    {EISCONN, "EISCONN"},
    {ENOTCONN, "ENOTCONN"},
    {ETIMEDOUT, "ETIMEDOUT"},
    {ECONNREFUSED, "ECONNREFUSED"},
    {EINPROGRESS, "EINPROGRESS"},
    {ETOOMANYREFS, "ETOOMANYREFS"},
};

}  // namespace

std::string ErrnoName(int error_number) {
  for (const ErrnoEntry& entry : kErrnoNames) {
    if (entry.number == error_number) return entry.name;
  }
  return "E" + std::to_string(error_number);
}

Error CodedError(std::string code, std::string message) {
  return Error{
      .code = std::move(code), .message = std::move(message), .error_number = 0, .syscall = ""};
}

Error SystemError(const char* syscall, int error_number, const std::string& what) {
  // std::generic_category is thread-safe where strerror is not.
  const std::string reason = std::generic_category().message(error_number);
  return Error{.code = ErrnoName(error_number),
               .message = what + ": " + reason,
               .error_number = error_number,
               .syscall = syscall};
}

}  // namespace mlos
