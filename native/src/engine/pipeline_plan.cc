#include "engine/pipeline_plan.h"

#include <algorithm>

#include "engine/request_check.h"

namespace mlos {
namespace {

Error Refusal(const std::string& what) {
  return CodedError("MODEL_LOAD_FAILED", "The manifest's spec.pipeline: " + what);
}

std::string Quote(const std::string& name) { return "\"" + name + "\""; }

std::string StepName(const PipelineSpec& spec, size_t index) {
  return "step " + std::to_string(index + 1) + " (" + spec.steps[index].name + ")";
}

size_t IndexOf(const std::vector<ValueSpec>& specs, const std::string& name) {
  const auto found = std::find_if(specs.begin(), specs.end(),
                                  [&](const ValueSpec& one) { return one.name == name; });
  return static_cast<size_t>(found - specs.begin());
}

/// Whether a tensor that is declared as `made` can be one that is declared as `taken`.
bool CanBe(const ValueSpec& made, const ValueSpec& taken) {
  if (made.dtype != taken.dtype) return false;
  if (!made.has_shape || !taken.has_shape) return true;
  return std::equal(made.dims.begin(), made.dims.end(), taken.dims.begin(), taken.dims.end(),
                    [](int64_t a, int64_t b) { return a < 0 || b < 0 || a == b; });
}

/// The dimensions that both takers of an input allow.
void Narrow(ValueSpec& spec, const ValueSpec& other) {
  if (!other.has_shape) return;
  if (!spec.has_shape) {
    spec.has_shape = true;
    spec.dims = other.dims;
    spec.dim_names = other.dim_names;
    return;
  }
  for (size_t axis = 0; axis < spec.dims.size(); ++axis) {
    spec.dims[axis] = std::max(spec.dims[axis], other.dims[axis]);
  }
}

}  // namespace

Result<PipelinePlan> PipelinePlan::Make(const PipelineSpec& spec,
                                        std::span<const ModelSignature* const> models) {
  PipelinePlan plan;
  if (Status added = plan.AddInputs(spec); !added.ok()) return added.error();
  if (Status added = plan.AddMakers(spec, models); !added.ok()) return added.error();
  if (Status added = plan.AddTakers(spec, models); !added.ok()) return added.error();
  if (Status ordered = plan.Order(spec); !ordered.ok()) return ordered.error();
  if (Status described = plan.Describe(spec); !described.ok()) return described.error();
  return plan;
}

uint32_t PipelinePlan::TensorOf(const std::string& name) {
  const auto found = std::find_if(tensors_.begin(), tensors_.end(),
                                  [&](const Tensor& one) { return one.name == name; });
  if (found == tensors_.end()) {
    tensors_.push_back({.name = name, .spec = {}});
    return static_cast<uint32_t>(tensors_.size() - 1);
  }
  return static_cast<uint32_t>(found - tensors_.begin());
}

Status PipelinePlan::AddInputs(const PipelineSpec& spec) {
  for (const std::string& name : spec.inputs) {
    if (TensorOf(name) != input_count_) return Refusal("input " + Quote(name) + " is there twice.");
    tensors_.back().made = true;
    ++input_count_;
  }
  return {};
}

Status PipelinePlan::AddMakers(const PipelineSpec& spec,
                               std::span<const ModelSignature* const> models) {
  for (size_t i = 0; i < spec.steps.size(); ++i) {
    const std::vector<ValueSpec>& outputs = models[i]->outputs;
    Step step{.index = static_cast<uint32_t>(i), .inputs = {}, .outputs = {}};
    step.outputs.assign(outputs.size(), kUnused);
    for (const auto& [name, tensor] : spec.steps[i].outputs) {
      const size_t place = IndexOf(outputs, name);
      if (place == outputs.size()) {
        return Refusal(StepName(spec, i) + " has no output " + Quote(name) + ".");
      }
      const uint32_t made = TensorOf(tensor);
      if (tensors_[made].made || step.outputs[place] != kUnused) {
        return Refusal(Quote(tensor) + " is made twice, or an input, or output " + Quote(name) +
                       " of " + StepName(spec, i) + " has two names.");
      }
      tensors_[made].made = true;
      tensors_[made].known = true;
      tensors_[made].spec = outputs[place];
      step.outputs[place] = made;
    }
    steps_.push_back(std::move(step));
  }
  return {};
}

Status PipelinePlan::AddTakers(const PipelineSpec& spec,
                               std::span<const ModelSignature* const> models) {
  for (size_t i = 0; i < spec.steps.size(); ++i) {
    const std::vector<ValueSpec>& inputs = models[i]->inputs;
    steps_[i].inputs.assign(inputs.size(), kUnused);
    for (const auto& [name, tensor] : spec.steps[i].inputs) {
      const size_t place = IndexOf(inputs, name);
      if (place == inputs.size() || steps_[i].inputs[place] != kUnused) {
        return Refusal(StepName(spec, i) + " has no input " + Quote(name) +
                       ", or it is given twice.");
      }
      const uint32_t taken = TensorOf(tensor);
      if (!tensors_[taken].made) {
        return Refusal(StepName(spec, i) + " takes " + Quote(tensor) +
                       ", which is no input and which no step makes.");
      }
      const Status fits = Take(StepName(spec, i), inputs[place], taken);
      if (!fits.ok()) return fits;
      steps_[i].inputs[place] = taken;
    }
    const auto open = std::find(steps_[i].inputs.begin(), steps_[i].inputs.end(), kUnused);
    if (open != steps_[i].inputs.end()) {
      const auto place = static_cast<size_t>(open - steps_[i].inputs.begin());
      return Refusal(StepName(spec, i) + " gets no input " + Quote(inputs[place].name) + ".");
    }
  }
  return {};
}

Status PipelinePlan::Take(const std::string& step, const ValueSpec& wanted, uint32_t tensor) {
  Tensor& taken = tensors_[tensor];
  if (!taken.known) {
    taken.known = true;
    taken.spec = wanted;
    return {};
  }
  if (!CanBe(taken.spec, wanted)) {
    return Refusal(Quote(taken.name) + " is " + FormatSpec(taken.spec) + ", but " + step +
                   " takes it for " + Quote(wanted.name) + " " + FormatSpec(wanted) + ".");
  }
  if (tensor < input_count_) Narrow(taken.spec, wanted);
  return {};
}

/// Steps whose tensors are all there, again and again.
Status PipelinePlan::Order(const PipelineSpec& spec) {
  std::vector<bool> there(tensors_.size(), false);
  std::fill_n(there.begin(), input_count_, true);
  std::vector<Step> left = std::move(steps_);
  steps_.clear();
  while (!left.empty()) {
    const auto ready = std::find_if(left.begin(), left.end(), [&](const Step& step) {
      return std::all_of(step.inputs.begin(), step.inputs.end(),
                         [&](uint32_t tensor) { return there[tensor]; });
    });
    if (ready == left.end()) {
      return Refusal(StepName(spec, left.front().index) +
                     " waits for a tensor that is made of its own outputs: a cycle.");
    }
    for (const uint32_t tensor : ready->outputs) {
      if (tensor != kUnused) there[tensor] = true;
    }
    steps_.push_back(std::move(*ready));
    left.erase(ready);
  }
  return {};
}

Status PipelinePlan::Describe(const PipelineSpec& spec) {
  for (uint32_t i = 0; i < input_count_; ++i) {
    if (!tensors_[i].known) return Refusal("no step takes input " + Quote(tensors_[i].name) + ".");
    signature_.inputs.push_back(tensors_[i].spec);
    signature_.inputs.back().name = tensors_[i].name;
  }
  for (const std::string& name : spec.outputs) {
    const uint32_t tensor = TensorOf(name);
    const bool again = std::find(outputs_.begin(), outputs_.end(), tensor) != outputs_.end();
    if (!tensors_[tensor].made || tensor < input_count_ || again) {
      return Refusal("output " + Quote(name) + " is made by no step, or is there twice.");
    }
    outputs_.push_back(tensor);
    signature_.outputs.push_back(tensors_[tensor].spec);
    signature_.outputs.back().name = name;
  }
  const bool fits = tensors_.size() <= size_t{layout::kMaxTensors} * 4 && !outputs_.empty();
  return fits ? Status() : Refusal("it has no output, or too many tensors.");
}

}  // namespace mlos
