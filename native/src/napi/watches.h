#ifndef MLOS_NAPI_WATCHES_H_
#define MLOS_NAPI_WATCHES_H_

#include <cstdint>
#include <map>
#include <memory>

#include "base/readiness_watcher.h"
#include "napi/setup.h"

namespace mlos::binding {

/// Callbacks into one environment when descriptors become readable.
///
/// 1. The watcher's thread never touches JavaScript: it only rings the thread-safe function, and
///    the environment's own thread then asks what has fired.
/// 2. The thread is joined in a clean-up hook. Hooks run last in, first out, and this one is
///    registered after Node's own for the thread-safe function: so the thread is gone before the
///    function is, and nobody rings a bell that has been freed.
/// 3. The thread-safe function keeps the event loop alive only while a watch that asked for it
///    exists.
/// 4. Callbacks do not throw: the TypeScript side defers to a microtask. Node drops exceptions of
///    a thread-safe function with no more than a warning.
class Watches {
 public:
  /// Calls `callback()` once, when `fd` is readable. Returns the watch's number.
  uint64_t Add(Napi::Env env, int fd, Napi::Function callback, bool keep_alive);
  /// After this the callback is not called. Unknown and fired watches are fine.
  void Remove(Napi::Env env, uint64_t id);

 private:
  static void Ring(Napi::Env env, Napi::Function callback, Watches* watches, void* data);
  using Bell = Napi::TypedThreadSafeFunction<Watches, void, &Watches::Ring>;

  struct Watch {
    Napi::FunctionReference callback;
    bool keep_alive = false;
  };

  void Start(Napi::Env env);
  void CallFired(Napi::Env env);
  void KeepAlive(Napi::Env env, int change);

  Bell bell_;
  std::unique_ptr<ReadinessWatcher> watcher_;
  std::map<uint64_t, Watch> watches_;
  int keep_alive_count_ = 0;
};

}  // namespace mlos::binding

#endif  // MLOS_NAPI_WATCHES_H_
