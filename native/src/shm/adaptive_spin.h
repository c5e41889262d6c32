#ifndef MLOS_SHM_ADAPTIVE_SPIN_H_
#define MLOS_SHM_ADAPTIVE_SPIN_H_

#include <cstdint>

#include "base/clock.h"

namespace mlos {

/// Tells the CPU that this is a loop which waits.
inline void RelaxCpu() {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("isb" ::: "memory");
#else
  asm volatile("" ::: "memory");
#endif
}

/// Busy-waits for at most `budget_ns` nanoseconds; true as soon as `ready()` is. The clock costs
/// more than a look, so it is read only now and then.
template <typename Ready>
bool SpinUntil(uint64_t budget_ns, Ready ready) {
  constexpr int kLooksPerReading = 16;
  if (ready()) return true;
  if (budget_ns == 0) return false;
  const uint64_t end = MonotonicNanos() + budget_ns;
  do {
    for (int i = 0; i < kLooksPerReading; ++i) {
      if (ready()) return true;
      RelaxCpu();
    }
  } while (MonotonicNanos() < end);
  return ready();
}

/// Learns how long spinning before a sleep is worth while, from how long waits take, be they spun
/// or slept. A wait that spinning could have covered raises the budget to twice what it took; one
/// that took longer than `max_ns` halves it, down to nothing.
class AdaptiveSpin {
 public:
  explicit AdaptiveSpin(uint64_t max_ns) : max_ns_(max_ns), budget_ns_(max_ns) {}

  /// Nanoseconds to spin in the wait that begins now.
  uint64_t budget_ns() const { return budget_ns_; }
  /// What was waited for came after so many nanoseconds.
  void Learn(uint64_t waited_ns);

  uint64_t max_ns() const { return max_ns_; }

 private:
  uint64_t max_ns_;
  uint64_t budget_ns_;
};

}  // namespace mlos

#endif  // MLOS_SHM_ADAPTIVE_SPIN_H_
