#ifndef MLOS_TEST_HOSTILE_RAW_CHANNEL_H_
#define MLOS_TEST_HOSTILE_RAW_CHANNEL_H_

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/unique_fd.h"
#include "capi/daemon_connection.h"
#include "dice.h"
#include "figures.h"
#include "shm/layout.h"

namespace hostile {

/// What the models of this test take: float32[n], float32[batch,64], int64[n] used as indices below
/// kTableRows, string[n].
enum class ModelKind : uint32_t { kScale, kRows, kGather, kText };
inline constexpr uint64_t kTableRows = 16;
inline constexpr uint64_t kRowLength = 64;

struct Target {
  std::string socket_path;
  struct Model {
    std::string id;
    ModelKind kind;
  };
  std::vector<Model> models;
};

/// A channel as bytes, without anything of the library that would keep its rules.
struct RawChannel {
  std::unique_ptr<mlos::capi::DaemonConnection> daemon;
  uint64_t id = 0;
  ModelKind kind = ModelKind::kScale;
  mlos::UniqueFd request_fd;
  mlos::UniqueFd response_fd;
  mlos::UniqueFd bell;
  mlos::UniqueFd socket;
  /// Mapped for writing; the mapping stays until the process ends.
  uint8_t* request = nullptr;
  uint64_t request_bytes = 0;
  const uint8_t* response = nullptr;
  uint64_t response_bytes = 0;

  mlos::layout::RequestControl* control() const {
    return reinterpret_cast<mlos::layout::RequestControl*>(request);
  }
  const mlos::layout::ResponseControl* host() const {
    return reinterpret_cast<const mlos::layout::ResponseControl*>(response);
  }
  uint8_t* arena() const { return request + mlos::layout::kRequestArenaOffset; }
  uint64_t arena_bytes() const { return request_bytes - mlos::layout::kRequestArenaOffset; }
  const uint8_t* results() const { return response + mlos::layout::kResponseArenaOffset; }
  uint64_t result_bytes() const { return response_bytes - mlos::layout::kResponseArenaOffset; }

  bool IsOpen() const { return host()->state.load() == mlos::layout::kOpen; }
  /// Of `channels.activate`; the code of the error, or "".
  std::string Activate(uint64_t channel_id);
  /// Publishes an entry and rings, whatever is in the ring.
  void Push(const mlos::layout::RequestEntry& entry);
  void RingBell() const;

  uint32_t tail = 0;
  uint32_t head = 0;
};

/// Asks for a channel and maps it. Null where the daemon refuses, which is its right.
std::unique_ptr<RawChannel> Attach(const Target& target, Dice& dice, Figures& figures);

/// Seals and activates the channel, or tries to have a bad one taken. True where it is open.
bool Activate(RawChannel& channel, Dice& dice, Figures& figures);

/// Tries everything that the seals forbid, on both regions.
void TryToBreakSeals(const RawChannel& channel, Figures& figures);

/// Does its worst for at most `seconds`, while the host keeps the channel open.
void Attack(RawChannel& channel, Dice& dice, Figures& figures, double seconds);

/// Sends bad tensors in memfds over the socket for `seconds`.
void SendMemfds(const Target& target, Dice& dice, Figures& figures, double seconds);

}  // namespace hostile

#endif  // MLOS_TEST_HOSTILE_RAW_CHANNEL_H_
