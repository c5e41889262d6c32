#ifndef MLOS_ENGINE_REQUEST_H_
#define MLOS_ENGINE_REQUEST_H_

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "shm/layout.h"
#include "shm/tensor_view.h"

namespace mlos {

struct ModelChannel;
struct Request;
struct Sequence;

/// The waiting requests of one channel in one priority class, first come first.
struct Flow {
  Request* first = nullptr;
  Request* last = nullptr;
  uint32_t length = 0;
  /// Run time that the channel has had in this class, as the queue counts it, in nanoseconds.
  int64_t virtual_ns = 0;
  /// Where it stands in its class's list of flows that wait; kNowhere when nothing waits.
  uint32_t position = kNowhere;

  static constexpr uint32_t kNowhere = UINT32_MAX;
};

/// What one channel has in a model's queue.
struct ChannelQueue {
  std::array<Flow, layout::kPriorities> flows;
  uint32_t length = 0;
};

/// One request from being taken out of its ring until its answer is published and its run is over.
/// Owned by the model, which uses it again: vectors keep their memory.
struct Request {
  /// Keeps the channel's memory mapped while a run reads from it.
  std::shared_ptr<ModelChannel> channel;
  /// channel's place in the queue; valid as long as `channel`.
  ChannelQueue* waiting = nullptr;
  uint64_t id = 0;
  uint32_t slot = 0;
  layout::Priority priority = layout::kNormal;
  /// CLOCK_MONOTONIC in nanoseconds; 0: none.
  uint64_t deadline_ns = 0;
  uint64_t taken_ns = 0;
  /// Fits the signature and is in its order.
  std::vector<TensorView> inputs;
  /// Of the inputs that are single numbers, where they have rows beside them: copies of these.
  std::vector<uint64_t> singles;
  /// Wanted outputs, ascending.
  std::vector<uint32_t> outputs;
  uint64_t input_bytes = 0;
  /// Length of the batch dimension; 0: cannot be joined with others.
  uint64_t rows = 0;
  /// Null: the model keeps no state. Only one request of a sequence at a time is queued or runs.
  Sequence* sequence = nullptr;
  bool starts = false;
  bool ends = false;
  /// Rows of the states that it begins with, and their bytes.
  uint64_t state_rows = 1;
  uint64_t state_bytes = 0;
  /// The next one that waits for its turn in the sequence.
  Request* next_held = nullptr;
  /// The turn (`Sequence::turns`) that had been answered when it came: its client knows what came
  /// of that. 0: it was sent before it could know.
  uint64_t came_after = 0;
  /// Whoever sets it first gives the answer: the worker, or the monitor at a deadline.
  std::atomic<bool> answered{false};

  // Of the queue.
  Request* previous = nullptr;
  Request* next = nullptr;
  bool queued = false;
  int64_t charged_ns = 0;
};

/// Why a request is answered with an error.
struct RequestError {
  layout::StatusCode status = layout::kInternal;
  std::string text;
};

}  // namespace mlos

#endif  // MLOS_ENGINE_REQUEST_H_
