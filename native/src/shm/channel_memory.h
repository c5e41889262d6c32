#ifndef MLOS_SHM_CHANNEL_MEMORY_H_
#define MLOS_SHM_CHANNEL_MEMORY_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "base/result.h"
#include "base/unique_fd.h"
#include "shm/layout.h"
#include "shm/mapping.h"

namespace mlos {

/// The two regions of a channel as one process has them mapped.
struct ChannelMemory {
  std::shared_ptr<Mapping> request;
  std::shared_ptr<Mapping> response;
};

/// The parts of a request region.
struct RequestRegion {
  explicit RequestRegion(const Mapping& mapping);
  layout::RequestControl* control;
  layout::RequestEntry* ring;
  std::span<std::byte> arena;
};

/// The parts of a response region.
struct ResponseRegion {
  explicit ResponseRegion(const Mapping& mapping);
  layout::ResponseControl* control;
  layout::CompletionEntry* ring;
  std::span<std::byte> arena;
};

/// Bytes of a region whose arena has at least `arena_bytes`, rounded up to `page_bytes`.
/// `kind`: layout::kKindRequest or kKindResponse.
uint64_t RegionBytes(uint32_t kind, uint64_t arena_bytes, uint64_t page_bytes);

/// Writes the header of a new region.
void WriteHeader(const Mapping& mapping, uint32_t kind, uint64_t channel_id);

/// Maps the region that this side writes and then seals it: nobody else can write to it after that.
/// The order matters, the seal would refuse our own mapping too. Errors: those of
/// CheckForeignMemfd; EPERM for a region that somebody has sealed before; INVALID_REGION.
Result<std::shared_ptr<Mapping>> MapForWriting(int fd, uint32_t kind);

/// Maps the region that the other side writes, read-only. Errors: those of CheckForeignMemfd,
/// INVALID_REGION.
Result<std::shared_ptr<Mapping>> MapForReading(int fd, uint32_t kind);

/// The channel that a region belongs to, out of a copy of its checked header.
uint64_t ChannelIdOf(const Mapping& mapping);

}  // namespace mlos

#endif  // MLOS_SHM_CHANNEL_MEMORY_H_
