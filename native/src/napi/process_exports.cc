#include <limits>
#include <memory>
#include <optional>

#include "base/file_lock.h"
#include "base/parent_death.h"
#include "base/pidfd.h"
#include "napi/exports.h"
#include "napi/handle.h"
#include "napi/translate_error.h"
#include "napi/type_tags.h"
#include "napi/values.h"

namespace mlos::binding {
namespace {

constexpr int64_t kMaxSignal = 64;
constexpr int64_t kMaxPid = std::numeric_limits<pid_t>::max();

Napi::Value WrapFd(Napi::Env env, UniqueFd fd, const napi_type_tag& tag) {
  return MakeHandle(env, std::make_unique<UniqueFd>(std::move(fd)), tag);
}

/// pidfdOpen(pid) -> handle
Napi::Value PidFdOpen(const Napi::CallbackInfo& info) {
  const auto pid = static_cast<pid_t>(ReadInteger(info[0], "pid", 1, kMaxPid));
  return WrapFd(info.Env(), Unwrap(info.Env(), OpenPidFd(pid)), kPidFdTag);
}

/// pidfdSignal(handle, number)
Napi::Value PidFdSignal(const Napi::CallbackInfo& info) {
  const auto& pidfd = ReadHandle<UniqueFd>(info[0], kPidFdTag);
  const auto number = static_cast<int>(ReadInteger(info[1], "signal", 0, kMaxSignal));
  Check(info.Env(), SignalPidFd(pidfd.get(), number));
  return info.Env().Undefined();
}

/// pidfdHasExited(handle) -> boolean, without waiting
Napi::Value PidFdHasExited(const Napi::CallbackInfo& info) {
  const auto& pidfd = ReadHandle<UniqueFd>(info[0], kPidFdTag);
  return ToValue(info.Env(), Unwrap(info.Env(), WaitForExit(pidfd.get(), 0)));
}

/// pidfdClose(handle); closing twice is fine
Napi::Value PidFdClose(const Napi::CallbackInfo& info) {
  ReadHandle<UniqueFd>(info[0], kPidFdTag).Reset();
  return info.Env().Undefined();
}

/// parentDeathSignal(number, parentPid or null)
Napi::Value ParentDeathSignal(const Napi::CallbackInfo& info) {
  const auto number = static_cast<int>(ReadInteger(info[0], "signal", 0, kMaxSignal));
  std::optional<pid_t> parent;
  if (!info[1].IsNull()) {
    parent = static_cast<pid_t>(ReadInteger(info[1], "parentPid", 1, kMaxPid));
  }
  Check(info.Env(), SetParentDeathSignal(number, parent));
  return info.Env().Undefined();
}

/// fileLockAcquire(path) -> handle
Napi::Value FileLockAcquire(const Napi::CallbackInfo& info) {
  const std::string path = ReadString(info[0], "path");
  return WrapFd(info.Env(), Unwrap(info.Env(), AcquireFileLock(path)), kFileLockTag);
}

/// fileLockRelease(handle); releasing twice is fine
Napi::Value FileLockRelease(const Napi::CallbackInfo& info) {
  ReadHandle<UniqueFd>(info[0], kFileLockTag).Reset();
  return info.Env().Undefined();
}

}  // namespace

void ExportProcess(Napi::Env env, Napi::Object exports) {
  ExportFunction<PidFdOpen>(env, exports, "pidfdOpen");
  ExportFunction<PidFdSignal>(env, exports, "pidfdSignal");
  ExportFunction<PidFdHasExited>(env, exports, "pidfdHasExited");
  ExportFunction<PidFdClose>(env, exports, "pidfdClose");
  ExportFunction<ParentDeathSignal>(env, exports, "parentDeathSignal");
  ExportFunction<FileLockAcquire>(env, exports, "fileLockAcquire");
  ExportFunction<FileLockRelease>(env, exports, "fileLockRelease");
}

}  // namespace mlos::binding
