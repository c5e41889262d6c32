#ifndef MLOS_SHM_CHANNEL_FILES_H_
#define MLOS_SHM_CHANNEL_FILES_H_

#include <cstdint>

#include "base/result.h"
#include "base/unique_fd.h"

namespace mlos {

/// How much memory a channel has and what kind.
struct ChannelOptions {
  uint64_t channel_id = 0;
  /// Bytes of the client's arena (inputs) and of the host's (outputs); layout::kMinArenaBytes to
  /// kMaxArenaBytes, rounded up to whole pages with what lies before them.
  uint64_t request_arena_bytes = 0;
  uint64_t response_arena_bytes = 0;
  /// Try huge pages for regions of 2 MiB or more; ordinary ones where the host has none to give.
  bool huge_pages = false;
};

/// Everything that a channel consists of, as the daemon makes it. Nothing is mapped or sealed
/// against writing yet (sizes are): each writer maps its region first and then seals it.
struct ChannelFiles {
  UniqueFd request_region;
  UniqueFd response_region;
  /// eventfd (client rings, host listens). The other direction and either side's death go over the
  /// socket: an eventfd's O_NONBLOCK belongs to both sides, so a client could make the host's write
  /// block; MSG_DONTWAIT cannot be taken away.
  UniqueFd bell;
  UniqueFd client_socket;
  UniqueFd host_socket;
  /// Whether each region lies on huge pages.
  bool request_huge = false;
  bool response_huge = false;
};

/// Makes both regions (zeros, every page allocated, headers written), the bell and the socket pair.
/// Errors: INVALID_ARGUMENT for sizes out of bounds; ENOMEM, ENOSPC, EMFILE from the system.
Result<ChannelFiles> CreateChannelFiles(const ChannelOptions& options);

}  // namespace mlos

#endif  // MLOS_SHM_CHANNEL_FILES_H_
