#ifndef MLOS_SHM_PEER_CREDENTIALS_H_
#define MLOS_SHM_PEER_CREDENTIALS_H_

#include <sys/types.h>

#include <optional>

#include "base/result.h"

namespace mlos {

/// Who was at the other end of a Unix socket when it connected, by the kernel's word
/// (SO_PEERCRED). The process may have ended since, and its pid may have been given away.
struct PeerCredentials {
  /// Absent when the peer lives in a pid namespace that this process cannot see into.
  std::optional<pid_t> pid;
  uid_t uid = 0;
  gid_t gid = 0;
};

Result<PeerCredentials> ReadPeerCredentials(int socket);

/// True when the peer has closed its socket altogether (POLLHUP); false while it can still read,
/// also when it has shut down its writing side. Never blocks.
Result<bool> IsPeerGone(int socket);

}  // namespace mlos

#endif  // MLOS_SHM_PEER_CREDENTIALS_H_
