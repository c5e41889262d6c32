#ifndef MLOS_ENGINE_CHANNEL_SET_H_
#define MLOS_ENGINE_CHANNEL_SET_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"
#include "engine/request.h"
#include "shm/host_channel.h"

namespace mlos {

/// A channel and what it has in its model's queue.
struct ModelChannel {
  std::shared_ptr<HostChannel> host;
  /// The most urgent class that its requests get.
  layout::Priority most_urgent = layout::kNormal;
  /// Bytes of the response arena.
  uint64_t answer_room = 0;
  /// Its sequences are not its own: see layout::kSharesSequences.
  bool shares_sequences = false;
  ChannelQueue waiting;
};

/// The open channels of one model, and the descriptor on which a worker sleeps until one rings.
/// Whoever calls holds the model's lock, but for Wake(), wakes() and Sleep().
class ChannelSet {
 public:
  using List = std::vector<std::shared_ptr<ModelChannel>>;

  static Result<std::unique_ptr<ChannelSet>> Create();

  Status Add(std::shared_ptr<ModelChannel> channel);
  void Remove(const ModelChannel& channel);
  const List& list() const { return list_; }
  /// Changes whenever list() does.
  uint32_t version() const { return version_; }

  static bool HasEntries(const List& list);
  bool HasEntries() const { return HasEntries(list_); }
  void SetSleeping(bool sleeping);

  /// Ends a Sleep(), this one or the next.
  void Wake();
  /// Counts the calls of Wake().
  uint32_t wakes() const { return wakes_.load(std::memory_order_acquire); }
  /// Until a channel rings, Wake(), or the clock says `until_ns` (UINT64_MAX: no such time).
  void Sleep(uint64_t until_ns);
  /// Takes note of rings without waiting.
  void ForgetRings();
  /// Readable while there is a ring that nobody has taken note of.
  int fd() const { return epoll_.get(); }

 private:
  ChannelSet(UniqueFd epoll, UniqueFd wake) : epoll_(std::move(epoll)), wake_(std::move(wake)) {}

  const UniqueFd epoll_;
  const UniqueFd wake_;
  std::atomic<uint32_t> wakes_{0};
  List list_;
  uint32_t version_ = 0;
  bool sleeping_ = false;
};

}  // namespace mlos

#endif  // MLOS_ENGINE_CHANNEL_SET_H_
