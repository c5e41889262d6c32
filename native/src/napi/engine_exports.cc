#include <fcntl.h>

#include <cerrno>
#include <memory>
#include <utility>

#include "engine/engine.h"
#include "napi/bounds.h"
#include "napi/engine_values.h"
#include "napi/env_state.h"
#include "napi/exports.h"
#include "napi/handle.h"
#include "napi/js_runner.h"
#include "napi/translate_error.h"
#include "napi/type_tags.h"
#include "napi/values.h"
#include "ort/library.h"
#include "ort/ort_runner.h"

namespace mlos::binding {
namespace {

constexpr int64_t kMaxSpinMicros = 1'000'000;
constexpr int64_t kMaxCall = (int64_t{1} << 53) - 1;
constexpr int64_t kMaxStatus = 1000;

/// An engine as JavaScript has it; `engine` is empty after close. Work in the background shares it.
struct EngineHandle {
  std::shared_ptr<Engine> engine;
  std::shared_ptr<JsCalls> calls;

  EngineHandle() = default;
  EngineHandle(const EngineHandle&) = delete;
  EngineHandle& operator=(const EngineHandle&) = delete;
  ~EngineHandle() { Close(); }

  void Close() {
    if (calls != nullptr) calls->Close();  // rule 2 of JsCalls
    engine.reset();
  }
};

EngineHandle& ReadEngine(const Napi::Value& value) {
  auto& handle = ReadHandle<EngineHandle>(value, kEngineTag);
  if (handle.engine == nullptr) {
    Throw(value.Env(), Error{.code = "HANDLE_CLOSED",
                             .message = "the engine is closed",
                             .error_number = 0,
                             .syscall = ""});
  }
  return handle;
}

uint64_t ReadCall(const Napi::Value& value) {
  return static_cast<uint64_t>(ReadInteger(value, "call", 0, kMaxCall));
}

using OpenModel = std::function<Result<std::unique_ptr<Runner>>()>;

/// What is left to do on JavaScript's thread.
Background::Outcome ModelOutcome(Result<AddedModel> result) {
  auto added = std::make_shared<Result<AddedModel>>(std::move(result));
  return [added](Napi::Env at) -> Napi::Value {
    if (!added->ok()) Throw(at, added->error());
    return ToValue(at, added->value());
  };
}

Napi::Value AddInBackground(Napi::Env env, const std::shared_ptr<Engine>& engine, OpenModel open,
                            const ModelOptions& options) {
  return StateOf(env).engines.background(env).Run(
      env, [engine, open = std::move(open), options]() -> Background::Outcome {
        return ModelOutcome(engine->AddModel(open, options));
      });
}

/// engineStart(controlFd, spinUs, reservedCpus, lockMemory) -> handle; owns the descriptor from
/// here on, also when it throws, unless an argument is invalid
Napi::Value EngineStart(const Napi::CallbackInfo& info) {
  const EngineOptions options{
      .spin_us = static_cast<uint32_t>(ReadInteger(info[1], "spinUs", 0, kMaxSpinMicros)),
      .reserved_cpus = ReadIntList(info[2], "reservedCpus", kMaxCpus),
      .lock_memory = ReadBoolean(info[3], "lockMemory")};
  UniqueFd control(ReadFd(info[0], "controlFd"));
  auto handle = std::make_unique<EngineHandle>();
  handle->calls = StateOf(info.Env()).engines.MakeCalls(info.Env());
  handle->engine = Unwrap(info.Env(), Engine::Start(std::move(control), options));
  return MakeHandle(info.Env(), std::move(handle), kEngineTag);
}

/// engineAddOnnx(handle, settings, options) -> promise of the model
Napi::Value EngineAddOnnx(const Napi::CallbackInfo& info) {
  const EngineHandle& handle = ReadEngine(info[0]);
  const OrtSessionSettings settings = ReadOrtSettings(info[1]);
  const std::string library = ReadString(info[1].As<Napi::Object>().Get("library"), "library");
  OpenModel open = [settings, library]() -> Result<std::unique_ptr<Runner>> {
    auto opened = OrtLibrary::Open(library);
    if (!opened.ok()) return opened.error();
    return OpenOrtRunner(std::move(opened).value(), settings);
  };
  return AddInBackground(info.Env(), handle.engine, std::move(open), ReadModelOptions(info[2]));
}

/// engineAddCallback(handle, signature, run, options, description, isBlocking) -> promise of the
/// model
Napi::Value EngineAddCallback(const Napi::CallbackInfo& info) {
  const EngineHandle& handle = ReadEngine(info[0]);
  if (!info[2].IsFunction()) ThrowInvalid(info.Env(), "run must be a function");
  const ModelOptions options = ReadModelOptions(info[3]);
  auto runner = std::make_unique<JsRunner>(
      handle.calls, info[2].As<Napi::Function>(), ReadSignature(info[1]),
      ReadString(info[4], "description"),
      ReadBoolean(info[5], "isBlocking") ? JsRuns::kAreAwaited : JsRuns::kMayBeLeft);
  // A std::function has to be copyable; the engine opens a model once.
  auto kept = std::make_shared<std::unique_ptr<Runner>>(std::move(runner));
  OpenModel open = [kept]() -> Result<std::unique_ptr<Runner>> { return std::move(*kept); };
  return AddInBackground(info.Env(), handle.engine, std::move(open), options);
}

/// engineAddPipeline(handle, spec, options) -> promise of the model
Napi::Value EngineAddPipeline(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  return StateOf(env).engines.background(env).Run(
      env,
      [engine = ReadEngine(info[0]).engine, spec = ReadPipeline(info[1]),
       options = ReadModelOptions(info[2])]() -> Background::Outcome {
        return ModelOutcome(engine->AddPipeline(spec, options));
      });
}

/// engineAddShared(handle, model, options) -> promise of the model
Napi::Value EngineAddShared(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const auto model = static_cast<uint32_t>(ReadInteger(info[1], "model", 1, kMaxHandle));
  return StateOf(env).engines.background(env).Run(
      env,
      [engine = ReadEngine(info[0]).engine, model, options = ReadModelOptions(info[2])]()
          -> Background::Outcome { return ModelOutcome(engine->AddShared(model, options)); });
}

/// engineSettle(handle, call, outputs)
Napi::Value EngineSettle(const Napi::CallbackInfo& info) {
  JsCalls& calls = *ReadHandle<EngineHandle>(info[0], kEngineTag).calls;
  const uint64_t call = ReadCall(info[1]);
  if (calls.IsWaiting(call)) calls.Settle(call, ReadTensors(info[2]));
  return info.Env().Undefined();
}

/// engineReject(handle, call, code, message)
Napi::Value EngineReject(const Napi::CallbackInfo& info) {
  JsCalls& calls = *ReadHandle<EngineHandle>(info[0], kEngineTag).calls;
  calls.Reject(ReadCall(info[1]), {.code = ReadString(info[2], "code"),
                                   .message = info[3].ToString().Utf8Value(),
                                   .error_number = 0,
                                   .syscall = ""});
  return info.Env().Undefined();
}

/// engineRemove(handle, model, status) -> promise
Napi::Value EngineRemove(const Napi::CallbackInfo& info) {
  const auto model = static_cast<uint32_t>(ReadInteger(info[1], "model", 1, kMaxHandle));
  const auto status =
      static_cast<layout::StatusCode>(ReadInteger(info[2], "status", 0, kMaxStatus));
  const Napi::Env env = info.Env();
  return StateOf(env).engines.background(env).Run(
      env, [engine = ReadEngine(info[0]).engine, model, status]() -> Background::Outcome {
        return [removed = engine->RemoveModel(model, status)](Napi::Env at) {
          Check(at, removed);
          return at.Undefined();
        };
      });
}

/// A descriptor of one's own beside the one that JavaScript keeps.
UniqueFd CopyFd(const Napi::Value& value, const char* name) {
  UniqueFd copy(::fcntl(ReadFd(value, name), F_DUPFD_CLOEXEC, 0));
  if (!copy.valid()) {
    Throw(value.Env(), SystemError("fcntl", errno, "a descriptor could not be duplicated"));
  }
  return copy;
}

/// engineOpenChannel(handle, model, channelId, responseRegion, bell, hostSocket); the descriptors
/// stay the caller's
Napi::Value EngineOpenChannel(const Napi::CallbackInfo& info) {
  OwnChannel channel{.id = static_cast<uint64_t>(ReadInteger(info[2], "channelId", 1, kMaxCall)),
                     .handle = static_cast<uint32_t>(ReadInteger(info[1], "model", 1, kMaxHandle)),
                     .response_region = CopyFd(info[3], "responseRegion"),
                     .bell = CopyFd(info[4], "bell"),
                     .socket = CopyFd(info[5], "hostSocket")};
  Check(info.Env(), ReadEngine(info[0]).engine->OpenOwnChannel(std::move(channel)));
  return info.Env().Undefined();
}

/// engineActivateChannel(handle, channelId, requestRegion); the descriptor stays the caller's
Napi::Value EngineActivateChannel(const Napi::CallbackInfo& info) {
  const auto id = static_cast<uint64_t>(ReadInteger(info[1], "channelId", 1, kMaxCall));
  UniqueFd region = CopyFd(info[2], "requestRegion");
  Check(info.Env(), ReadEngine(info[0]).engine->ActivateOwnChannel(id, std::move(region)));
  return info.Env().Undefined();
}

/// engineClose(handle); closing twice is fine
Napi::Value EngineClose(const Napi::CallbackInfo& info) {
  ReadHandle<EngineHandle>(info[0], kEngineTag).Close();
  return info.Env().Undefined();
}

}  // namespace

void ExportEngine(Napi::Env env, Napi::Object exports) {
  ExportFunction<EngineStart>(env, exports, "engineStart");
  ExportFunction<EngineAddOnnx>(env, exports, "engineAddOnnx");
  ExportFunction<EngineAddCallback>(env, exports, "engineAddCallback");
  ExportFunction<EngineAddPipeline>(env, exports, "engineAddPipeline");
  ExportFunction<EngineAddShared>(env, exports, "engineAddShared");
  ExportFunction<EngineSettle>(env, exports, "engineSettle");
  ExportFunction<EngineReject>(env, exports, "engineReject");
  ExportFunction<EngineRemove>(env, exports, "engineRemove");
  ExportFunction<EngineOpenChannel>(env, exports, "engineOpenChannel");
  ExportFunction<EngineActivateChannel>(env, exports, "engineActivateChannel");
  ExportFunction<EngineClose>(env, exports, "engineClose");
}

}  // namespace mlos::binding
