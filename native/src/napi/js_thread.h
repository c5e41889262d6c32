#ifndef MLOS_NAPI_JS_THREAD_H_
#define MLOS_NAPI_JS_THREAD_H_

#include <deque>
#include <functional>
#include <memory>
#include <mutex>

#include "napi/setup.h"

namespace mlos::binding {

/// The way from any thread to the one that runs JavaScript.
///
/// 1. Tasks run in the order of Post(), each with a handle scope of its own. They do not throw.
/// 2. After Close() nothing runs any more; what waited is dropped. Close() is called in a clean-up
///    hook: hooks run last in, first out, and that one is registered after Node's own for the
///    thread-safe function, so nobody rings a bell that has been freed.
class JsThread {
 public:
  using Task = std::function<void(Napi::Env)>;

  /// On the environment's own thread. The caller arranges for Close() (rule 2).
  static std::shared_ptr<JsThread> Create(Napi::Env env);

  /// From any thread. False: the environment is gone, the task will never run.
  bool Post(Task task);

  /// On the environment's own thread: while something holds it, the event loop goes on.
  void Hold(Napi::Env env);
  void Unhold(Napi::Env env);

  /// On the environment's own thread. Idempotent.
  void Close();

 private:
  static void Ring(Napi::Env env, Napi::Function callback, JsThread* thread, void* data);
  using Bell = Napi::TypedThreadSafeFunction<JsThread, void, &JsThread::Ring>;

  void RunTasks(Napi::Env env);

  Bell bell_;
  int holds_ = 0;
  std::mutex mutex_;
  std::deque<Task> tasks_;  // guarded by mutex_
  bool closed_ = false;     // guarded by mutex_
};

}  // namespace mlos::binding

#endif  // MLOS_NAPI_JS_THREAD_H_
