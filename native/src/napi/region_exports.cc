#include <memory>
#include <optional>
#include <utility>

#include "napi/exports.h"
#include "napi/handle.h"
#include "napi/mapped_buffer.h"
#include "napi/translate_error.h"
#include "napi/type_tags.h"
#include "napi/values.h"
#include "shm/region.h"

namespace mlos::binding {
namespace {

/// A region as JavaScript has it; empty after close.
struct RegionHandle {
  std::optional<Region> region;
  MappedBuffer buffer;
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
  return handle.buffer.Get(info.Env(), handle.region->mapping());
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
  handle.buffer.Close();
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
