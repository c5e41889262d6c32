#ifndef MLOS_ENGINE_ALARM_H_
#define MLOS_ENGINE_ALARM_H_

#include <atomic>
#include <cstdint>
#include <mutex>

#include "base/result.h"
#include "base/unique_fd.h"

namespace mlos {

/// One timer for all deadlines of an engine. Any thread sets it; the monitor sleeps on it.
///
/// It only ever moves nearer, and goes off at the nearest deadline there was, even if that one has
/// been met long ago. So a stream of requests whose deadlines are all a second away costs a system
/// call a second, not one each.
class Alarm {
 public:
  static Result<UniqueFd> CreateTimer();
  explicit Alarm(UniqueFd timer) : timer_(std::move(timer)) {}

  /// Goes off at `deadline_ns` (CLOCK_MONOTONIC) or before; UINT64_MAX: never.
  void SetAtMost(uint64_t deadline_ns) {
    if (deadline_ns < set_for_ns_.load(std::memory_order_relaxed)) Set(deadline_ns);
  }
  /// Takes note that it has gone off. The caller looks at all deadlines after that.
  void Acknowledge();
  int fd() const { return timer_.get(); }

 private:
  void Set(uint64_t deadline_ns);

  const UniqueFd timer_;
  std::mutex mutex_;
  std::atomic<uint64_t> set_for_ns_{UINT64_MAX};
};

}  // namespace mlos

#endif  // MLOS_ENGINE_ALARM_H_
