#include "engine/pipeline_runner.h"

#include <algorithm>
#include <string>
#include <utility>

#include "engine/aligned_buffer.h"
#include "engine/pipeline_plan.h"

namespace mlos {
namespace {

constexpr uint32_t kNowhere = UINT32_MAX;

class PipelineContext final : public RunContext {
 public:
  PipelineContext(const PipelinePlan& plan, const PipelineSpec& spec,
                  std::vector<std::unique_ptr<RunContext>> steps)
      : plan_(plan),
        spec_(spec),
        steps_(std::move(steps)),
        values_(plan.tensor_count()),
        buffers_(plan.tensor_count()),
        needed_(plan.tensor_count()),
        answer_place_(plan.tensor_count()) {}

  Status Run(const RunRequest& request, OutputSink& sink) override {
    Prepare(request);
    for (const PipelinePlan::Step& step : plan_.steps()) {
      if (!IsNeeded(step)) continue;
      if (Status ran = RunStep(step, sink); !ran.ok()) return ran;
    }
    for (AlignedBuffer& buffer : buffers_) buffer.Trim(AlignedBuffer::kKeptBytes);
    return {};
  }

  // The step under way, whichever it is, ends; the others see it before they begin.
  void Terminate() override {
    for (const auto& step : steps_) step->Terminate();
  }
  void Reset() override {
    for (const auto& step : steps_) step->Reset();
  }

 private:
  /// Where one step's outputs go.
  class StepSink final : public OutputSink {
   public:
    StepSink(PipelineContext& context, const PipelinePlan::Step& step, OutputSink& answer)
        : context_(context), step_(step), answer_(answer) {}

    std::span<std::byte> Allocate(uint32_t index, Dtype dtype, const Shape& shape,
                                  uint64_t byte_length) override {
      const uint32_t tensor = step_.outputs[index];
      const uint32_t place = context_.answer_place_[tensor];
      const std::span<std::byte> bytes = place == kNowhere
                                             ? context_.buffers_[tensor].Reserve(byte_length)
                                             : answer_.Allocate(place, dtype, shape, byte_length);
      context_.values_[tensor] = {.index = 0, .dtype = dtype, .shape = shape, .data = bytes};
      return bytes;
    }

   private:
    PipelineContext& context_;
    const PipelinePlan::Step& step_;
    OutputSink& answer_;
  };

  /// Which tensors have to be made, and which of them are answers.
  void Prepare(const RunRequest& request) {
    std::copy(request.inputs.begin(), request.inputs.end(), values_.begin());
    std::fill(needed_.begin(), needed_.end(), false);
    std::fill(answer_place_.begin(), answer_place_.end(), kNowhere);
    for (const uint32_t output : request.outputs) {
      const uint32_t tensor = plan_.outputs()[output];
      needed_[tensor] = true;
      answer_place_[tensor] = output;
    }
    const std::vector<PipelinePlan::Step>& steps = plan_.steps();
    for (auto step = steps.rbegin(); step != steps.rend(); ++step) {
      if (!IsNeeded(*step)) continue;
      for (const uint32_t tensor : step->inputs) needed_[tensor] = true;
    }
  }

  bool IsNeeded(const PipelinePlan::Step& step) const {
    return std::any_of(step.outputs.begin(), step.outputs.end(), [&](uint32_t tensor) {
      return tensor != PipelinePlan::kUnused && needed_[tensor];
    });
  }

  Status RunStep(const PipelinePlan::Step& step, OutputSink& sink) {
    inputs_.clear();
    outputs_.clear();
    for (uint32_t i = 0; i < step.inputs.size(); ++i) {
      inputs_.push_back(values_[step.inputs[i]]);
      inputs_.back().index = i;
    }
    for (uint32_t i = 0; i < step.outputs.size(); ++i) {
      const uint32_t tensor = step.outputs[i];
      if (tensor != PipelinePlan::kUnused && needed_[tensor]) outputs_.push_back(i);
    }
    StepSink to(*this, step, sink);
    const Status ran = steps_[step.index]->Run({.inputs = inputs_, .outputs = outputs_}, to);
    if (ran.ok()) return {};
    Error error = ran.error();
    error.message = "Step " + std::to_string(step.index + 1) + " (" + spec_.steps[step.index].name +
                    "): " + error.message;
    return error;
  }

  const PipelinePlan& plan_;
  const PipelineSpec& spec_;
  /// By place in the spec.
  const std::vector<std::unique_ptr<RunContext>> steps_;
  /// By tensor.
  std::vector<TensorView> values_;
  std::vector<AlignedBuffer> buffers_;
  std::vector<bool> needed_;
  std::vector<uint32_t> answer_place_;
  /// Of the step under way.
  std::vector<TensorView> inputs_;
  std::vector<uint32_t> outputs_;
};

class PipelineRunner final : public Runner {
 public:
  PipelineRunner(PipelineSpec spec, PipelinePlan plan, std::vector<std::shared_ptr<Runner>> steps)
      : spec_(std::move(spec)), plan_(std::move(plan)), steps_(std::move(steps)) {}

  const ModelSignature& signature() const override { return plan_.signature(); }

  Result<std::unique_ptr<RunContext>> CreateContext() override {
    std::vector<std::unique_ptr<RunContext>> contexts;
    for (const std::shared_ptr<Runner>& step : steps_) {
      Result<std::unique_ptr<RunContext>> context = step->CreateContext();
      if (!context.ok()) return context.error();
      contexts.push_back(std::move(context).value());
    }
    return std::unique_ptr<RunContext>(
        std::make_unique<PipelineContext>(plan_, spec_, std::move(contexts)));
  }

  std::string description() const override {
    return "pipeline of " + std::to_string(steps_.size()) + " on " + steps_.front()->description();
  }

 private:
  const PipelineSpec spec_;
  const PipelinePlan plan_;
  const std::vector<std::shared_ptr<Runner>> steps_;
};

}  // namespace

Result<std::unique_ptr<Runner>> MakePipelineRunner(const PipelineSpec& spec,
                                                   std::vector<std::shared_ptr<Runner>> steps) {
  if (steps.empty()) return CodedError("MODEL_LOAD_FAILED", "A pipeline has at least one step.");
  std::vector<const ModelSignature*> signatures;
  signatures.reserve(steps.size());
  for (const std::shared_ptr<Runner>& step : steps) signatures.push_back(&step->signature());
  Result<PipelinePlan> plan = PipelinePlan::Make(spec, signatures);
  if (!plan.ok()) return plan.error();
  return std::unique_ptr<Runner>(
      std::make_unique<PipelineRunner>(spec, std::move(plan).value(), std::move(steps)));
}

}  // namespace mlos
