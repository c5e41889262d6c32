#ifndef MLOS_ENGINE_CHANNEL_TABLE_H_
#define MLOS_ENGINE_CHANNEL_TABLE_H_

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>

#include "base/result.h"
#include "base/unique_fd.h"
#include "engine/model_table.h"

namespace mlos {

/// The channels of an engine by id, from being opened to being closed:
///
///     Open ──→ opening ──Activate──→ serving ──→ gone
///                 └───── Close, end of stream, the model's removal ──↑
///
/// Each is watched in the monitor's epoll from Open() on: the end of its socket's stream is the end
/// of the client. Any thread.
class ChannelTable {
 public:
  ChannelTable(ModelTable& models, int monitor_epoll, bool lock_memory)
      : models_(models), monitor_epoll_(monitor_epoll), lock_memory_(lock_memory) {}

  struct OpenFiles {
    UniqueFd response_region;
    UniqueFd bell;
    UniqueFd socket;
  };
  struct OpenOptions {
    uint64_t channel_id = 0;
    uint32_t handle = 0;
    layout::Priority most_urgent = layout::kNormal;
    bool shares_sequences = false;
  };
  /// Maps and seals the response region. The text says what could not be applied, if anything.
  /// Errors: MODEL_NOT_FOUND, ALREADY_EXISTS, TOO_MANY_REQUESTS, those of HostChannel::Open.
  Result<std::string> Open(const OpenOptions& options, OpenFiles files);
  /// Errors: INVALID_ARGUMENT for a channel that is not opening; those of HostChannel::Activate.
  Result<std::string> Activate(uint64_t channel_id, UniqueFd request_region);
  /// Answers what is unanswered with `code`. False when there is no such channel (any more).
  bool Close(uint64_t channel_id, layout::StatusCode code);
  void CloseAllOf(uint32_t handle, layout::StatusCode code);
  void CloseAll(layout::StatusCode code);

  /// The channel's socket is readable. True when the channel has ended through it.
  bool LookAtSocket(uint64_t channel_id);

 private:
  struct Entry {
    std::shared_ptr<ModelChannel> channel;
    uint32_t handle = 0;
    bool serving = false;
  };
  void End(Entry& entry, layout::StatusCode code);
  std::string LockMemory(const Mapping* mapping) const;

  ModelTable& models_;
  const int monitor_epoll_;
  const bool lock_memory_;
  std::mutex lock_;
  std::unordered_map<uint64_t, Entry> channels_;
};

}  // namespace mlos

#endif  // MLOS_ENGINE_CHANNEL_TABLE_H_
