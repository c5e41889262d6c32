#include "napi/background.h"

#include <exception>
#include <string>
#include <utility>

#include "napi/translate_error.h"

namespace mlos::binding {
namespace {

/// What the work returns, or a rejection with what it threw (std::bad_alloc).
Background::Outcome RunWork(const Background::Work& work) {
  try {
    return work();
  } catch (const std::exception& error) {
    return [text = std::string(error.what())](Napi::Env env) -> Napi::Value {
      Throw(env, {.code = "INTERNAL", .message = text, .error_number = 0, .syscall = ""});
    };
  }
}

}  // namespace

Napi::Value Background::Run(Napi::Env env, Work work) {
  const uint64_t id = next_id_++;
  const auto deferred = Napi::Promise::Deferred::New(env);
  // The task runs on this very thread, so it comes after jobs_ has the job.
  std::thread thread([this, id, work = std::move(work)]() mutable {
    Outcome outcome = RunWork(work);
    work = nullptr;
    // `this` is there still: Join() waits for this thread before it goes.
    static_cast<void>(thread_->Post(
        [this, id, outcome = std::move(outcome)](Napi::Env at) { Settle(at, id, outcome); }));
  });
  jobs_.emplace(id, Job{deferred, std::move(thread)});
  thread_->Hold(env);
  return deferred.Promise();
}

void Background::Settle(Napi::Env env, uint64_t id, const Outcome& outcome) {
  const auto found = jobs_.find(id);
  if (found == jobs_.end()) return;
  Job job = std::move(found->second);
  jobs_.erase(found);
  job.thread.join();  // it has nothing left to do
  thread_->Unhold(env);
  try {
    job.deferred.Resolve(outcome(env));
  } catch (const Napi::Error& error) {
    job.deferred.Reject(error.Value());
  }
}

void Background::Join() {
  for (auto& [id, job] : jobs_) job.thread.join();
  jobs_.clear();
}

}  // namespace mlos::binding
