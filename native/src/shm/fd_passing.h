#ifndef MLOS_SHM_FD_PASSING_H_
#define MLOS_SHM_FD_PASSING_H_

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"

namespace mlos {

/// Descriptors over a Unix socket (SCM_RIGHTS). Nothing here blocks, whatever the socket's mode.

/// The most descriptors in one message. The kernel's own limit is 253; a message of ours needs
/// two, and every one that a stranger may send has to be closed again.
constexpr size_t kMaxDescriptors = 16;
/// The most bytes beside them: an IPC frame's limit.
constexpr size_t kMaxMessageBytes = size_t{1} << 20;

struct ReceivedMessage {
  /// Empty when the peer has closed its end.
  std::vector<std::byte> bytes;
  std::vector<UniqueFd> fds;
};

/// Sends bytes (at least one) and duplicates of `fds`; returns how many bytes the socket took. The
/// descriptors travel with the first byte. EAGAIN when the socket's buffer is full.
Result<size_t> SendDescriptors(int socket, std::span<const std::byte> bytes,
                               std::span<const int> fds);

/// Receives one message, or on a stream what is there up to `max_bytes`; nullopt when nothing is.
/// The descriptors are not inherited over exec. More of them than `max_fds`, or a datagram longer
/// than `max_bytes`, is MESSAGE_TRUNCATED, and everything that came with it is closed.
Result<std::optional<ReceivedMessage>> ReceiveDescriptors(int socket, size_t max_bytes,
                                                          size_t max_fds);

enum class SocketKind { kStream, kSeqPacket };

/// Two connected Unix sockets, not inherited over exec, non-blocking.
Result<std::pair<UniqueFd, UniqueFd>> CreateSocketPair(SocketKind kind);

/// A stream socket connected to the one that listens at `path`, non-blocking. EAGAIN when the
/// listener's backlog is full.
Result<UniqueFd> ConnectSocket(const std::string& path);

}  // namespace mlos

#endif  // MLOS_SHM_FD_PASSING_H_
