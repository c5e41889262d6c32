#ifndef MLOS_SHM_CLIENT_CHANNEL_IMPL_H_
#define MLOS_SHM_CLIENT_CHANNEL_IMPL_H_

#include <array>
#include <cstdint>

#include "base/fork_count.h"
#include "shm/adaptive_spin.h"
#include "shm/client_channel.h"
#include "shm/descriptor_decoder.h"
#include "shm/ring.h"
#include "shm/sleep.h"

namespace mlos {

/// A request's id is a count with the slot in its lowest bits, so that neither needs a search.
inline constexpr uint64_t kSlotMask = layout::kSlots - 1;
inline constexpr uint64_t kIdStep = layout::kSlots;
static_assert((layout::kSlots & (layout::kSlots - 1)) == 0);

/// Everything that the client knows; only its own files see it.
struct ClientChannel::Impl {
  Impl(ChannelMemory mapped, Files opened, uint32_t spin_us);

  const ChannelMemory memory;
  const Files files;
  const RequestRegion request;
  const ResponseRegion response;  // read-only

  RingWriter<layout::RequestEntry> requests;
  RingReader<layout::CompletionEntry> completions;
  ArenaAllocator arena;
  Sleeper sleeper;
  Waker host_waker;
  AdaptiveSpin spin;
  /// A request found the host asleep, and no answer has been waited for since.
  bool rang = false;

  /// Ids of the unanswered requests by slot; 0: the slot is free.
  std::array<uint64_t, layout::kSlots> id_in_slot{};
  std::array<uint8_t, layout::kSlots> free_slots{};
  uint32_t free_slot_count = layout::kSlots;
  uint64_t last_count = 0;

  /// Set when this side has given up on the other: it lied or is gone.
  bool given_up = false;
  /// Nothing that the host says counts any more.
  bool broken = false;
  const uint32_t forks = ForkCount();
  layout::StatusCode given_up_code = layout::kOk;

  /// A result's descriptor is copied to here before it is looked at.
  alignas(layout::kCacheLine) std::array<std::byte, kMaxDescriptorBytes> scratch{};
};

}  // namespace mlos

#endif  // MLOS_SHM_CLIENT_CHANNEL_IMPL_H_
