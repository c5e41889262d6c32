#ifndef MLOS_BASE_CLOCK_H_
#define MLOS_BASE_CLOCK_H_

#include <ctime>

#include <cstdint>

namespace mlos {

/// Nanoseconds of CLOCK_MONOTONIC. The clock is the same one in every process of the host, so a
/// deadline may be written by one process and read by another; it stands still during suspend.
inline uint64_t MonotonicNanos() {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  constexpr uint64_t kNanosPerSecond = 1'000'000'000;
  return static_cast<uint64_t>(now.tv_sec) * kNanosPerSecond + static_cast<uint64_t>(now.tv_nsec);
}

}  // namespace mlos

#endif  // MLOS_BASE_CLOCK_H_
