#ifndef MLOS_NAPI_ENGINE_ROOM_H_
#define MLOS_NAPI_ENGINE_ROOM_H_

#include <memory>
#include <vector>

#include "napi/background.h"
#include "napi/js_calls.h"
#include "napi/js_thread.h"

namespace mlos::binding {

/// What the engines of one environment need of it. When the environment ends, first every run that
/// waits for JavaScript is let go, then the threads that load models are waited for; the engines
/// themselves go with their handles, later.
class EngineRoom {
 public:
  /// Calls for one more engine.
  std::shared_ptr<JsCalls> MakeCalls(Napi::Env env);
  Background& background(Napi::Env env);

 private:
  void Start(Napi::Env env);
  void Stop();

  std::shared_ptr<JsThread> thread_;
  std::unique_ptr<Background> background_;
  std::vector<std::weak_ptr<JsCalls>> calls_;
};

}  // namespace mlos::binding

#endif  // MLOS_NAPI_ENGINE_ROOM_H_
