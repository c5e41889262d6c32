#include <memory>
#include <set>
#include <string>
#include <utility>

#include "napi/bound_function.h"
#include "napi/channel_client.h"
#include "napi/exports.h"
#include "napi/handle.h"
#include "napi/mapped_buffer.h"
#include "napi/translate_error.h"
#include "napi/type_tags.h"
#include "napi/values.h"

namespace mlos::binding {
namespace {

constexpr int64_t kMaxRequestId = (int64_t{1} << 53) - 1;

/// A channel as JavaScript has it. The functions that are bound to the client share it.
struct ChannelHandle {
  std::shared_ptr<ChannelClient> client;
  MappedBuffer requests;
  MappedBuffer answers;
};

ChannelHandle& ReadChannelHandle(const Napi::Value& value) {
  return ReadHandle<ChannelHandle>(value, kChannelTag);
}

/// The channel behind a handle, which has to be open.
ClientChannel& ReadChannel(const Napi::Value& value) {
  ClientChannel* const channel = ReadChannelHandle(value).client->channel();
  if (channel != nullptr) return *channel;
  Throw(value.Env(), Error{.code = "CHANNEL_CLOSED",
                           .message = "the channel is closed",
                           .error_number = 0,
                           .syscall = ""});
}

uint64_t ReadRequestId(const Napi::Value& value) {
  return static_cast<uint64_t>(ReadInteger(value, "requestId", 0, kMaxRequestId));
}

Napi::Float64Array MailboxArray(Napi::Env env, const std::shared_ptr<ChannelMailbox>& mailbox) {
  auto& words = mailbox->words;
  const auto buffer =
      Napi::ArrayBuffer::New(env, words.data(), sizeof(words), [mailbox](Napi::BasicEnv, void*) {});
  return Napi::Float64Array::New(env, words.size(), buffer, 0);
}

ClientChannel::Files ReadFiles(const Napi::CallbackInfo& info) {
  const int request_region = ReadFd(info[0], "requestRegion");
  const int response_region = ReadFd(info[1], "responseRegion");
  const int bell = ReadFd(info[2], "bell");
  const int socket = ReadFd(info[3], "socket");
  // One number twice would be closed twice, and the second time it could be a stranger's.
  if (std::set<int>{request_region, response_region, bell, socket}.size() != 4) {
    ThrowInvalid(info.Env(), "the descriptors of a channel are four different ones");
  }
  return {.request_region = UniqueFd(request_region),
          .response_region = UniqueFd(response_region),
          .bell = UniqueFd(bell),
          .socket = UniqueFd(socket)};
}

Napi::Value ToObject(Napi::Env env, const std::shared_ptr<ChannelClient>& client) {
  Napi::Object object = Napi::Object::New(env);
  ClientChannel& channel = *client->channel();
  object.Set("mailbox", MailboxArray(env, client->mailbox()));
  object.Set("requestRegionFd", ToValue(env, channel.request_region_fd()));
  object.Set("socketFd", ToValue(env, channel.socket_fd()));
  object.Set("requestArenaBytes", ToValue(env, uint64_t{channel.request_arena().size()}));
  object.Set("responseArenaBytes", ToValue(env, uint64_t{channel.response_arena().size()}));
  BindFunction<&ChannelClient::Submit>(env, object, "submit", client);
  BindFunction<&ChannelClient::SubmitAndSpin>(env, object, "submitAndSpin", client);
  BindFunction<&ChannelClient::RunSync>(env, object, "runSync", client);
  BindFunction<&ChannelClient::Poll>(env, object, "poll", client);
  BindFunction<&ChannelClient::Spin>(env, object, "spin", client);
  auto handle = std::make_unique<ChannelHandle>();
  handle->client = client;
  object.Set("handle", MakeHandle(env, std::move(handle), kChannelTag));
  return object;
}

/// channelOpen(requestRegion, responseRegion, bell, socket, spinUs) -> NativeChannel; owns the
/// descriptors from here on, also when it throws, unless an argument is invalid
Napi::Value ChannelOpen(const Napi::CallbackInfo& info) {
  const auto spin_us = static_cast<uint32_t>(ReadInteger(info[4], "spinUs", 0, kMaxSpinMicros));
  auto client = Unwrap(info.Env(), ChannelClient::Open(ReadFiles(info), spin_us));
  return ToObject(info.Env(), std::shared_ptr<ChannelClient>(std::move(client)));
}

/// channelRequestBuffer(handle) -> the ArrayBuffer of the request region
Napi::Value ChannelRequestBuffer(const Napi::CallbackInfo& info) {
  return ReadChannelHandle(info[0]).requests.Get(info.Env(),
                                                 ReadChannel(info[0]).request_mapping());
}

/// channelResponseBuffer(handle) -> the ArrayBuffer that answers are shown in
Napi::Value ChannelResponseBuffer(const Napi::CallbackInfo& info) {
  static_cast<void>(ReadChannel(info[0]));
  ChannelHandle& handle = ReadChannelHandle(info[0]);
  return handle.answers.Get(info.Env(), handle.client->answers());
}

/// channelPrepare(handle) -> number of the block, or a CallFault
Napi::Value ChannelPrepare(const Napi::CallbackInfo& info) {
  return ToValue(info.Env(), ReadChannelHandle(info[0]).client->Prepare());
}

/// channelFree(handle, prepared)
Napi::Value ChannelFree(const Napi::CallbackInfo& info) {
  const auto prepared = static_cast<double>(ReadBytes(info[1], "prepared"));
  ReadChannelHandle(info[0]).client->Free(prepared);
  return info.Env().Undefined();
}

/// channelSetSequence(handle, prepared, id, flags) -> 0, or a CallFault; "": no sequence
Napi::Value ChannelSetSequence(const Napi::CallbackInfo& info) {
  constexpr int64_t kFlags = layout::kSequenceStart | layout::kSequenceEnd;
  const auto prepared = static_cast<double>(ReadBytes(info[1], "prepared"));
  const std::string id = ReadString(info[2], "id");
  const auto flags = static_cast<uint32_t>(ReadInteger(info[3], "flags", 0, kFlags));
  return ToValue(info.Env(), ReadChannelHandle(info[0]).client->SetSequence(prepared, id, flags));
}

/// channelMessage(handle) -> text of the error that is in the mailbox
Napi::Value ChannelMessage(const Napi::CallbackInfo& info) {
  return ToValue(info.Env(), ReadChannelHandle(info[0]).client->message());
}

/// channelFlush(handle): gives back what the mailbox names
Napi::Value ChannelFlush(const Napi::CallbackInfo& info) {
  ReadChannelHandle(info[0]).client->Flush();
  return info.Env().Undefined();
}

/// channelListen(handle) -> false when an answer is there already, or none will come
Napi::Value ChannelListen(const Napi::CallbackInfo& info) {
  static_cast<void>(ReadChannel(info[0]));
  return ToValue(info.Env(), ReadChannelHandle(info[0]).client->Listen());
}

/// channelStopListening(handle)
Napi::Value ChannelStopListening(const Napi::CallbackInfo& info) {
  ReadChannel(info[0]).StopListening();
  return info.Env().Undefined();
}

/// channelCancel(handle, requestId)
Napi::Value ChannelCancel(const Napi::CallbackInfo& info) {
  ReadChannel(info[0]).Cancel(ReadRequestId(info[1]));
  return info.Env().Undefined();
}

/// channelCheckPeer(handle)
Napi::Value ChannelCheckPeer(const Napi::CallbackInfo& info) {
  ReadChannel(info[0]).CheckPeer();
  return info.Env().Undefined();
}

/// channelState(handle) -> ChannelState
Napi::Value ChannelStateOf(const Napi::CallbackInfo& info) {
  return ToValue(info.Env(), uint64_t{ReadChannel(info[0]).state()});
}

/// channelCloseCode(handle) -> StatusCode
Napi::Value ChannelCloseCode(const Napi::CallbackInfo& info) {
  return ToValue(info.Env(), uint64_t{ReadChannel(info[0]).close_code()});
}

/// channelWasBegun(handle, requestId) -> boolean
Napi::Value ChannelWasBegun(const Napi::CallbackInfo& info) {
  return ToValue(info.Env(), ReadChannel(info[0]).WasBegun(ReadRequestId(info[1])));
}

/// channelInFlight(handle) -> number
Napi::Value ChannelInFlight(const Napi::CallbackInfo& info) {
  return ToValue(info.Env(), uint64_t{ReadChannel(info[0]).in_flight()});
}

/// channelClose(handle): views first, then the channel; closing twice is fine
Napi::Value ChannelClose(const Napi::CallbackInfo& info) {
  ChannelHandle& handle = ReadChannelHandle(info[0]);
  handle.requests.Close();
  handle.answers.Close();
  handle.client->Close();
  return info.Env().Undefined();
}

}  // namespace

void ExportClientChannel(Napi::Env env, Napi::Object exports) {
  ExportFunction<ChannelOpen>(env, exports, "channelOpen");
  ExportFunction<ChannelRequestBuffer>(env, exports, "channelRequestBuffer");
  ExportFunction<ChannelResponseBuffer>(env, exports, "channelResponseBuffer");
  ExportFunction<ChannelPrepare>(env, exports, "channelPrepare");
  ExportFunction<ChannelFree>(env, exports, "channelFree");
  ExportFunction<ChannelSetSequence>(env, exports, "channelSetSequence");
  ExportFunction<ChannelMessage>(env, exports, "channelMessage");
  ExportFunction<ChannelFlush>(env, exports, "channelFlush");
  ExportFunction<ChannelListen>(env, exports, "channelListen");
  ExportFunction<ChannelStopListening>(env, exports, "channelStopListening");
  ExportFunction<ChannelCancel>(env, exports, "channelCancel");
  ExportFunction<ChannelCheckPeer>(env, exports, "channelCheckPeer");
  ExportFunction<ChannelStateOf>(env, exports, "channelState");
  ExportFunction<ChannelCloseCode>(env, exports, "channelCloseCode");
  ExportFunction<ChannelWasBegun>(env, exports, "channelWasBegun");
  ExportFunction<ChannelInFlight>(env, exports, "channelInFlight");
  ExportFunction<ChannelClose>(env, exports, "channelClose");
}

}  // namespace mlos::binding
