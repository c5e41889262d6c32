#include "shm/fd_passing.h"

#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstring>

namespace mlos {
namespace {

constexpr size_t kControlBytes = CMSG_SPACE(sizeof(int) * kMaxDescriptors);

struct ControlBuffer {
  alignas(cmsghdr) std::array<std::byte, kControlBytes> bytes{};
};

Error Invalid(const std::string& message) {
  return Error{.code = "INVALID_ARGUMENT", .message = message, .error_number = 0, .syscall = ""};
}

/// Writes the SCM_RIGHTS header; the caller guarantees that `fds` fits the buffer.
void AttachDescriptors(msghdr& message, ControlBuffer& control, std::span<const int> fds) {
  message.msg_control = control.bytes.data();
  message.msg_controllen = CMSG_SPACE(fds.size_bytes());
  cmsghdr* header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = CMSG_LEN(fds.size_bytes());
  std::memcpy(CMSG_DATA(header), fds.data(), fds.size_bytes());
}

/// Takes ownership of every descriptor that came, first of all: from here on none can leak.
std::vector<UniqueFd> TakeDescriptors(msghdr& message) {
  std::vector<UniqueFd> fds;
  fds.reserve(kMaxDescriptors);
  for (cmsghdr* header = CMSG_FIRSTHDR(&message); header != nullptr;
       header = CMSG_NXTHDR(&message, header)) {
    if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS) continue;
    const size_t count = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (size_t i = 0; i < count; ++i) {
      int fd = -1;
      std::memcpy(&fd, CMSG_DATA(header) + i * sizeof(int), sizeof fd);
      fds.emplace_back(fd);
    }
  }
  return fds;
}

template <typename Call>
ssize_t RetryInterrupted(Call call) {
  ssize_t result = 0;
  do {
    result = call();
  } while (result < 0 && errno == EINTR);
  return result;
}

}  // namespace

Result<size_t> SendDescriptors(int socket, std::span<const std::byte> bytes,
                               std::span<const int> fds) {
  if (bytes.empty() || bytes.size() > kMaxMessageBytes) {
    return Invalid("a message has 1 to " + std::to_string(kMaxMessageBytes) + " bytes");
  }
  if (fds.size() > kMaxDescriptors) {
    return Invalid("a message has at most " + std::to_string(kMaxDescriptors) + " descriptors");
  }
  // sendmsg does not write to the bytes; the field lacks const because recvmsg shares the struct.
  iovec part{.iov_base = const_cast<std::byte*>(bytes.data()), .iov_len = bytes.size()};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  ControlBuffer control;
  if (!fds.empty()) AttachDescriptors(message, control, fds);
  const ssize_t sent =
      RetryInterrupted([&] { return ::sendmsg(socket, &message, MSG_NOSIGNAL | MSG_DONTWAIT); });
  if (sent < 0) return SystemError("sendmsg", errno, "cannot send descriptors");
  return static_cast<size_t>(sent);
}

Result<std::optional<ReceivedMessage>> ReceiveDescriptors(int socket, size_t max_bytes,
                                                          size_t max_fds) {
  if (max_bytes == 0 || max_bytes > kMaxMessageBytes || max_fds > kMaxDescriptors) {
    return Invalid("at most " + std::to_string(kMaxMessageBytes) + " bytes and " +
                   std::to_string(kMaxDescriptors) + " descriptors can be received at once");
  }
  ReceivedMessage received;
  received.bytes.resize(max_bytes);
  iovec part{.iov_base = received.bytes.data(), .iov_len = max_bytes};
  ControlBuffer control;
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control.bytes.data();
  // Always room for the maximum: less room would let the kernel drop some without our counting.
  message.msg_controllen = control.bytes.size();
  const ssize_t got = RetryInterrupted(
      [&] { return ::recvmsg(socket, &message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT); });
  if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return std::optional<ReceivedMessage>{};
  if (got < 0) return SystemError("recvmsg", errno, "cannot receive descriptors");

  received.fds = TakeDescriptors(message);
  const bool cut = (message.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0;
  if (cut || received.fds.size() > max_fds) {
    return Error{.code = "MESSAGE_TRUNCATED",
                 .message = "a message with more bytes or descriptors than allowed was dropped",
                 .error_number = 0,
                 .syscall = "recvmsg"};
  }
  received.bytes.resize(static_cast<size_t>(got));
  return std::optional<ReceivedMessage>(std::move(received));
}

}  // namespace mlos
