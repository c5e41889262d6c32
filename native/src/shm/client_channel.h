#ifndef MLOS_SHM_CLIENT_CHANNEL_H_
#define MLOS_SHM_CLIENT_CHANNEL_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"
#include "shm/arena_allocator.h"
#include "shm/channel_memory.h"
#include "shm/layout.h"
#include "shm/mapping.h"
#include "shm/tensor_view.h"

namespace mlos {

/// What came of a request, checked against the region's size. Use one object for many: it keeps its
/// memory, and PollInto() overwrites every field.
struct Completion {
  uint64_t request_id = 0;
  /// The slot that the request had; < layout::kSlots, checked against what was submitted.
  uint32_t slot = 0;
  layout::StatusCode status = layout::kOk;
  /// Text of the error, UTF-8 if the host is honest; empty for kOk.
  std::string message;
  /// The outputs of kOk; views into the response arena, valid until Release(offset).
  std::vector<TensorView> outputs;
  /// What Release() wants, once; nullopt when there is nothing to release (as for errors).
  std::optional<uint64_t> offset;
  uint64_t queue_ns = 0;
  uint64_t run_ns = 0;
  uint32_t batch = 0;
};

/// The client's end of a channel. One thread at a time.
///
/// 1. Open() maps the request region for writing and then seals it: nobody else can write to it any
///    more. The response region is mapped read-only.
/// 2. The allocator of the request arena and all indices live here, not in shared memory.
/// 3. The host may be hostile: completions and result descriptors are copied, then checked.
class ClientChannel {
 public:
  struct Files {
    UniqueFd request_region;
    UniqueFd response_region;
    UniqueFd bell;
    UniqueFd socket;
  };

  /// `spin_us`: the most microseconds that Wait() spins before it sleeps; 0 on one-core hosts.
  /// Errors: those of CheckForeignMemfd, INVALID_REGION for headers that do not fit each other.
  static Result<std::unique_ptr<ClientChannel>> Open(Files files, uint32_t spin_us);
  /// On memory that is mapped already; the descriptors of `files` stay unmapped. For tests: to
  /// ThreadSanitizer two mappings of the same bytes are two things, so both ends share one.
  static std::unique_ptr<ClientChannel> OnMemory(ChannelMemory memory, Files files,
                                                 uint32_t spin_us);
  ClientChannel(const ClientChannel&) = delete;
  ClientChannel& operator=(const ClientChannel&) = delete;
  ~ClientChannel();

  /// For the daemon, which hands it to the host after Open(); valid as long as the channel.
  int request_region_fd() const;
  /// Becomes readable when the host rings (one byte a wake-up) or is gone (end of stream).
  int socket_fd() const;
  int response_region_fd() const;

  std::span<std::byte> request_arena();
  std::span<const std::byte> response_arena() const;
  /// The mappings that the arenas lie in, for views that may outlive the channel.
  const std::shared_ptr<Mapping>& request_mapping() const;
  const std::shared_ptr<Mapping>& response_mapping() const;

  /// A block of at least `byte_length` bytes, aligned to layout::kBlockAlignment; nullopt when the
  /// arena has no room.
  std::optional<Block> Allocate(uint64_t byte_length);
  /// A block that is none (any more) is ignored.
  void Free(const Block& block);

  /// Publishes the request whose descriptor (and tensors) the caller has written into `block` at
  /// offset 0 of it, `descriptor_bytes` long; returns its id, never 0. The block must stay
  /// untouched until the completion came. Wakes the host if it sleeps. Allowed in state kOpening:
  /// the request then waits. Errors: INVALID_ARGUMENT (not a block), TOO_MANY_REQUESTS (kSlots
  /// unanswered), CHANNEL_CLOSED.
  Result<uint64_t> Submit(const Block& block, uint64_t descriptor_bytes);
  /// The slot of an unanswered request; nullopt for any other id.
  std::optional<uint32_t> SlotOf(uint64_t request_id) const;

  /// The client no longer wants the answer; a completion (kCancelled, or the answer) still comes.
  /// Sends the host's monitor a byte, for requests that run. Ids that are not in flight are
  /// ignored.
  void Cancel(uint64_t request_id);

  /// Fills in the next completion; false when none is there. Never blocks. A completion that breaks
  /// the rules closes the channel with kInvalidFrame, and nothing more comes.
  bool PollInto(Completion& completion);
  /// The same with an object of its own.
  std::optional<Completion> Poll();

  enum class WaitResult { kReady, kTimeout, kClosed };
  /// Waits until Poll() has something: spins for a learned time, then sleeps on the futex.
  /// `deadline_ns` on CLOCK_MONOTONIC; 0 waits for ever. kClosed once the channel has been closed
  /// or its peer is gone and nothing is left to poll.
  WaitResult Wait(uint64_t deadline_ns);
  /// Spins for at most `spin_us`, for event loops: true when Poll() has something.
  bool SpinFor(uint32_t spin_us);

  /// Asks for a byte on the socket at the next completion; false when one is there already (then
  /// nothing was asked). The caller takes it back with StopListening(), which also reads the byte.
  bool ListenOnSocket();
  void StopListening();

  /// Gives an answer's block back to the host.
  void Release(uint64_t offset);

  /// Unanswered requests.
  uint32_t in_flight() const;
  layout::ChannelState state() const;
  /// Whether it is a parent's, seen after fork(): then it is closed here, and the parent's goes on.
  bool inherited() const;
  /// Why the state is kClosed; kPluginCrashed when the peer is gone without a word.
  layout::StatusCode close_code() const;
  /// Looks whether the peer has gone (end of stream on the socket). After that state() is kClosed.
  void CheckPeer();

  /// Of requests that were unanswered when the channel closed: whether the host had begun with
  /// them. What it had not begun can be asked again without running anything twice.
  bool WasBegun(uint64_t request_id) const;

 private:
  struct Impl;
  explicit ClientChannel(std::unique_ptr<Impl> impl);
  bool Accept(const layout::CompletionEntry& entry, Completion& completion);
  void Break(layout::StatusCode code);
  bool Closed() const;
  WaitResult Sleep(uint64_t deadline_ns);

  std::unique_ptr<Impl> impl_;
};

}  // namespace mlos

#endif  // MLOS_SHM_CLIENT_CHANNEL_H_
