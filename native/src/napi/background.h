#ifndef MLOS_NAPI_BACKGROUND_H_
#define MLOS_NAPI_BACKGROUND_H_

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <thread>

#include "napi/js_thread.h"
#include "napi/setup.h"

namespace mlos::binding {

/// Work that blocks for long, each on a thread of its own: the four threads of libuv's pool are
/// shared with the file system. Belongs to one environment and is used on its thread only.
class Background {
 public:
  /// Makes the value that a promise resolves to, or throws what it rejects with.
  using Outcome = std::function<Napi::Value(Napi::Env)>;
  /// Runs on the new thread and returns what is to be done on JavaScript's.
  using Work = std::function<Outcome()>;

  explicit Background(std::shared_ptr<JsThread> thread) : thread_(std::move(thread)) {}

  /// Starts the work; the event loop goes on until the promise is settled.
  Napi::Value Run(Napi::Env env, Work work);
  /// Waits for every thread; promises stay as they are.
  void Join();

 private:
  void Settle(Napi::Env env, uint64_t id, const Outcome& outcome);

  struct Job {
    Napi::Promise::Deferred deferred;
    std::thread thread;
  };

  const std::shared_ptr<JsThread> thread_;
  std::map<uint64_t, Job> jobs_;
  uint64_t next_id_ = 1;
};

}  // namespace mlos::binding

#endif  // MLOS_NAPI_BACKGROUND_H_
