#include "napi/watches.h"

#include <utility>

#include "napi/translate_error.h"

namespace mlos::binding {

uint64_t Watches::Add(Napi::Env env, int fd, Napi::Function callback, bool keep_alive) {
  if (watcher_ == nullptr) Start(env);
  const uint64_t id = Unwrap(env, watcher_->Add(fd));
  // The thread may ring before this line; Ring runs on this very thread, so it comes after.
  watches_.emplace(id, Watch{Napi::Persistent(callback), keep_alive});
  if (keep_alive) KeepAlive(env, 1);
  return id;
}

void Watches::Remove(Napi::Env env, uint64_t id) {
  const auto found = watches_.find(id);
  if (found == watches_.end()) return;
  watcher_->Remove(id);
  if (found->second.keep_alive) KeepAlive(env, -1);
  watches_.erase(found);
}

void Watches::Start(Napi::Env env) {
  // A queue without a limit holds at most one entry per watch.
  Bell bell = Bell::New(env, "mlos watch", 0, 1, this);
  auto started = ReadinessWatcher::Start([bell] { bell.NonBlockingCall(); });
  if (!started.ok()) {
    bell.Release();
    Throw(env, started.error());
  }
  bell_ = bell;
  bell_.Unref(env);  // rule 3
  watcher_ = std::move(started).value();
  env.AddCleanupHook([this] { watcher_.reset(); });  // rule 2
}

void Watches::Ring(Napi::Env env, Napi::Function /*callback*/, Watches* watches, void* /*data*/) {
  // At the environment's end Node empties the queue with calls that have no environment.
  if (static_cast<napi_env>(env) != nullptr) watches->CallFired(env);
}

void Watches::CallFired(Napi::Env env) {
  if (watcher_ == nullptr) return;
  for (const uint64_t id : watcher_->TakeFired()) {
    const auto found = watches_.find(id);
    if (found == watches_.end()) continue;  // removed by a callback of this very round
    const Watch watch = std::move(found->second);
    watches_.erase(found);
    if (watch.keep_alive) KeepAlive(env, -1);
    const Napi::HandleScope scope(env);
    watch.callback.Call({});
  }
}

void Watches::KeepAlive(Napi::Env env, int change) {
  const int before = std::exchange(keep_alive_count_, keep_alive_count_ + change);
  if (before == 0) bell_.Ref(env);
  if (keep_alive_count_ == 0) bell_.Unref(env);
}

}  // namespace mlos::binding
