#include "engine/stateful_context.h"

#include <algorithm>

#include "engine/request_check.h"

namespace mlos {

/// Hands what clients see on and keeps the states.
class StatefulContext::Splitter final : public OutputSink {
 public:
  Splitter(StatefulContext& context, OutputSink& visible) : context_(context), visible_(visible) {}

  std::span<std::byte> Allocate(uint32_t index, Dtype dtype, const Shape& shape,
                                uint64_t byte_length) override {
    const uint32_t shown = context_.plan_.VisibleOutput(index);
    if (shown != StatePlan::kHidden) return visible_.Allocate(shown, dtype, shape, byte_length);
    return context_.taken_[context_.plan_.SlotOfOutput(index)].Resize(dtype, shape, byte_length);
  }

 private:
  StatefulContext& context_;
  OutputSink& visible_;
};

StatefulContext::StatefulContext(const StatePlan& plan, std::unique_ptr<RunContext> inner)
    : plan_(plan),
      inner_(std::move(inner)),
      initial_(plan.slots().size()),
      taken_(plan.slots().size()),
      inputs_(plan.inputs().size() + plan.slots().size()) {}

void StatefulContext::Use(std::span<const TensorView> states) {
  given_.assign(states.begin(), states.end());
}

void StatefulContext::Compose(const RunRequest& request) {
  for (size_t i = 0; i < request.inputs.size(); ++i) {
    const uint32_t place = plan_.inputs()[i];
    inputs_[place] = request.inputs[i];
    inputs_[place].index = place;
  }
  const std::vector<StateSlot>& slots = plan_.slots();
  if (given_.empty()) {
    rows_ = plan_.RowsOf(request.inputs);
    for (size_t i = 0; i < slots.size(); ++i) plan_.MakeInitial(slots[i], rows_, initial_[i]);
  }
  outputs_.clear();
  for (const uint32_t shown : request.outputs) outputs_.push_back(plan_.outputs()[shown]);
  for (size_t i = 0; i < slots.size(); ++i) {
    TensorView state = given_.empty() ? initial_[i].View(slots[i].input) : given_[i];
    state.index = slots[i].input;
    inputs_[slots[i].input] = state;
    if (!given_.empty() && slots[i].rows_axis) {
      rows_ = static_cast<uint64_t>(state.shape.dims.at(*slots[i].rows_axis));
    }
    outputs_.push_back(slots[i].output);
  }
  std::sort(outputs_.begin(), outputs_.end());
}

Status StatefulContext::Run(const RunRequest& request, OutputSink& sink) {
  Compose(request);
  given_.clear();
  Splitter splitter(*this, sink);
  Status ran = inner_->Run({.inputs = inputs_, .outputs = outputs_}, splitter);
  return ran.ok() ? CheckStates(rows_) : ran;
}

Status StatefulContext::CheckStates(uint64_t rows) const {
  for (size_t i = 0; i < taken_.size(); ++i) {
    const StateSlot& slot = plan_.slots()[i];
    if (taken_[i].dtype == slot.dtype && plan_.Fits(slot, taken_[i].shape, rows)) continue;
    return CodedError("INFERENCE_FAILED", "The model's state came back as " +
                                              FormatShape(taken_[i].shape) +
                                              ", which it cannot take for an input again.");
  }
  return {};
}

}  // namespace mlos
