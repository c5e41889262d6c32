#include "shm/peer_credentials.h"

#include <poll.h>
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

Result<bool> IsPeerGone(int socket) {
  // POLLHUP and POLLERR are always reported; no events have to be asked for.
  pollfd entry{.fd = socket, .events = 0, .revents = 0};
  if (::poll(&entry, 1, 0) < 0) return SystemError("poll", errno, "cannot ask for the peer");
  if ((entry.revents & POLLNVAL) != 0) {
    return SystemError("poll", EBADF, "cannot ask for the peer");
  }
  return (entry.revents & (POLLHUP | POLLERR)) != 0;
}

}  // namespace mlos
