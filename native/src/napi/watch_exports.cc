#include "base/unique_fd.h"
#include "napi/env_state.h"
#include "napi/exports.h"
#include "napi/handle.h"
#include "napi/translate_error.h"
#include "napi/type_tags.h"
#include "napi/values.h"

namespace mlos::binding {
namespace {

Napi::Value Watch(const Napi::CallbackInfo& info, int fd) {
  if (!info[1].IsFunction()) ThrowInvalid(info.Env(), "callback must be a function");
  const bool keep_alive = ReadBoolean(info[2], "keepAlive");
  return ToValue(
      info.Env(),
      StateOf(info.Env()).watches.Add(info.Env(), fd, info[1].As<Napi::Function>(), keep_alive));
}

/// watchReadable(fd, callback, keepAlive) -> number of the watch
Napi::Value WatchReadable(const Napi::CallbackInfo& info) {
  return Watch(info, ReadFd(info[0], "fd"));
}

/// watchPidFd(handle, callback, keepAlive) -> number of the watch
Napi::Value WatchPidFd(const Napi::CallbackInfo& info) {
  const auto& pidfd = ReadHandle<UniqueFd>(info[0], kPidFdTag);
  if (!pidfd.valid()) ThrowInvalid(info.Env(), "the process handle is closed");
  return Watch(info, pidfd.get());
}

/// watchCancel(number)
Napi::Value WatchCancel(const Napi::CallbackInfo& info) {
  StateOf(info.Env()).watches.Remove(info.Env(), ReadBytes(info[0], "watch"));
  return info.Env().Undefined();
}

}  // namespace

void ExportWatch(Napi::Env env, Napi::Object exports) {
  ExportFunction<WatchReadable>(env, exports, "watchReadable");
  ExportFunction<WatchPidFd>(env, exports, "watchPidFd");
  ExportFunction<WatchCancel>(env, exports, "watchCancel");
}

}  // namespace mlos::binding
