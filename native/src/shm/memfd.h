#ifndef MLOS_SHM_MEMFD_H_
#define MLOS_SHM_MEMFD_H_

#include <cstdint>
#include <string>

#include "base/result.h"
#include "base/unique_fd.h"

namespace mlos {

/// Anonymous memory with a descriptor. Regions have no name that another process could look up:
/// who was not handed the descriptor has no way in.

/// F_SEAL_FUTURE_WRITE: nobody can write but through maps that are there already. glibc older than
/// 2.27 lacks it.
constexpr unsigned kSealFutureWrite = 0x0010U;

/// The longest label of a memfd, in bytes (memfd_create(2): 249, without the final NUL).
constexpr uint64_t kMaxMemfdLabelBytes = 249;

/// Creates `byte_length` bytes of zeros, not executable, not inherited over exec, whose size is
/// sealed at once. `label` only shows in /proc/<pid>/maps.
///
/// With `allocate`, every page is there when this returns: a host without that much memory answers
/// ENOSPC or ENOMEM here, instead of killing whoever touches the page later.
Result<UniqueFd> CreateMemfd(uint64_t byte_length, const std::string& label, bool allocate);

/// The same on pages of 2 MiB, all allocated; `byte_length` is a multiple of that. Fails (ENOMEM,
/// ENOSPC, EINVAL, ENOSYS) where the host has too few of them set aside.
Result<UniqueFd> CreateHugeMemfd(uint64_t byte_length, const std::string& label);

/// The F_SEAL_* bits of a memfd. NOT_A_REGION when `fd` is anything else.
Result<unsigned> ReadSeals(int fd);

/// Adds F_SEAL_* bits; seals never come off again.
Status AddSeals(int fd, unsigned seals);

/// What a descriptor that came from somebody else has to satisfy.
struct AcceptRules {
  /// The most bytes it may hold.
  uint64_t max_bytes = 0;
  /// Whether this side is going to write. See CheckForeignMemfd.
  bool writable = false;
};

/// Decides whether a stranger's memfd is safe to map, and returns its size in bytes.
///
/// 1. REGION_UNSEALED unless SHRINK and GROW are sealed: its owner could truncate it under us, and
///    our next load would be a SIGBUS.
/// 2. REGION_UNSEALED unless WRITE or FUTURE_WRITE is sealed too: with less, its owner can punch
///    holes. A region that this side writes to cannot have that seal, so `writable` waives this
///    rule and nothing else; take one only from the daemon.
/// 3. REGION_SPARSE unless every page is allocated: reading a hole makes *us* allocate, and a
///    256 MiB hole is enough to get a reader killed in a small cgroup.
/// 4. REGION_EMPTY or REGION_TOO_LARGE unless 0 < size <= max_bytes.
///
/// Even then the bytes may change while they are read, through mappings older than the seal: copy
/// before validating.
Result<uint64_t> CheckForeignMemfd(int fd, const AcceptRules& rules);

}  // namespace mlos

#endif  // MLOS_SHM_MEMFD_H_
