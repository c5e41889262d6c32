#include "shm/peer_credentials.h"

#include <sys/socket.h>

#include <cerrno>

namespace mlos {

Result<PeerCredentials> ReadPeerCredentials(int socket) {
  ucred peer{};
  socklen_t length = sizeof peer;
  if (::getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &length) != 0) {
    return SystemError("getsockopt", errno, "cannot read the peer's credentials");
  }
  // A socket that has no peer (not a Unix socket, not connected) answers with uid -1.
  if (peer.uid == static_cast<uid_t>(-1)) {
    return Error{.code = "NO_PEER",
                 .message = "the socket is not a connected Unix socket",
                 .error_number = 0,
                 .syscall = "getsockopt"};
  }
  const auto pid = peer.pid == 0 ? std::nullopt : std::optional<pid_t>(peer.pid);
  return PeerCredentials{.pid = pid, .uid = peer.uid, .gid = peer.gid};
}

}  // namespace mlos
