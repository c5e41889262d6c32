#include "base/pidfd.h"

#include <poll.h>
#include <sys/syscall.h>

#include <cerrno>

#include "base/clock.h"

namespace mlos {
namespace {

constexpr uint64_t kNanosPerMilli = 1'000'000;

int RemainingMs(uint64_t deadline_nanos) {
  const uint64_t now = MonotonicNanos();
  if (now >= deadline_nanos) return 0;
  // Rounded up, so that poll does not spin through the last fraction of a millisecond.
  return static_cast<int>((deadline_nanos - now + kNanosPerMilli - 1) / kNanosPerMilli);
}

}  // namespace

// The system calls are made by number: glibc wraps them only from 2.36 on.

Result<UniqueFd> OpenPidFd(pid_t pid) {
  const long fd = ::syscall(SYS_pidfd_open, pid, 0);
  if (fd < 0) {
    return SystemError("pidfd_open", errno, "cannot open process " + std::to_string(pid));
  }
  return UniqueFd(static_cast<int>(fd));
}

Status SignalPidFd(int pidfd, int signal_number) {
  if (::syscall(SYS_pidfd_send_signal, pidfd, signal_number, nullptr, 0) != 0) {
    return SystemError("pidfd_send_signal", errno,
                       "cannot send signal " + std::to_string(signal_number));
  }
  return {};
}

Result<bool> WaitForExit(int pidfd, int timeout_ms) {
  const uint64_t deadline =
      MonotonicNanos() + static_cast<uint64_t>(timeout_ms < 0 ? 0 : timeout_ms) * kNanosPerMilli;
  pollfd entry{.fd = pidfd, .events = POLLIN, .revents = 0};
  for (;;) {
    const int ready = ::poll(&entry, 1, timeout_ms < 0 ? -1 : RemainingMs(deadline));
    if (ready >= 0) return ready > 0;
    if (errno != EINTR) return SystemError("poll", errno, "cannot wait for the process");
  }
}

}  // namespace mlos
