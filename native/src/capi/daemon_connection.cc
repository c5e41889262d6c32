#include "capi/daemon_connection.h"

#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <thread>
#include <utility>

#include "base/clock.h"
#include "capi/error_codes.h"
#include "shm/fd_passing.h"

namespace mlos::capi {
namespace {

/// Four descriptors come with an attachment. A daemon that sends more is none of ours.
constexpr size_t kMaxAnswerFds = 4;
constexpr uint64_t kNanosPerMilli = 1'000'000;
constexpr auto kConnectPause = std::chrono::milliseconds(2);

Error TooLate() {
  return CodedError("DEADLINE_EXCEEDED", "The daemon did not answer within the time allowed.");
}

Error NoAnswer() {
  return CodedError("INVALID_FRAME", "The daemon sent a frame that is no answer.");
}

std::string FrameOf(uint64_t id, std::string_view method, std::string_view params) {
  msgpack::Writer writer;
  writer.List(3);
  writer.Unsigned(id);
  writer.Text(method);
  const auto length = static_cast<uint32_t>(writer.bytes().size() + params.size());
  std::string frame;
  for (int shift = 24; shift >= 0; shift -= 8) {
    frame.push_back(static_cast<char>(length >> shift & 0xff));
  }
  return frame.append(writer.bytes()).append(params);
}

/// The daemon's error → ours. Its code decides; one that we do not know is INTERNAL.
Error ErrorOf(const msgpack::Value& error) {
  const msgpack::Value* code = error.Find("code");
  const msgpack::Value* message = error.Find("message");
  if (code == nullptr || message == nullptr) return NoAnswer();
  return CodedError(std::string(code->AsText().value_or("INTERNAL")),
                    std::string(message->AsText().value_or("The daemon gave no reason.")));
}

}  // namespace

Result<DaemonConnection> DaemonConnection::Open(const std::string& path, uint64_t deadline_ns) {
  for (;;) {
    Result<UniqueFd> socket = ConnectSocket(path);
    if (socket.ok()) return DaemonConnection(std::move(socket).value(), path);
    const Error& error = socket.error();
    if (error.error_number == ENOENT || error.error_number == ECONNREFUSED) {
      return CodedError(
          "FAILED_PRECONDITION",
          "No daemon listens at " + path + ". Start one, or name the place where it listens.");
    }
    if (error.error_number == EACCES || error.error_number == EPERM) {
      return CodedError("PERMISSION_DENIED", "This user may not connect to " + path + ".");
    }
    // EAGAIN: so many connect at once that the daemon has not taken them in yet.
    if (error.error_number != EAGAIN) return error;
    if (MonotonicNanos() >= deadline_ns) return TooLate();
    std::this_thread::sleep_for(kConnectPause);
  }
}

Status DaemonConnection::WaitFor(short events, uint64_t deadline_ns) {
  for (;;) {
    const uint64_t now = MonotonicNanos();
    if (now >= deadline_ns) return TooLate();
    // Rounded up, so that the last millisecond is not spent asking again and again.
    const uint64_t left_ms = (deadline_ns - now + kNanosPerMilli - 1) / kNanosPerMilli;
    pollfd watched{.fd = socket_.get(), .events = events, .revents = 0};
    const int ready = ::poll(&watched, 1, static_cast<int>(std::min<uint64_t>(left_ms, 60'000)));
    if (ready > 0) return {};
    if (ready < 0 && errno != EINTR)
      return SystemError("poll", errno, "cannot wait for the daemon");
  }
}

Error DaemonConnection::Lost() const {
  return CodedError("FAILED_PRECONDITION",
                    "The daemon at " + path_ + " closed the connection before it answered.");
}

Status DaemonConnection::Send(std::string_view bytes, uint64_t deadline_ns) {
  while (!bytes.empty()) {
    const ssize_t sent =
        ::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent > 0) {
      bytes.remove_prefix(static_cast<size_t>(sent));
    } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
      if (Status waited = WaitFor(POLLOUT, deadline_ns); !waited.ok()) return waited;
    } else if (errno == EPIPE || errno == ECONNRESET) {
      return Lost();
    } else if (errno != EINTR) {
      return SystemError("send", errno, "cannot ask the daemon");
    }
  }
  return {};
}

Status DaemonConnection::Receive(std::vector<char>& into, std::vector<UniqueFd>& fds,
                                 uint64_t deadline_ns) {
  // Grows with what arrives, whatever was announced.
  const size_t wanted = into.size();
  into.clear();
  while (into.size() < wanted) {
    if (Status waited = WaitFor(POLLIN, deadline_ns); !waited.ok()) return waited;
    const size_t room = std::min<size_t>(wanted - into.size(), size_t{64} << 10);
    auto received = ReceiveDescriptors(socket_.get(), room, kMaxAnswerFds);
    if (!received.ok()) {
      return received.error().error_number == ECONNRESET ? Lost() : received.error();
    }
    if (!received.value().has_value()) continue;
    ReceivedMessage& message = *received.value();
    if (message.bytes.empty()) return Lost();
    const char* bytes = reinterpret_cast<const char*>(message.bytes.data());
    into.insert(into.end(), bytes, bytes + message.bytes.size());
    if (fds.size() + message.fds.size() > kMaxAnswerFds) return NoAnswer();
    std::move(message.fds.begin(), message.fds.end(), std::back_inserter(fds));
  }
  return {};
}

Result<DaemonConnection::Answer> DaemonConnection::Call(std::string_view method,
                                                        std::string_view params,
                                                        uint64_t deadline_ns) {
  const uint64_t id = ++last_id_;
  if (Status sent = Send(FrameOf(id, method, params), deadline_ns); !sent.ok()) {
    return sent.error();
  }
  Answer answer;
  std::vector<char> header(4);
  if (Status got = Receive(header, answer.fds, deadline_ns); !got.ok()) return got.error();
  uint32_t length = 0;
  for (const char byte : header) length = length << 8 | static_cast<uint8_t>(byte);
  if (length == 0 || length > kMaxAnswerBytes) return NoAnswer();
  answer.frame = std::make_unique<std::vector<char>>(length);
  if (Status got = Receive(*answer.frame, answer.fds, deadline_ns); !got.ok()) return got.error();

  auto decoded = msgpack::Decode({answer.frame->data(), answer.frame->size()});
  if (!decoded.has_value() || !decoded->IsList() || decoded->items.size() != 3) return NoAnswer();
  // An error without an id is about the connection.
  const msgpack::Value& error = decoded->items[1];
  if (!error.IsNil()) return ErrorOf(error);
  if (decoded->items[0].AsUnsigned() != id) return NoAnswer();
  answer.result = std::move(decoded->items[2]);
  return answer;
}

}  // namespace mlos::capi
