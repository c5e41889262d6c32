#ifndef MLOS_SHM_HOST_CHANNEL_H_
#define MLOS_SHM_HOST_CHANNEL_H_

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"
#include "shm/layout.h"
#include "shm/tensor_view.h"

namespace mlos {

/// A request whose descriptor has been copied and checked against the region: ranges, ranks,
/// products, dtypes, alignment, duplicate indices. Not against a model's signature.
struct CheckedRequest {
  uint64_t request_id = 0;
  uint32_t slot = 0;
  uint64_t deadline_ns = 0;
  layout::Priority priority = layout::kNormal;
  std::array<uint64_t, layout::kMaxTensors / 64> wanted{};
  /// Views into the request arena, which the client can write to at any time.
  std::vector<TensorView> inputs;
};

/// A piece of the response arena that belongs to one answer.
struct ResultBlock {
  uint64_t offset = 0;
  std::span<std::byte> bytes;
};

/// The host's end of a channel.
///
/// Threads: Take(), Decode() and HasEntries() by one thread at a time (the leader of the model);
/// everything else by any thread.
class HostChannel {
 public:
  /// Maps the response region for writing and then seals it against everybody else.
  static Result<std::shared_ptr<HostChannel>> Open(uint64_t channel_id, UniqueFd response_region,
                                                   UniqueFd bell, UniqueFd socket);
  ~HostChannel();

  /// Takes the client's region: read-only, under CheckForeignMemfd's rules. The state becomes kOpen.
  Status Activate(UniqueFd request_region);

  uint64_t channel_id() const;
  int bell_fd() const;
  int socket_fd() const;

  bool HasEntries() const;
  /// The next entry, copied; nullopt when there is none. A tail that lies (more than kRingEntries
  /// ahead) closes the channel with kInvalidFrame.
  std::optional<layout::RequestEntry> Take();
  /// Copies and checks the descriptor of an infer entry. The error's code is the name of a
  /// StatusCode's protocol error ("INVALID_SHAPE" …).
  Result<CheckedRequest> Decode(const layout::RequestEntry& entry);
  /// Frees the block of an answer; an offset that is none of ours closes the channel.
  void Release(uint64_t offset);

  bool IsCancelled(uint32_t slot, uint64_t request_id) const;
  void MarkBegun(uint32_t slot, uint64_t request_id);

  /// Room for an answer; nullopt when the arena is full or kMaxHeldResults are held. Freed by
  /// Release (from the client) or FreeResult.
  std::optional<ResultBlock> AllocateResult(uint64_t byte_length);
  void FreeResult(const ResultBlock& block);
  /// Gives the end of a block back that turned out longer than needed.
  void ShrinkResult(ResultBlock& block, uint64_t byte_length);

  /// Publishes a completion and wakes the client if it sleeps. False when the completion ring is
  /// full, which an honest client cannot bring about: the channel is then closed.
  bool Complete(const layout::CompletionEntry& entry);
  /// The same for an error, with its text.
  bool CompleteError(uint64_t request_id, uint32_t slot, layout::StatusCode status,
                     std::string_view text);

  /// Tells the client to ring (or that it need not).
  void SetHostSleeping(bool sleeping);

  /// Writes state and code, wakes the client and shuts the socket down. Idempotent.
  void Close(layout::StatusCode code);
  bool closed() const;

 private:
  class Impl;
  explicit HostChannel(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace mlos

#endif  // MLOS_SHM_HOST_CHANNEL_H_
