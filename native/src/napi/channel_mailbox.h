#ifndef MLOS_NAPI_CHANNEL_MAILBOX_H_
#define MLOS_NAPI_CHANNEL_MAILBOX_H_

#include <array>
#include <cstddef>

#include "shm/layout.h"

namespace mlos::binding {

/// Numbers that the addon and ts/native/channel-mailbox.ts hand each other through one Float64Array
/// per channel: making an object for every answer would cost more than the answer. Indices of
/// words.
namespace mailbox {

inline constexpr size_t kRequestId = 0;
inline constexpr size_t kStatus = 1;
/// Words of the answer's outputs, from kBody on.
inline constexpr size_t kOutputWords = 2;
inline constexpr size_t kOutputCount = 3;
/// Of the answer's block; -1: there is nothing to release.
inline constexpr size_t kReleaseOffset = 4;
inline constexpr size_t kQueueNs = 5;
inline constexpr size_t kRunNs = 6;
inline constexpr size_t kBatch = 7;
/// Blocks that JavaScript has given back since the last call: their number, their offsets.
inline constexpr size_t kReleaseCount = 8;
inline constexpr size_t kReleases = 9;
inline constexpr size_t kMaxReleases = 32;
/// Answers: index, dtype, offset in the response buffer, bytes, rank and dimensions of each output.
/// Prepare(): priority, count and indices of the outputs wanted, count of inputs; for each its
/// index, dtype, bytes, rank and dimensions. It leaves the inputs' offsets in the request buffer.
inline constexpr size_t kBody = 48;

inline constexpr size_t kOutputHead = 5;
inline constexpr size_t kInputHead = 4;
inline constexpr size_t kBodyWords =
    3 + layout::kMaxTensors + layout::kMaxTensors * (kOutputHead + layout::kMaxRank);
static_assert(kReleases + kMaxReleases <= kBody && kOutputHead > kInputHead);

}  // namespace mailbox

struct ChannelMailbox {
  std::array<double, mailbox::kBody + mailbox::kBodyWords> words{};
};

/// What a call answers in place of a request id or of success.
enum CallFault : int {
  /// The request of this block is not answered yet.
  kBusy = -1,
  /// The block has been freed.
  kFreed = -2,
  /// The channel is closed, and nothing is left to poll.
  kChannelClosed = -3,
  kTimedOut = -4,
  /// As many requests are unanswered as a channel has slots.
  kSlotsTaken = -5,
  /// Prepare(): the arena has no room.
  kNoRoom = -6,
  /// A number is not what it has to be.
  kInvalid = -7,
};

}  // namespace mlos::binding

#endif  // MLOS_NAPI_CHANNEL_MAILBOX_H_
