#include "napi/engine_room.h"

#include <algorithm>

namespace mlos::binding {

std::shared_ptr<JsCalls> EngineRoom::MakeCalls(Napi::Env env) {
  Start(env);
  calls_.erase(std::remove_if(calls_.begin(), calls_.end(),
                              [](const std::weak_ptr<JsCalls>& calls) { return calls.expired(); }),
               calls_.end());
  auto calls = std::make_shared<JsCalls>(thread_);
  calls_.push_back(calls);
  return calls;
}

Background& EngineRoom::background(Napi::Env env) {
  Start(env);
  return *background_;
}

void EngineRoom::Start(Napi::Env env) {
  if (thread_ != nullptr) return;
  thread_ = JsThread::Create(env);
  background_ = std::make_unique<Background>(thread_);
  env.AddCleanupHook([this] { Stop(); });  // rule 2 of JsThread
}

void EngineRoom::Stop() {
  for (const std::weak_ptr<JsCalls>& calls : calls_) {
    if (const auto alive = calls.lock()) alive->Close();
  }
  thread_->Close();
  background_->Join();
}

}  // namespace mlos::binding
