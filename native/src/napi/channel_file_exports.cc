#include "napi/exports.h"
#include "napi/translate_error.h"
#include "napi/values.h"
#include "shm/channel_files.h"
#include "shm/memfd.h"

namespace mlos::binding {
namespace {

/// channelFilesCreate(channelId, requestArenaBytes, responseArenaBytes, hugePages) -> {descriptors,
/// requestHuge, responseHuge}; the descriptors are the caller's to close
Napi::Value ChannelFilesCreate(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const ChannelOptions options{.channel_id = ReadBytes(info[0], "channelId"),
                               .request_arena_bytes = ReadBytes(info[1], "requestArenaBytes"),
                               .response_arena_bytes = ReadBytes(info[2], "responseArenaBytes"),
                               .huge_pages = ReadBoolean(info[3], "hugePages")};
  ChannelFiles files = Unwrap(env, CreateChannelFiles(options));
  Napi::Object object = Napi::Object::New(env);
  object.Set("requestRegion", ToValue(env, files.request_region.get()));
  object.Set("responseRegion", ToValue(env, files.response_region.get()));
  object.Set("bell", ToValue(env, files.bell.get()));
  object.Set("clientSocket", ToValue(env, files.client_socket.get()));
  object.Set("hostSocket", ToValue(env, files.host_socket.get()));
  object.Set("requestHuge", ToValue(env, files.request_huge));
  object.Set("responseHuge", ToValue(env, files.response_huge));
  // Ownership moves last: had anything above thrown, the descriptors would have been closed.
  for (UniqueFd* fd : {&files.request_region, &files.response_region, &files.bell,
                       &files.client_socket, &files.host_socket}) {
    static_cast<void>(fd->Release());
  }
  return object;
}

}  // namespace

void ExportChannelFiles(Napi::Env env, Napi::Object exports) {
  ExportFunction<ChannelFilesCreate>(env, exports, "channelFilesCreate");
}

}  // namespace mlos::binding
