#ifndef MLOS_BASE_READINESS_WATCHER_H_
#define MLOS_BASE_READINESS_WATCHER_H_

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"

namespace mlos {

/// One thread that sleeps until watched descriptors become readable: a pidfd at its process's end,
/// an eventfd at its first count, a socket at its first byte or at its peer's close.
///
/// 1. A watch fires once and is then gone.
/// 2. The watcher keeps a duplicate of each descriptor, so the caller may close the original, and
///    a reused number is never mistaken for the old one.
/// 3. `notify` runs on the watcher's thread, never after the destructor has returned.
/// 4. After Remove(id), TakeFired() does not return that id.
class ReadinessWatcher {
 public:
  /// `notify` says "something has fired, call TakeFired()". It may be called once for several.
  static Result<std::unique_ptr<ReadinessWatcher>> Start(std::function<void()> notify);

  ReadinessWatcher(const ReadinessWatcher&) = delete;
  ReadinessWatcher& operator=(const ReadinessWatcher&) = delete;
  /// Stops and joins the thread.
  ~ReadinessWatcher();

  /// Watches `fd`; the number returned names the watch and is never used twice.
  Result<uint64_t> Add(int fd);
  /// Forgets a watch; unknown and fired ones are fine.
  void Remove(uint64_t id);
  /// The watches that have fired since the last call.
  std::vector<uint64_t> TakeFired();

 private:
  ReadinessWatcher(UniqueFd epoll, UniqueFd stop, std::function<void()> notify);
  void Run();
  bool Fire(uint64_t id);

  const UniqueFd epoll_;
  const UniqueFd stop_;
  const std::function<void()> notify_;

  std::mutex mutex_;
  std::map<uint64_t, UniqueFd> watched_;  // guarded by mutex_
  std::vector<uint64_t> fired_;           // guarded by mutex_
  uint64_t next_id_ = 1;                  // guarded by mutex_; 0 is the stop descriptor

  std::thread thread_;
};

}  // namespace mlos

#endif  // MLOS_BASE_READINESS_WATCHER_H_
