#include "napi/js_calls.h"

#include <utility>

namespace mlos::binding {
namespace {

Error Cancelled() {
  return {.code = "CANCELLED",
          .message = "the run was ended before JavaScript answered",
          .error_number = 0,
          .syscall = ""};
}

Napi::Value ToArrayBuffer(Napi::Env env, std::vector<std::byte> bytes) {
  if (bytes.empty()) return Napi::ArrayBuffer::New(env, 0);
  auto owned = std::make_shared<std::vector<std::byte>>(std::move(bytes));
  return Napi::ArrayBuffer::New(env, owned->data(), owned->size(),
                                [owned](Napi::BasicEnv, void*) {});
}

Napi::Object ToObject(Napi::Env env, JsTensor tensor) {
  Napi::Object object = Napi::Object::New(env);
  Napi::Array shape = Napi::Array::New(env, tensor.shape.rank);
  for (uint32_t axis = 0; axis < tensor.shape.rank; ++axis) {
    shape.Set(axis, Napi::Number::New(env, static_cast<double>(tensor.shape.dims[axis])));
  }
  object.Set("index", Napi::Number::New(env, tensor.index));
  object.Set("dtype", Napi::Number::New(env, static_cast<double>(tensor.dtype)));
  object.Set("shape", shape);
  const size_t byte_length = tensor.bytes.size();
  const auto buffer = ToArrayBuffer(env, std::move(tensor.bytes)).As<Napi::ArrayBuffer>();
  object.Set("bytes", Napi::Uint8Array::New(env, byte_length, buffer, 0));
  return object;
}

}  // namespace

uint64_t JsCalls::AddFunction(const Napi::Function& function) {
  const uint64_t id = next_function_++;
  functions_.emplace(id, Napi::Persistent(function));
  return id;
}

void JsCalls::RemoveFunction(uint64_t function) {
  // Refused only once Close() has forgotten every function, or is about to.
  static_cast<void>(thread_->Post(
      [calls = shared_from_this(), function](Napi::Env) { calls->functions_.erase(function); }));
}

uint64_t JsCalls::NextCall() {
  const std::lock_guard lock(mutex_);
  const uint64_t id = next_call_++;
  Call& call = calls_[id];
  if (closed_) Finish(call, Cancelled(), {});
  return id;
}

Status JsCalls::Run(uint64_t call, uint64_t function, std::vector<JsTensor> inputs,
                    std::vector<uint32_t> outputs, std::vector<JsTensor>& results) {
  std::unique_lock lock(mutex_);
  Call& running = calls_.at(call);
  running.inputs = std::move(inputs);
  running.outputs = std::move(outputs);
  if (!running.done) {
    lock.unlock();
    const bool posted = thread_->Post([calls = shared_from_this(), call, function](Napi::Env env) {
      calls->Start(env, call, function);
    });
    lock.lock();
    if (!posted) Finish(running, Cancelled(), {});
  }
  finished_.wait(lock, [&running] { return running.done; });
  results = std::move(running.results);
  Status status = std::move(running.status);
  calls_.erase(call);
  return status;
}

void JsCalls::Start(Napi::Env env, uint64_t call, uint64_t function) {
  std::vector<JsTensor> inputs;
  std::vector<uint32_t> outputs;
  {
    const std::lock_guard lock(mutex_);
    const auto found = calls_.find(call);
    if (found == calls_.end() || found->second.done) return;
    found->second.begun = true;
    inputs = std::move(found->second.inputs);
    outputs = found->second.outputs;
  }
  const auto found = functions_.find(function);
  try {
    Napi::Array given = Napi::Array::New(env, inputs.size());
    for (uint32_t i = 0; i < inputs.size(); ++i) given.Set(i, ToObject(env, std::move(inputs[i])));
    Napi::Array wanted = Napi::Array::New(env, outputs.size());
    for (uint32_t i = 0; i < outputs.size(); ++i) {
      wanted.Set(i, Napi::Number::New(env, outputs[i]));
    }
    if (found == functions_.end()) throw std::logic_error("the model's function is gone");
    found->second.Call({Napi::Number::New(env, static_cast<double>(call)), given, wanted});
  } catch (const std::exception& error) {
    Reject(call, {.code = "INTERNAL", .message = error.what(), .error_number = 0, .syscall = ""});
  }
}

void JsCalls::Finish(Call& call, Status status, std::vector<JsTensor> results) {
  if (call.done) return;
  call.done = true;
  call.status = std::move(status);
  call.results = std::move(results);
  finished_.notify_all();
}

void JsCalls::Cancel(uint64_t call, JsRuns runs) {
  const std::lock_guard lock(mutex_);
  const auto found = calls_.find(call);
  if (found == calls_.end()) return;
  if (found->second.begun && runs == JsRuns::kAreAwaited) return;
  Finish(found->second, Cancelled(), {});
}

void JsCalls::Settle(uint64_t call, std::vector<JsTensor> results) {
  const std::lock_guard lock(mutex_);
  const auto found = calls_.find(call);
  if (found != calls_.end()) Finish(found->second, {}, std::move(results));
}

void JsCalls::Reject(uint64_t call, Error error) {
  const std::lock_guard lock(mutex_);
  const auto found = calls_.find(call);
  if (found != calls_.end()) Finish(found->second, std::move(error), {});
}

bool JsCalls::IsWaiting(uint64_t call) {
  const std::lock_guard lock(mutex_);
  const auto found = calls_.find(call);
  return found != calls_.end() && !found->second.done;
}

void JsCalls::Close() {
  functions_.clear();
  const std::lock_guard lock(mutex_);
  closed_ = true;
  for (auto& [id, call] : calls_) Finish(call, Cancelled(), {});
}

}  // namespace mlos::binding
