#ifndef MLOS_SHM_HOST_CHANNEL_IMPL_H_
#define MLOS_SHM_HOST_CHANNEL_IMPL_H_

#include <array>
#include <atomic>
#include <mutex>
#include <optional>

#include "shm/arena_allocator.h"
#include "shm/channel_memory.h"
#include "shm/host_channel.h"
#include "shm/ring.h"
#include "shm/sleep.h"

namespace mlos {

/// Tags of the response arena's blocks.
inline constexpr uint32_t kBeingWritten = 0;
inline constexpr uint32_t kPublished = 1;

/// Everything that the host knows of a channel; only its own files see it.
struct HostChannel::Impl {
  Impl(uint64_t channel, std::shared_ptr<Mapping> mapping, UniqueFd the_bell, UniqueFd the_socket)
      : id(channel),
        bell(std::move(the_bell)),
        socket(std::move(the_socket)),
        response_mapping(std::move(mapping)),
        response(*response_mapping),
        sleeper(response.control->host_sleeping),
        arena(response.arena.size()) {}

  using Requests = RingReader<layout::RequestEntry>;
  using Completions = RingWriter<layout::CompletionEntry>;

  const uint64_t id;
  const UniqueFd bell;
  const UniqueFd socket;
  const std::shared_ptr<Mapping> response_mapping;
  const ResponseRegion response;
  std::atomic<bool> closed{false};
  /// Set by Activate(), after what it guards.
  std::atomic<bool> active{false};
  std::shared_ptr<Mapping> request_mapping;
  const layout::RequestControl* request_control = nullptr;
  std::span<const std::byte> request_arena;
  Sleeper sleeper;

  /// The leader's.
  alignas(layout::kCacheLine) std::optional<Requests> requests;
  alignas(layout::kCacheLine) std::array<std::byte, kMaxDescriptorBytes> scratch{};

  /// The id of the unanswered request in each slot; 0: none. Set by Take(), cleared by Complete(),
  /// before the client is told that the slot is free; the rings carry that order back to Take().
  std::array<std::atomic<uint64_t>, layout::kSlots> id_in_slot{};

  /// Guards everything below and the writing to the completion ring.
  alignas(layout::kCacheLine) std::mutex mutex;
  std::optional<Completions> completions;
  std::optional<Waker> client_waker;
  ArenaAllocator arena;
  uint32_t held = 0;
  uint32_t bell_count = 0;

  uint32_t* TagOf(uint64_t offset, uint32_t wanted) {
    uint32_t* tag = arena.TagOf(offset);
    return tag != nullptr && *tag == wanted ? tag : nullptr;
  }

  void FreeHeld(uint64_t offset) {
    if (arena.Free(offset)) --held;
  }

  enum class Published { kYes, kNo, kRingFull };
  Published Publish(const layout::CompletionEntry& entry, uint32_t& wake);
  void RingFutex() {
    // W3 of sleep.h. Partner: the load in ClientChannel::Sleep().
    response.control->completion_bell.store(++bell_count, std::memory_order_release);
  }
};

}  // namespace mlos

#endif  // MLOS_SHM_HOST_CHANNEL_IMPL_H_
