#ifndef MLOS_CAPI_ATTACH_H_
#define MLOS_CAPI_ATTACH_H_

#include <cstdint>
#include <memory>
#include <string>

#include "base/result.h"
#include "capi/signature.h"
#include "shm/client_channel.h"

namespace mlos::capi {

/// What is attached to, and how; kept to attach again.
struct AttachTarget {
  std::string socket_path;
  std::string model_id;
  /// 0: the daemon's choice.
  uint64_t input_bytes = 0;
  uint64_t output_bytes = 0;
  /// layout::Priority; -1: the model's own.
  int32_t priority = -1;
  /// -1: the daemon's choice.
  int32_t spin_us = -1;
};

/// A channel to a loaded model, and what the daemon says of the model.
struct Attachment {
  std::unique_ptr<ClientChannel> channel;
  Signature signature;
  std::string model_id;
  std::string model_version;
  std::string plugin_id;
};

/// Asks the daemon for a channel, maps and seals it, and has it activated. The channel outlives the
/// connection that asked for it. Errors: DaemonConnection's, and INVALID_FRAME for an answer that
/// is not an attachment.
Result<Attachment> Attach(const AttachTarget& target, uint64_t deadline_ns);

}  // namespace mlos::capi

#endif  // MLOS_CAPI_ATTACH_H_
