#include "napi/js_thread.h"

#include <utility>

namespace mlos::binding {

std::shared_ptr<JsThread> JsThread::Create(Napi::Env env) {
  auto thread = std::make_shared<JsThread>();
  // The queue of the bell holds at most one ring per task that found ours empty.
  thread->bell_ = Bell::New(env, "mlos task", 0, 1, thread.get());
  thread->bell_.Unref(env);
  return thread;
}

bool JsThread::Post(Task task) {
  const std::lock_guard lock(mutex_);
  if (closed_) return false;
  tasks_.push_back(std::move(task));
  // Under the lock: Close() must not come between the look at closed_ and the ring.
  if (tasks_.size() == 1) bell_.NonBlockingCall();
  return true;
}

void JsThread::Hold(Napi::Env env) {
  if (holds_++ == 0) bell_.Ref(env);
}

void JsThread::Unhold(Napi::Env env) {
  if (--holds_ == 0) bell_.Unref(env);
}

void JsThread::Close() {
  std::deque<Task> dropped;  // destroyed outside the lock: what a task holds may call back
  const std::lock_guard lock(mutex_);
  closed_ = true;
  dropped.swap(tasks_);
}

void JsThread::Ring(Napi::Env env, Napi::Function /*callback*/, JsThread* thread, void* /*data*/) {
  // At the environment's end Node empties the queue with calls that have no environment.
  if (static_cast<napi_env>(env) != nullptr) thread->RunTasks(env);
}

void JsThread::RunTasks(Napi::Env env) {
  std::deque<Task> tasks;
  {
    const std::lock_guard lock(mutex_);
    tasks.swap(tasks_);
  }
  for (const Task& task : tasks) {
    const Napi::HandleScope scope(env);
    task(env);
  }
}

}  // namespace mlos::binding
