#ifndef MLOS_SHM_HOST_CHANNEL_H_
#define MLOS_SHM_HOST_CHANNEL_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>

#include "base/result.h"
#include "base/unique_fd.h"
#include "shm/descriptor_decoder.h"
#include "shm/layout.h"
#include "shm/mapping.h"

namespace mlos {

/// A piece of the response arena that belongs to one answer.
struct ResultBlock {
  uint64_t offset = 0;
  std::span<std::byte> bytes;
};

/// The host's end of a channel.
///
/// Threads: Take(), Decode() and SetHostSleeping() by one thread at a time (the leader of the
/// model); everything else by any thread.
///
/// Each request taken is answered once: the channel knows which slots are unanswered, a client that
/// uses one twice is closed, and a second completion of one request is refused.
class HostChannel {
 public:
  /// Maps the response region for writing and then seals it against everybody else.
  /// Errors: those of CheckForeignMemfd, INVALID_REGION for a header that does not fit.
  static Result<std::shared_ptr<HostChannel>> Open(uint64_t channel_id, UniqueFd response_region,
                                                   UniqueFd bell, UniqueFd socket);
  HostChannel(const HostChannel&) = delete;
  HostChannel& operator=(const HostChannel&) = delete;
  ~HostChannel();

  /// Takes the client's region: read-only, under CheckForeignMemfd's rules. The state becomes
  /// kOpen. Errors: those, INVALID_REGION, CHANNEL_CLOSED.
  Status Activate(UniqueFd request_region);
  /// For tests with ThreadSanitizer (see ClientChannel::OnMemory).
  Status Activate(std::shared_ptr<Mapping> request_region);
  std::shared_ptr<Mapping> response_mapping() const;
  /// Null before Activate().
  std::shared_ptr<Mapping> request_mapping() const;

  uint64_t channel_id() const;
  /// To be watched with EPOLLIN | EPOLLET (it becomes ready anew at each ring) and never to be
  /// read: the client could have drained it, or have made it block.
  int bell_fd() const;
  /// To be watched with EPOLLIN | EPOLLRDHUP; see DrainSocket().
  int socket_fd() const;

  bool HasEntries() const;
  /// The next kInfer entry, copied, its slot and id checked; nullopt when there is none. Releases
  /// before it are carried out. A tail more than kRingEntries ahead, an unknown kind, a slot in use
  /// and a release of what is no published answer close the channel with kInvalidFrame.
  std::optional<layout::RequestEntry> Take();
  /// Copies and checks the descriptor of an entry that Take() returned. The error's code is the
  /// name of a StatusCode (status_code.h); the caller answers with it.
  Status Decode(const layout::RequestEntry& entry, CheckedRequest& request);

  /// Reads away what the client has sent on the socket, each byte of which says "look at what is
  /// cancelled". False when the client is gone (end of stream).
  bool DrainSocket();
  bool IsCancelled(uint32_t slot, uint64_t request_id) const;
  void MarkBegun(uint32_t slot, uint64_t request_id);

  /// Room for an answer; nullopt when the arena is full or kMaxHeldResults are held. Freed by
  /// Release (from the client) or FreeResult.
  std::optional<ResultBlock> AllocateResult(uint64_t byte_length);
  /// For a block that was not published.
  void FreeResult(const ResultBlock& block);
  /// Gives the end of an unpublished block back that turned out longer than needed.
  void ShrinkResult(ResultBlock& block, uint64_t byte_length);

  /// Publishes a completion and wakes the client if it sleeps; a block in it belongs to the client
  /// from then on. False, and the block is freed, when the request is not one of the unanswered,
  /// the channel is closed, or the ring is full, which an honest client cannot bring about: the
  /// channel is then closed.
  bool Complete(const layout::CompletionEntry& entry);
  /// The same for an error, with its text (cut to kMaxErrorBytes; left out where the arena is
  /// full). `run_ns`: how long the model ran before that; a request that ran and is answered
  /// kTooManyRequests found no room for its outputs.
  bool CompleteError(uint64_t request_id, uint32_t slot, layout::StatusCode status,
                     std::string_view text, uint64_t run_ns = 0);

  /// Tells the client to ring (or that it need not). Before each sleep: SetHostSleeping(true), then
  /// HasEntries(), then sleep; a client rings once after each such call, so a thread that goes back
  /// to sleep calls it again. A new channel says that its host sleeps.
  void SetHostSleeping(bool sleeping);

  /// Writes state and code, wakes the client and shuts the socket down. Idempotent.
  void Close(layout::StatusCode code);
  bool closed() const;

 private:
  struct Impl;
  explicit HostChannel(std::unique_ptr<Impl> impl);
  bool TakeSlot(const layout::RequestEntry& entry);
  bool Release(uint64_t offset);

  std::unique_ptr<Impl> impl_;
};

}  // namespace mlos

#endif  // MLOS_SHM_HOST_CHANNEL_H_
