#ifndef MLOS_SHM_FUTEX_H_
#define MLOS_SHM_FUTEX_H_

#include <atomic>
#include <cstdint>

namespace mlos {

/// Futexes on words that several processes map (never FUTEX_PRIVATE_FLAG). Waiting needs no right
/// to write to the word: a read-only mapping will do.

/// Sleeps while `word` is `expected`, for at most `timeout_ns` nanoseconds (more than 0). May
/// return for no reason at all: the caller looks again.
void FutexWait(const std::atomic<uint32_t>& word, uint32_t expected, uint64_t timeout_ns);

/// Wakes everybody who sleeps on `word`.
void FutexWakeAll(const std::atomic<uint32_t>& word);

}  // namespace mlos

#endif  // MLOS_SHM_FUTEX_H_
