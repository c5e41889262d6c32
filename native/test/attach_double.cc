#include "attach_double.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <chrono>
#include <cstring>

#include "capi/msgpack.h"
#include "shm/channel_files.h"
#include "shm/fd_passing.h"

namespace mlos::test {
namespace {

constexpr uint64_t kArenaBytes = 1 << 20;

void WriteSpec(msgpack::Writer& writer, std::string_view name) {
  writer.List(1);
  writer.Map(3);
  writer.Text("name");
  writer.Text(name);
  writer.Text("dtype");
  writer.Text("float32");
  writer.Text("shape");
  writer.List(1);
  writer.Unsigned(0);
}

/// [1, nil, {…}] of models.attach. The wildcard dimension is written by hand: the writer knows no
/// negative numbers, of which the client sends none.
std::string AttachAnswer(uint64_t channel_id) {
  msgpack::Writer writer;
  writer.Map(7);
  for (const char* key : {"model_id", "model_version", "plugin_id"}) {
    writer.Text(key);
    writer.Text("test/echo@1");
  }
  writer.Text("channel_id");
  writer.Unsigned(channel_id);
  writer.Text("spin_us");
  writer.Unsigned(50);
  writer.Text("status");
  writer.Text("success");
  writer.Text("signature");
  writer.Map(2);
  writer.Text("inputs");
  WriteSpec(writer, "x");
  writer.Text("outputs");
  WriteSpec(writer, "y");
  std::string bytes = writer.bytes();
  for (size_t at = bytes.find('\x91'); at != std::string::npos; at = bytes.find('\x91', at + 1)) {
    if (at + 1 < bytes.size() && bytes[at + 1] == '\0') bytes[at + 1] = '\xff';
  }
  return std::string("\x93\x01\xc0") + bytes;
}

std::string ErrorAnswer(std::string_view code, std::string_view message) {
  msgpack::Writer writer;
  writer.Map(2);
  writer.Text("code");
  writer.Text(code);
  writer.Text("message");
  writer.Text(message);
  return std::string("\x93\x01") + writer.bytes() + '\xc0';
}

/// Answers with the one input as the one output.
bool Echo(HostChannel& host, const CheckedRequest& request) {
  const TensorView& input = request.inputs.front();
  constexpr uint64_t kDataOffset = 256;
  const auto block = host.AllocateResult(kDataOffset + input.data.size());
  if (!block) {
    return host.CompleteError(request.request_id, request.slot, layout::kPayloadTooLarge, "full");
  }
  layout::ResultDescriptor fixed{};
  fixed.output_count = 1;
  layout::TensorDescriptor tensor{};
  tensor.dtype = static_cast<uint16_t>(input.dtype);
  tensor.rank = static_cast<uint16_t>(input.shape.rank);
  tensor.offset = block->offset + kDataOffset;
  tensor.byte_length = input.data.size();
  std::copy_n(input.shape.dims.begin(), input.shape.rank, std::begin(tensor.dims));
  std::memcpy(block->bytes.data(), &fixed, sizeof fixed);
  std::memcpy(block->bytes.data() + sizeof fixed, &tensor, sizeof tensor);
  if (!input.data.empty()) {
    std::memcpy(block->bytes.data() + kDataOffset, input.data.data(), input.data.size());
  }
  layout::CompletionEntry entry{};
  entry.request_id = request.request_id;
  entry.slot = request.slot;
  entry.offset = block->offset;
  entry.byte_length = block->bytes.size();
  entry.queue_ns = 11;
  entry.run_ns = 22;
  entry.batch = 1;
  return host.Complete(entry);
}

float FirstElement(const CheckedRequest& request) {
  float first = 0;
  if (request.inputs.size() == 1 && request.inputs.front().data.size() >= sizeof first) {
    std::memcpy(&first, request.inputs.front().data.data(), sizeof first);
  }
  return first;
}

bool IsReadable(int fd) {
  pollfd watched{.fd = fd, .events = POLLIN, .revents = 0};
  return ::poll(&watched, 1, 10) == 1;
}

}  // namespace

std::string Framed(std::string_view payload) {
  std::string frame;
  for (int shift = 24; shift >= 0; shift -= 8) {
    frame.push_back(static_cast<char>(payload.size() >> shift & 0xff));
  }
  return frame.append(payload);
}

SocketDouble::SocketDouble(std::function<Reply(std::string_view)> answer)
    : answer_(std::move(answer)),
      listener_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)),
      thread_() {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path().data(), path().size());
  if (::bind(listener_.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 ||
      ::listen(listener_.get(), 8) != 0) {
    std::abort();
  }
  thread_ = std::thread([this] { Run(); });
}

SocketDouble::~SocketDouble() {
  stop_ = true;
  thread_.join();
}

