#ifndef MLOS_TEST_ENGINE_CLIENT_H_
#define MLOS_TEST_ENGINE_CLIENT_H_

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "engine/engine.h"
#include "engine_fakes.h"
#include "shm/channel_files.h"
#include "shm/client_channel.h"
#include "shm/control_message.h"
#include "shm/region.h"

namespace mlos::test {

struct Wish {
  uint32_t rows = 1;
  layout::Priority priority = layout::kNormal;
  uint64_t deadline_ns = 0;
  /// Id of the sequence that the request belongs to; empty: none.
  std::string sequence{};
  /// layout::SequenceFlag.
  uint32_t flags = 0;
};

/// A client of the fake model.
class EngineClient {
 public:
  explicit EngineClient(std::unique_ptr<ClientChannel> channel) : channel_(std::move(channel)) {}

  bool ok() const { return channel_ != nullptr; }
  ClientChannel& channel() { return *channel_; }
  void HangUp() { channel_.reset(); }

  /// `a` filled with `value`, `b` with value * 2: the answer is value * 3 everywhere. Returns the
  /// request's id, 0 when it could not be sent.
  uint64_t Send(float value, const Wish& wish = {});
  /// The next completion; status kInternal with a text of ours when none comes.
  Completion Receive();
  /// Whether it is the answer to Send(value) with so many rows. Releases it.
  bool IsAnswer(const Completion& completion, float value, uint32_t rows = 1);
  /// Sends, receives, checks.
  bool Ask(float value, const Wish& wish = {});

 private:
  std::unique_ptr<ClientChannel> channel_;
  /// Of unanswered requests.
  std::map<uint64_t, Block> blocks_;
};

/// What the daemon does: the other end of the engine's control socket, and the stats page.
class FakeDaemon {
 public:
  /// Starts an engine and its stats page. `ok()` tells whether that went well.
  explicit FakeDaemon(const EngineOptions& options = {});

  bool ok() const { return engine_ != nullptr; }
  Engine& engine() { return *engine_; }
  void StopEngine() { engine_.reset(); }
  /// Closes the daemon's end.
  void HangUp() { control_.Reset(); }

  /// Sends one message and waits for its reply; kChannelGone that comes meanwhile is counted.
  layout::ControlMessage Ask(layout::ControlMessage message, std::vector<int> fds);
  layout::ControlMessage Ask(uint32_t kind, uint64_t channel_id, uint32_t argument,
                             uint32_t argument2, std::vector<int> fds);
  /// Waits for one message of the engine's own.
  layout::ControlMessage Next();
  /// Sends bytes as they are.
  void SendRaw(std::span<const std::byte> bytes, const std::vector<int>& fds);

  /// A model with the fake runner; its handle, 0 when it failed.
  uint32_t Add(const FakeModel& model, const ModelOptions& options,
               std::shared_ptr<FakeLog> log = nullptr);
  /// The same with a runner of the caller's.
  Result<AddedModel> AddRunner(std::unique_ptr<Runner> runner, const ModelOptions& options);
  /// An open channel to a model; not ok() when it failed.
  EngineClient Attach(uint32_t handle, layout::Priority most_urgent = layout::kRealtime,
                      uint64_t arena_bytes = uint64_t{1} << 18, bool shares_sequences = false);
  uint64_t last_channel() const { return next_channel_ - 1; }

  const layout::ModelStats& Stats(uint32_t handle) const;

 private:
  UniqueFd control_;
  std::optional<Region> stats_;
  std::unique_ptr<Engine> engine_;
  uint32_t sequence_ = 0;
  uint64_t next_channel_ = 1;
};

uint64_t InMilliseconds(uint64_t milliseconds);
/// Waits (for seconds) until `holds` does.
bool Eventually(const std::function<bool()>& holds);

}  // namespace mlos::test

#endif  // MLOS_TEST_ENGINE_CLIENT_H_
