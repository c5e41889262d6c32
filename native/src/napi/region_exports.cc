#include <memory>
#include <optional>
#include <utility>

#include "napi/exports.h"
#include "napi/handle.h"
#include "napi/translate_error.h"
#include "napi/type_tags.h"
#include "napi/values.h"
#include "shm/region.h"

namespace mlos::binding {
namespace {

/// What an ArrayBuffer holds of a region. Its finalizer may run long after close(), so the mapping
/// can be dropped from here before that.
struct BufferHold {
  std::shared_ptr<Mapping> mapping;
};

/// A region as JavaScript has it; empty after close.
struct RegionHandle {
  std::optional<Region> region;
  /// One buffer for the whole region: to detach it detaches every view at once.
  Napi::Reference<Napi::ArrayBuffer> buffer;
  std::shared_ptr<BufferHold> hold;
};

RegionHandle& ReadRegion(const Napi::Value& value) {
  auto& handle = ReadHandle<RegionHandle>(value, kRegionTag);
  if (!handle.region) {
    Throw(value.Env(), Error{.code = "REGION_CLOSED",
                             .message = "the region is closed",
                             .error_number = 0,
                             .syscall = ""});
  }
  return handle;
}

/// Whether the buffer is still the one that reaches the bytes. JavaScript may have moved them to
/// another with ArrayBuffer.prototype.transfer(), and that one nobody here can detach.
bool HasBuffer(const RegionHandle& handle) {
  return !handle.buffer.IsEmpty() && !handle.buffer.Value().IsDetached();
}

Napi::Value WrapRegion(Napi::Env env, Region region) {
  auto handle = std::make_unique<RegionHandle>();
  handle->region.emplace(std::move(region));
  return MakeHandle(env, std::move(handle), kRegionTag);
}

/// regionCreate(byteLength, label, populate) -> handle
Napi::Value RegionCreate(const Napi::CallbackInfo& info) {
  const RegionOptions options{.byte_length = ReadBytes(info[0], "byteLength"),
                              .label = ReadString(info[1], "label"),
                              .populate = ReadBoolean(info[2], "populate")};
  return WrapRegion(info.Env(), Unwrap(info.Env(), Region::Create(options)));
}

/// regionAdopt(fd, maxBytes, writable) -> handle; owns fd from here on, also when it throws,
/// unless an argument is invalid
Napi::Value RegionAdopt(const Napi::CallbackInfo& info) {
  const uint64_t max_bytes = ReadBytes(info[1], "maxBytes");
  const bool writable = ReadBoolean(info[2], "writable");
  UniqueFd fd(ReadFd(info[0], "fd"));
  const MapMode mode = writable ? MapMode::kShared : MapMode::kCopyOnWrite;
  return WrapRegion(info.Env(), Unwrap(info.Env(), Region::Adopt(std::move(fd), max_bytes, mode)));
}

/// regionFd(handle) -> number; the region stays its owner
Napi::Value RegionFd(const Napi::CallbackInfo& info) {
  return ToValue(info.Env(), ReadRegion(info[0]).region->fd());
}

/// regionByteLength(handle) -> number
Napi::Value RegionByteLength(const Napi::CallbackInfo& info) {
  return ToValue(info.Env(), ReadRegion(info[0]).region->byte_length());
}

/// regionBuffer(handle) -> the ArrayBuffer of the whole region, the same one each time
Napi::Value RegionBuffer(const Napi::CallbackInfo& info) {
  RegionHandle& handle = ReadRegion(info[0]);
  if (!HasBuffer(handle)) {
    auto hold = std::make_shared<BufferHold>(BufferHold{handle.region->mapping()});
    const auto bytes = hold->mapping->bytes();
    // The finalizer's copy of `hold` is what keeps the memory under views that outlive the region.
    const auto buffer = Napi::ArrayBuffer::New(info.Env(), bytes.data(), bytes.size(),
                                               [hold](Napi::BasicEnv, void*) {});
    handle.buffer = Napi::Reference<Napi::ArrayBuffer>::New(buffer, 1);
    handle.hold = std::move(hold);
  }
  return handle.buffer.Value();
}

/// regionSeal(handle, all): takes the right to write from newcomers, or from everyone
Napi::Value RegionSeal(const Napi::CallbackInfo& info) {
  const bool all = ReadBoolean(info[1], "all");
  Region& region = *ReadRegion(info[0]).region;
  Check(info.Env(), region.Seal(all ? WriteSeal::kAll : WriteSeal::kFuture));
  return info.Env().Undefined();
}

/// regionClose(handle): views first, then the owner; closing twice is fine
Napi::Value RegionClose(const Napi::CallbackInfo& info) {
  auto& handle = ReadHandle<RegionHandle>(info[0], kRegionTag);
  if (HasBuffer(handle)) {
    handle.buffer.Value().Detach();
    // No JavaScript can reach the bytes any more; waiting for the finalizer would keep them.
    handle.hold->mapping.reset();
  }
  // Bytes that were moved away stay mapped until the garbage collector has seen to their buffer.
  handle.buffer.Reset();
  handle.hold.reset();
  handle.region.reset();
  return info.Env().Undefined();
}

/// memfdCheck(fd, maxBytes) -> the size of a stranger's sealed memfd, which stays the caller's
Napi::Value MemfdCheck(const Napi::CallbackInfo& info) {
  const AcceptRules rules{.max_bytes = ReadBytes(info[1], "maxBytes"), .writable = false};
  return ToValue(info.Env(), Unwrap(info.Env(), CheckForeignMemfd(ReadFd(info[0], "fd"), rules)));
}

}  // namespace

void ExportRegion(Napi::Env env, Napi::Object exports) {
  ExportFunction<RegionCreate>(env, exports, "regionCreate");
  ExportFunction<RegionAdopt>(env, exports, "regionAdopt");
  ExportFunction<RegionFd>(env, exports, "regionFd");
  ExportFunction<RegionByteLength>(env, exports, "regionByteLength");
  ExportFunction<RegionBuffer>(env, exports, "regionBuffer");
  ExportFunction<RegionSeal>(env, exports, "regionSeal");
  ExportFunction<RegionClose>(env, exports, "regionClose");
  ExportFunction<MemfdCheck>(env, exports, "memfdCheck");
}

}  // namespace mlos::binding
