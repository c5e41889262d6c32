#include "base/fork_count.h"

#include <pthread.h>

#include <atomic>

namespace mlos {
namespace {

std::atomic<uint32_t> forks{0};

bool WatchForks() {
  // Fails only without memory; then forks go unnoticed, as they would without this.
  return ::pthread_atfork(nullptr, nullptr,
                          [] { forks.fetch_add(1, std::memory_order_relaxed); }) == 0;
}

}  // namespace

uint32_t ForkCount() {
  [[maybe_unused]] static const bool watched = WatchForks();
  return forks.load(std::memory_order_relaxed);
}

}  // namespace mlos
