#ifndef MLOS_ENGINE_PIPELINE_PLAN_H_
#define MLOS_ENGINE_PIPELINE_PLAN_H_

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "engine/engine.h"
#include "engine/runner.h"

namespace mlos {

/// A pipeline whose graph has been checked: which tensor goes where, in an order in which the steps
/// can run. Tensors are numbered; the pipeline's inputs come first.
class PipelinePlan {
 public:
  struct Step {
    /// In the spec, for messages and contexts.
    uint32_t index = 0;
    /// The tensor of each of its model's inputs.
    std::vector<uint32_t> inputs;
    /// The same of its outputs; kUnused: nobody takes it.
    std::vector<uint32_t> outputs;
  };
  static constexpr uint32_t kUnused = UINT32_MAX;

  /// `models`: the signature of each step's model. Error: MODEL_LOAD_FAILED that says which step or
  /// tensor is wrong: missing, made twice, in a cycle, or of another type than its taker's.
  static Result<PipelinePlan> Make(const PipelineSpec& spec,
                                   std::span<const ModelSignature* const> models);

  const ModelSignature& signature() const { return signature_; }
  /// In an order in which they can run.
  const std::vector<Step>& steps() const { return steps_; }
  /// The tensor of each output.
  const std::vector<uint32_t>& outputs() const { return outputs_; }
  uint32_t tensor_count() const { return static_cast<uint32_t>(tensors_.size()); }

 private:
  struct Tensor {
    std::string name;
    /// What its maker declares, or for an input its takers.
    ValueSpec spec;
    bool made = false;
    bool known = false;
  };

  PipelinePlan() = default;
  uint32_t TensorOf(const std::string& name);
  Status AddInputs(const PipelineSpec& spec);
  Status AddMakers(const PipelineSpec& spec, std::span<const ModelSignature* const> models);
  Status AddTakers(const PipelineSpec& spec, std::span<const ModelSignature* const> models);
  Status Take(const std::string& step, const ValueSpec& wanted, uint32_t tensor);
  Status Order(const PipelineSpec& spec);
  Status Describe(const PipelineSpec& spec);

  uint32_t input_count_ = 0;
  std::vector<Tensor> tensors_;
  std::vector<Step> steps_;
  std::vector<uint32_t> outputs_;
  ModelSignature signature_;
};

}  // namespace mlos

#endif  // MLOS_ENGINE_PIPELINE_PLAN_H_
