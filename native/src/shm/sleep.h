#ifndef MLOS_SHM_SLEEP_H_
#define MLOS_SHM_SLEEP_H_

#include <atomic>
#include <cstdint>

#include "shm/layout.h"

namespace mlos {

/// Going to sleep without losing a wake-up, and waking without a system call when nobody sleeps.
///
///     sleeper                                    waker
///     S1 sleeping = kind   (seq_cst)             W1 ring's tail = new   (seq_cst)
///     S2 b = bell          (acquire)             W2 read sleeping       (seq_cst)
///     S3 read ring's tail  (seq_cst)             W3 bell = bell + 1     (release)  if it sleeps
///     S4 nothing there: wait(bell, b)            W4 wake(bell)                     if it sleeps
///
/// 1. All seq_cst operations have one order. If W2 reads what was before S1, then W1 < W2 < S1 <
/// S3,
///    and S3 sees the new tail: it does not sleep.
/// 2. If W2 reads S1's value, W3 and W4 follow. S2 either read the bell before W3: then wait()
/// finds
///    it changed, or was asleep before W4 and is woken by it. Or S2 read what W3 wrote: then W1
///    happened before S3, which sees the new tail.
/// 3. Where the sleeper waits for a byte on a socket or for an eventfd, S2 and W3 fall away: a byte
///    that was sent before the sleeper began to wait is still there.
/// 4. The word says something else at each sleep, and a waker rings once for each value: a burst of
///    entries costs one system call, however late the sleeper gets a CPU. So S1 is done anew before
///    each wait.
///
/// `sleeping` is client_sleeping (partner: completion_tail) or host_sleeping (partner:
/// request_tail).

/// The sleeper's side. One thread at a time.
class Sleeper {
 public:
  explicit Sleeper(std::atomic<uint32_t>& word) : word_(word) {}

  /// S1. `kind`: layout::kSleepsOnFutex or kSleepsOnSocket.
  void Announce(uint32_t kind) {
    count_ += layout::kSleepStep;
    word_.store(count_ | kind, std::memory_order_seq_cst);
  }
  void Retract() { word_.store(layout::kAwake, std::memory_order_relaxed); }

 private:
  std::atomic<uint32_t>& word_;
  uint32_t count_ = 0;
};

/// The waker's side. One thread at a time.
class Waker {
 public:
  explicit Waker(const std::atomic<uint32_t>& word) : word_(word) {}

  /// W2: how to wake the other side now; kAwake when it needs no waking or has been woken already.
  uint32_t Ask() {
    const uint32_t value = word_.load(std::memory_order_seq_cst);
    if (value == seen_) return layout::kAwake;
    seen_ = value;
    return value & layout::kSleepKindMask;
  }

 private:
  const std::atomic<uint32_t>& word_;
  uint32_t seen_ = layout::kAwake;
};

}  // namespace mlos

#endif  // MLOS_SHM_SLEEP_H_
