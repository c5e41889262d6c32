#include "engine/alarm.h"

#include <sys/timerfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace mlos {

Result<UniqueFd> Alarm::CreateTimer() {
  UniqueFd timer(::timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK));
  if (!timer.valid()) return SystemError("timerfd_create", errno, "cannot make a timer");
  return timer;
}

void Alarm::Set(uint64_t deadline_ns) {
  const std::lock_guard lock(mutex_);
  if (deadline_ns >= set_for_ns_.load(std::memory_order_relaxed)) return;
  set_for_ns_.store(deadline_ns, std::memory_order_relaxed);
  constexpr uint64_t kNanosPerSecond = 1'000'000'000;
  // All zero would switch the timer off.
  const uint64_t at = std::max<uint64_t>(deadline_ns, 1);
  itimerspec when{};
  when.it_value.tv_sec = static_cast<time_t>(at / kNanosPerSecond);
  when.it_value.tv_nsec = static_cast<long>(at % kNanosPerSecond);
  // Fails only for arguments that are none.
  ::timerfd_settime(timer_.get(), TFD_TIMER_ABSTIME, &when, nullptr);
}

void Alarm::Acknowledge() {
  const std::lock_guard lock(mutex_);
  uint64_t times = 0;
  // EAGAIN when it was set anew meanwhile: then there is nothing to read away.
  [[maybe_unused]] const ssize_t got = ::read(timer_.get(), &times, sizeof times);
  set_for_ns_.store(UINT64_MAX, std::memory_order_relaxed);
}

}  // namespace mlos