void SocketDouble::Run() {
  while (!stop_) {
    if (!IsReadable(listener_.get())) continue;
    const UniqueFd connection(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
    if (connection.valid()) Serve(connection.get());
  }
}

void SocketDouble::Serve(int connection) {
  std::string waiting;
  while (!stop_) {
    if (!IsReadable(connection)) continue;
    std::array<char, 4096> bytes{};
    const ssize_t got = ::recv(connection, bytes.data(), bytes.size(), 0);
    if (got <= 0) return;
    waiting.append(bytes.data(), static_cast<size_t>(got));
    // Frames of a client are short: the length's last two bytes tell it.
    const auto length = [&] {
      return size_t{static_cast<uint8_t>(waiting[2])} << 8 | static_cast<uint8_t>(waiting[3]);
    };
    while (waiting.size() >= 4 && waiting.size() >= 4 + length()) {
      const Reply reply = answer_(std::string_view(waiting).substr(4, length()));
      waiting.erase(0, 4 + length());
      if (!reply.bytes.empty()) {
        const std::span<const char> out(reply.bytes);
        static_cast<void>(SendDescriptors(connection, std::as_bytes(out), reply.fds).ok());
      }
      if (reply.close_after) return;
    }
  }
}

AttachDouble::AttachDouble() : socket_([this](std::string_view frame) { return Answer(frame); }) {}

AttachDouble::~AttachDouble() {
  for (Host& host : hosts_) {
    host.stop = true;
    host.thread.join();
  }
}

Reply AttachDouble::Answer(std::string_view frame) {
  const auto decoded = msgpack::Decode(frame);
  if (!decoded || decoded->items.size() != 3) std::abort();
  const std::string_view method = decoded->items[1].AsText().value_or("");
  if (method == "channels.activate") return Activate();
  if (method != "models.attach") std::abort();
  if (refusals_ > 0) {
    --refusals_;
    return {.bytes = Framed(ErrorAnswer("PLUGIN_UNAVAILABLE", "It rests.")), .fds = {}};
  }
  if (decoded->items[2].Find("model_id")->AsText() != "test/echo@1") {
    return {.bytes = Framed(ErrorAnswer("MODEL_NOT_FOUND", "There is no such model.")), .fds = {}};
  }
  return Attach();
}

Reply AttachDouble::Attach() {
  const uint64_t id = ++attached_;
  auto made = CreateChannelFiles(
      {.channel_id = id, .request_arena_bytes = kArenaBytes, .response_arena_bytes = kArenaBytes});
  if (!made.ok()) std::abort();
  ChannelFiles& files = made.value();
  Host& host = hosts_.emplace_back();
  auto opened = HostChannel::Open(id, UniqueFd(::dup(files.response_region.get())),
                                  UniqueFd(::dup(files.bell.get())), std::move(files.host_socket));
  if (!opened.ok()) std::abort();
  host.channel = std::move(opened).value();
  host.request_region = UniqueFd(::dup(files.request_region.get()));
  const std::vector<int> fds = {files.request_region.get(), files.response_region.get(),
                                files.bell.get(), files.client_socket.get()};
  // Sent by the caller, so they stay until the next attachment.
  client_fds_.clear();
  client_fds_.push_back(std::move(files.request_region));
  client_fds_.push_back(std::move(files.response_region));
  client_fds_.push_back(std::move(files.bell));
  client_fds_.push_back(std::move(files.client_socket));
  return {.bytes = Framed(AttachAnswer(id)), .fds = fds};
}

Reply AttachDouble::Activate() {
  // The double's own copies of the client's descriptors would keep its end open.
  client_fds_.clear();
  Host& host = hosts_.back();
  if (!host.channel->Activate(std::move(host.request_region)).ok()) std::abort();
  host.thread = std::thread([this, &host] { Run(host); });
  return {.bytes = Framed(std::string("\x93\x02\xc0") + '\x80'), .fds = {}};
}

void AttachDouble::Revoke() { hosts_.back().channel->Close(layout::kPermissionDenied); }

void AttachDouble::Run(Host& host) {
  while (!host.stop) {
    const auto entry = host.channel->Take();
    if (!entry) {
      host.channel->DrainSocket();
      std::this_thread::sleep_for(std::chrono::microseconds(20));
      continue;
    }
    if (Handle(host, *entry)) continue;
    // What a killed process leaves behind: an end of stream, and no word of why.
    ::shutdown(host.channel->socket_fd(), SHUT_RDWR);
    return;
  }
}

bool AttachDouble::Handle(Host& host, const layout::RequestEntry& entry) {
  HostChannel& channel = *host.channel;
  CheckedRequest request;
  if (Status decoded = channel.Decode(entry, request); !decoded.ok()) {
    channel.CompleteError(entry.request_id, entry.slot, layout::kInvalidArgument,
                          decoded.error().message);
    return true;
  }
  const float first = FirstElement(request);
  if (first == kDieBefore) return false;
  channel.MarkBegun(request.slot, request.request_id);
  if (first == kDieWithin) return false;
  if (first == kFail) {
    return channel.CompleteError(request.request_id, request.slot, layout::kInferenceFailed,
                                 "The runtime is not content.");
  }
  while (first == kKeepSilent && !host.stop) {
    if (channel.IsCancelled(request.slot, request.request_id)) {
      return channel.CompleteError(request.request_id, request.slot, layout::kCancelled, "Gone.");
    }
    std::this_thread::sleep_for(std::chrono::microseconds(100));
  }
  Echo(channel, request);
  return true;
}

}  // namespace mlos::test
