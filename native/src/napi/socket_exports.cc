#include <cstring>

#include "napi/exports.h"
#include "napi/translate_error.h"
#include "napi/values.h"
#include "shm/fd_passing.h"
#include "shm/peer_credentials.h"

namespace mlos::binding {
namespace {

/// descriptorsSend(socket, bytes, fds) -> number of bytes sent
Napi::Value DescriptorsSend(const Napi::CallbackInfo& info) {
  const int socket = ReadFd(info[0], "socket");
  if (!info[1].IsTypedArray() ||
      info[1].As<Napi::TypedArray>().TypedArrayType() != napi_uint8_array) {
    ThrowInvalid(info.Env(), "bytes must be a Uint8Array");
  }
  const auto bytes = info[1].As<Napi::Uint8Array>();
  const std::vector<int> fds = ReadIntList(info[2], "fds", kMaxDescriptors);
  const std::span view(reinterpret_cast<const std::byte*>(bytes.Data()), bytes.ByteLength());
  const size_t sent = Unwrap(info.Env(), SendDescriptors(socket, view, fds));
  return ToValue(info.Env(), uint64_t{sent});
}

/// descriptorsReceive(socket, maxBytes, maxFds) -> {bytes, fds}, or null when nothing is there
Napi::Value DescriptorsReceive(const Napi::CallbackInfo& info) {
  const int socket = ReadFd(info[0], "socket");
  const auto max_bytes = ReadInteger(info[1], "maxBytes", 1, kMaxMessageBytes);
  const auto max_fds = ReadInteger(info[2], "maxFds", 0, kMaxDescriptors);
  auto received = Unwrap(info.Env(), ReceiveDescriptors(socket, static_cast<size_t>(max_bytes),
                                                        static_cast<size_t>(max_fds)));
  if (!received) return info.Env().Null();

  auto bytes = Napi::Uint8Array::New(info.Env(), received->bytes.size());
  if (!received->bytes.empty()) {
    std::memcpy(bytes.Data(), received->bytes.data(), received->bytes.size());
  }
  Napi::Object message = Napi::Object::New(info.Env());
  message.Set("bytes", bytes);
  std::vector<int> numbers;
  for (const UniqueFd& fd : received->fds) numbers.push_back(fd.get());
  message.Set("fds", ToValue(info.Env(), numbers));
  // Ownership moves last: had anything above thrown, the descriptors would have been closed.
  for (UniqueFd& fd : received->fds) static_cast<void>(fd.Release());
  return message;
}

/// socketPair(seqPacket) -> [fd, fd]
Napi::Value SocketPair(const Napi::CallbackInfo& info) {
  const SocketKind kind =
      ReadBoolean(info[0], "seqPacket") ? SocketKind::kSeqPacket : SocketKind::kStream;
  auto [left, right] = Unwrap(info.Env(), CreateSocketPair(kind));
  const Napi::Value pair = ToValue(info.Env(), std::vector<int>{left.get(), right.get()});
  static_cast<void>(left.Release());
  static_cast<void>(right.Release());
  return pair;
}

/// socketConnect(path) -> fd
Napi::Value SocketConnect(const Napi::CallbackInfo& info) {
  UniqueFd fd = Unwrap(info.Env(), ConnectSocket(ReadString(info[0], "path")));
  return ToValue(info.Env(), fd.Release());
}

/// peerGone(socket) -> boolean
Napi::Value PeerGone(const Napi::CallbackInfo& info) {
  const bool gone = Unwrap(info.Env(), IsPeerGone(ReadFd(info[0], "socket")));
  return Napi::Boolean::New(info.Env(), gone);
}

/// peerCredentials(socket) -> {pid, uid, gid}; pid may be null
Napi::Value PeerCredentialsOf(const Napi::CallbackInfo& info) {
  const PeerCredentials peer = Unwrap(info.Env(), ReadPeerCredentials(ReadFd(info[0], "socket")));
  Napi::Object credentials = Napi::Object::New(info.Env());
  credentials.Set("pid", ToValue(info.Env(), peer.pid));
  credentials.Set("uid", ToValue(info.Env(), uint64_t{peer.uid}));
  credentials.Set("gid", ToValue(info.Env(), uint64_t{peer.gid}));
  return credentials;
}

}  // namespace

void ExportSocket(Napi::Env env, Napi::Object exports) {
  ExportFunction<DescriptorsSend>(env, exports, "descriptorsSend");
  ExportFunction<DescriptorsReceive>(env, exports, "descriptorsReceive");
  ExportFunction<SocketPair>(env, exports, "socketPair");
  ExportFunction<SocketConnect>(env, exports, "socketConnect");
  ExportFunction<PeerCredentialsOf>(env, exports, "peerCredentials");
  ExportFunction<PeerGone>(env, exports, "peerGone");
}

}  // namespace mlos::binding
