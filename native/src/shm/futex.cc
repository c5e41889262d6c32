#include "shm/futex.h"

#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <climits>
#include <ctime>

namespace mlos {

void FutexWait(const std::atomic<uint32_t>& word, uint32_t expected, uint64_t timeout_ns) {
  constexpr uint64_t kNanosPerSecond = 1'000'000'000;
  timespec timeout{};
  timeout.tv_sec = static_cast<time_t>(timeout_ns / kNanosPerSecond);
  timeout.tv_nsec = static_cast<long>(timeout_ns % kNanosPerSecond);
  // EAGAIN, EINTR and ETIMEDOUT all mean the same to the caller: look again.
  static_cast<void>(::syscall(SYS_futex, &word, FUTEX_WAIT, expected, &timeout, nullptr, 0));
}

void FutexWakeAll(const std::atomic<uint32_t>& word) {
  static_cast<void>(::syscall(SYS_futex, &word, FUTEX_WAKE, INT_MAX, nullptr, nullptr, 0));
}

}  // namespace mlos
