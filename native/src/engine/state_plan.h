#ifndef MLOS_ENGINE_STATE_PLAN_H_
#define MLOS_ENGINE_STATE_PLAN_H_

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "base/result.h"
#include "engine/engine.h"
#include "engine/request.h"
#include "engine/runner.h"
#include "engine/state_tensor.h"

namespace mlos {

/// One state of a model: which of its own outputs an input takes from request to request.
struct StateSlot {
  /// Positions in the model's own signature.
  uint32_t input = 0;
  uint32_t output = 0;
  Dtype dtype = Dtype::kFloat32;
  /// What every state has to fit: the input's dimensions, -1 where they are open.
  std::vector<int64_t> dims;
  /// Of the initial state; at rows_axis -1.
  std::vector<int64_t> initial_dims;
  /// The dimension that has one row per row of the request; nullopt: none has.
  std::optional<uint32_t> rows_axis;
  double initial = 0;
};

/// A stateful model's signature taken apart: what clients see, and the states between requests,
/// which no client can set or read.
class StatePlan {
 public:
  static constexpr uint32_t kHidden = UINT32_MAX;

  /// Error: MODEL_LOAD_FAILED that names the state and what is wrong with it.
  static Result<StatePlan> Make(const ModelSignature& full, std::span<const StateSpec> states);

  /// What clients see.
  const ModelSignature& visible() const { return visible_; }
  const std::vector<StateSlot>& slots() const { return slots_; }
  /// Positions of the visible inputs and outputs in the model's own signature.
  const std::vector<uint32_t>& inputs() const { return inputs_; }
  const std::vector<uint32_t>& outputs() const { return outputs_; }
  /// The visible position of one of the model's own outputs, or kHidden.
  uint32_t VisibleOutput(uint32_t output) const { return visible_of_output_[output]; }
  /// The state that one of the model's own outputs is.
  uint32_t SlotOfOutput(uint32_t output) const { return slot_of_output_[output]; }

  /// Every state has rows, so that requests of several sequences can share a run.
  bool joins() const { return joins_; }
  /// Rows of the states of a request with these (visible) inputs.
  uint64_t RowsOf(std::span<const TensorView> inputs) const;
  Shape InitialShape(const StateSlot& slot, uint64_t rows) const;
  /// Bytes of all states at the beginning; nullopt where they cannot be counted.
  std::optional<uint64_t> InitialBytes(uint64_t rows) const;
  void MakeInitial(const StateSlot& slot, uint64_t rows, StateTensor& state) const;
  /// Whether what the model gave can be its input the next time.
  bool Fits(const StateSlot& slot, const Shape& shape, uint64_t rows) const;
  /// Whether the states of two requests, which CanJoin(), can share a run.
  bool CanJoinStates(const Request& a, const Request& b) const;

 private:
  StatePlan() = default;
  Status Add(const ModelSignature& full, const StateSpec& state);
  Shape ShapeFor(const StateSlot& slot, const Request& request) const;
  void TakeApart(const ModelSignature& full);

  ModelSignature visible_;
  std::vector<StateSlot> slots_;
  std::vector<uint32_t> inputs_;
  std::vector<uint32_t> outputs_;
  std::vector<uint32_t> visible_of_output_;
  std::vector<uint32_t> slot_of_output_;
  bool joins_ = true;
  bool has_rows_ = false;
};

}  // namespace mlos

#endif  // MLOS_ENGINE_STATE_PLAN_H_
