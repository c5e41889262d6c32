#ifndef MLOS_SHM_CONTROL_MESSAGE_H_
#define MLOS_SHM_CONTROL_MESSAGE_H_

#include <cstdint>

namespace mlos::layout {

/// What the daemon and a plugin host's engine say to each other over a SEQPACKET socket that the
/// host inherits: one message each way is one of these, with the descriptors listed here beside it.
struct ControlMessage {
  /// ControlKind.
  uint32_t kind;
  /// Chosen by the daemon; the host's reply carries the same. 0 in kChannelGone.
  uint32_t sequence;
  uint64_t channel_id;
  /// kOpenChannel: the model's handle, from load_model. kStartEngine: spin budget in microseconds.
  uint32_t argument;
  /// kOpenChannel: the most urgent Priority that its requests get, with kSharesSequences where that
  /// is so. kCloseChannel: a StatusCode.
  uint32_t argument2;
  /// In replies a StatusCode.
  uint32_t status;
  /// Of the text, UTF-8.
  uint32_t text_length;
  char text[216];
};
static_assert(sizeof(ControlMessage) == 248);

/// The sequences of such channels are those of one client, the daemon, and outlive each of them.
/// Those of any other channel end with it.
inline constexpr uint32_t kSharesSequences = 0x100;

enum ControlKind : uint32_t {
  /// Once, first. Descriptor: stats region, which the host maps for writing and then seals.
  kStartEngine = 1,
  /// Descriptors: response region (the host maps it for writing, then seals it), bell, the host's
  /// end of the channel's socket. The reply says that the region is sealed.
  kOpenChannel = 2,
  /// Descriptor: request region, mapped by the client and sealed against everybody else.
  kActivateChannel = 3,
  /// The channel's unanswered requests are answered with the code in argument2.
  kCloseChannel = 4,
  /// From the host: the client is gone, its memory is freed.
  kChannelGone = 5,
  /// Set in `kind` of a reply.
  kReply = 0x8000'0000,
};

}  // namespace mlos::layout

#endif  // MLOS_SHM_CONTROL_MESSAGE_H_
