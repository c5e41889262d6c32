#ifndef MLOS_ENGINE_STATEFUL_CONTEXT_H_
#define MLOS_ENGINE_STATEFUL_CONTEXT_H_

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "engine/runner.h"
#include "engine/state_plan.h"
#include "engine/state_tensor.h"

namespace mlos {

/// Runs a stateful model as what clients see of it: adds the states to the inputs, and takes them
/// out of the outputs.
class StatefulContext final : public RunContext {
 public:
  StatefulContext(const StatePlan& plan, std::unique_ptr<RunContext> inner);

  /// The states of the next run, one per slot of the plan. A run without them begins with initial
  /// ones.
  void Use(std::span<const TensorView> states);
  Status Run(const RunRequest& request, OutputSink& sink) override;
  void Terminate() override { inner_->Terminate(); }
  void Reset() override { inner_->Reset(); }

  /// What the last run, if it succeeded, made of each state. May be swapped for another buffer.
  std::vector<StateTensor>& states() { return taken_; }
  const StatePlan& plan() const { return plan_; }

 private:
  class Splitter;

  void Compose(const RunRequest& request);
  Status CheckStates(uint64_t rows) const;

  const StatePlan& plan_;
  const std::unique_ptr<RunContext> inner_;
  std::vector<TensorView> given_;
  std::vector<StateTensor> initial_;
  std::vector<StateTensor> taken_;
  /// Of the run under way, in the model's own signature.
  std::vector<TensorView> inputs_;
  std::vector<uint32_t> outputs_;
  uint64_t rows_ = 1;
};

}  // namespace mlos

#endif  // MLOS_ENGINE_STATEFUL_CONTEXT_H_
