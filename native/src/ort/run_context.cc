#include "ort/run_context.h"

#include <atomic>
#include <cstring>
#include <utility>
#include <vector>

#include "ort/output_shapes.h"
#include "ort/strings.h"
#include "ort/tensors.h"

namespace mlos {
namespace {

Error NoRoom() {
  return Error{.code = "PAYLOAD_TOO_LARGE", .message = "The answer does not fit its arena."};
}

class OrtRunContext : public RunContext {
 public:
  OrtRunContext(std::shared_ptr<const OrtModel> model, OrtOwned<OrtRunOptions> options);

  Status Run(const RunRequest& request, OutputSink& sink) override;
  void Terminate() override;
  void Reset() override;

 private:
  Status BindInputs(std::span<const TensorView> inputs);
  Status BindInput(size_t index, const TensorView& input);
  Status BindOutputs(std::span<const uint32_t> wanted, OutputSink& sink);
  Status BindOutput(size_t place, uint32_t index, const Shape& shape, OutputSink& sink);
  OrtStatus* Call(size_t output_count);
  bool MayBeWrongGuess(size_t output_count) const;
  void ForgetOutputs(size_t output_count);
  Status TakeOutputs(std::span<const uint32_t> wanted, OutputSink& sink);
  Status TakeOutput(uint32_t index, OrtValue* value, OutputSink& sink);
  Status Failure(OrtStatus* failure);

  const std::shared_ptr<const OrtModel> model_;
  const OrtApi& api_;
  const OrtOwned<OrtRunOptions> options_;
  std::atomic<bool> terminated_{false};

  OutputShapes shapes_;
  std::vector<TensorsInPlace> input_tensors_;
  std::vector<TensorsInPlace> output_tensors_;
  /// Inputs of the run under way that are not kept in place.
  std::vector<OrtOwned<OrtValue>> strings_;

  std::vector<const char*> input_names_;
  std::vector<OrtValue*> inputs_;
  /// By place in the request's list of outputs. A value that is not bound is ours after the run.
  std::vector<const char*> output_names_;
  std::vector<OrtValue*> outputs_;
  std::vector<bool> bound_;
};

OrtRunContext::OrtRunContext(std::shared_ptr<const OrtModel> model, OrtOwned<OrtRunOptions> options)
    : model_(std::move(model)),
      api_(model_->library->api()),
      options_(std::move(options)),
      shapes_(model_->signature) {
  const ModelSignature& signature = model_->signature;
  for (const ValueSpec& input : signature.inputs) {
    input_names_.push_back(input.name.c_str());
    input_tensors_.emplace_back(*model_->library);
  }
  for (size_t i = 0; i < signature.outputs.size(); ++i) {
    output_tensors_.emplace_back(*model_->library);
  }
  inputs_.resize(signature.inputs.size());
  output_names_.resize(signature.outputs.size());
  outputs_.resize(signature.outputs.size());
  bound_.resize(signature.outputs.size());
}

Status OrtRunContext::Run(const RunRequest& request, OutputSink& sink) {
  if (Status status = BindInputs(request.inputs); !status.ok()) return status;
  shapes_.Select(request.inputs);
  if (Status status = BindOutputs(request.outputs, sink); !status.ok()) return status;
  const size_t count = request.outputs.size();
  OrtStatus* failure = Call(count);
  if (failure != nullptr && MayBeWrongGuess(count)) {
    api_.release_status(failure);
    ForgetOutputs(count);
    failure = Call(count);
  }
  Status status = failure == nullptr ? TakeOutputs(request.outputs, sink) : Failure(failure);
  ForgetOutputs(count);
  strings_.clear();
  return status;
}

Status OrtRunContext::BindInputs(std::span<const TensorView> inputs) {
  if (inputs.size() != inputs_.size()) {
    return Error{.code = "MISSING_INPUT", .message = "The model wants other inputs."};
  }
  for (size_t i = 0; i < inputs.size(); ++i) {
    if (Status status = BindInput(i, inputs[i]); !status.ok()) return status;
  }
  return {};
}

Status OrtRunContext::BindInput(size_t index, const TensorView& input) {
  const ValueSpec& spec = model_->signature.inputs[index];
  if (input.dtype != spec.dtype) {
    return Error{.code = "INVALID_DTYPE", .message = "Input " + spec.name + " has another dtype."};
  }
  if (input.dtype == Dtype::kString) {
    Result<OrtOwned<OrtValue>> tensor = UnpackStrings(*model_->library, input);
    if (!tensor.ok()) return tensor.error();
    inputs_[index] = tensor.value().get();
    strings_.push_back(std::move(tensor).value());
    return {};
  }
  const Result<uint64_t> bytes = TensorBytes(input.dtype, input.shape);
  if (!bytes.ok() || bytes.value() != input.data.size()) {
    return Error{.code = "INVALID_SHAPE",
                 .message = "The bytes of input " + spec.name + " do not fit its shape."};
  }
  // The runtime never writes to what a model is given, though its function takes it as writable.
  const std::span<std::byte> memory(const_cast<std::byte*>(input.data.data()), input.data.size());
  return input_tensors_[index].Find(memory, input.dtype, input.shape, &inputs_[index]);
}

Status OrtRunContext::BindOutputs(std::span<const uint32_t> wanted, OutputSink& sink) {
  if (wanted.size() > outputs_.size()) {
    return Error{.code = "INVALID_ARGUMENT", .message = "More outputs than the model has."};
  }
  for (size_t place = 0; place < wanted.size(); ++place) {
    const uint32_t index = wanted[place];
    if (index >= outputs_.size()) {
      return Error{.code = "INVALID_ARGUMENT", .message = "The model has no such output."};
    }
    output_names_[place] = model_->signature.outputs[index].name.c_str();
    outputs_[place] = nullptr;
    bound_[place] = false;
    const Shape* shape = shapes_.Foretell(index);
    if (shape == nullptr) continue;
    if (Status status = BindOutput(place, index, *shape, sink); !status.ok()) return status;
  }
  return {};
}

Status OrtRunContext::BindOutput(size_t place, uint32_t index, const Shape& shape,
                                 OutputSink& sink) {
  const Dtype dtype = model_->signature.outputs[index].dtype;
  const Result<uint64_t> bytes = TensorBytes(dtype, shape);
  if (!bytes.ok()) return bytes.error();
  const std::span<std::byte> memory = sink.Allocate(index, dtype, shape, bytes.value());
  if (memory.size() < bytes.value()) return NoRoom();
  bound_[place] = true;
  return output_tensors_[index].Find(memory.first(bytes.value()), dtype, shape, &outputs_[place]);
}

OrtStatus* OrtRunContext::Call(size_t output_count) {
  return api_.run(model_->session.get(), options_.get(), input_names_.data(), inputs_.data(),
                  inputs_.size(), output_names_.data(), output_count, outputs_.data());
}

/// The runtime refuses to write an output into a tensor of another shape, but says so only in
/// words, and in other words from version to version. So a run that fails with outputs bound is
/// tried once more without.
bool OrtRunContext::MayBeWrongGuess(size_t output_count) const {
  if (terminated_.load(std::memory_order_acquire)) return false;
  for (size_t place = 0; place < output_count; ++place) {
    if (bound_[place]) return true;
  }
  return false;
}

/// Lets go of all values of the list: bound ones stay kept, the others are released.
void OrtRunContext::ForgetOutputs(size_t output_count) {
  for (size_t place = 0; place < output_count; ++place) {
    if (!bound_[place] && outputs_[place] != nullptr) api_.release_value(outputs_[place]);
    outputs_[place] = nullptr;
    bound_[place] = false;
  }
}

Status OrtRunContext::TakeOutputs(std::span<const uint32_t> wanted, OutputSink& sink) {
  for (size_t place = 0; place < wanted.size(); ++place) {
    if (bound_[place]) continue;
    if (Status status = TakeOutput(wanted[place], outputs_[place], sink); !status.ok()) {
      return status;
    }
  }
  return {};
}

Status OrtRunContext::TakeOutput(uint32_t index, OrtValue* value, OutputSink& sink) {
  const Dtype dtype = model_->signature.outputs[index].dtype;
  Shape shape;
  if (Status status = ReadTensorShape(api_, value, dtype, &shape); !status.ok()) return status;
  if (dtype == Dtype::kString) return PackStrings(api_, value, index, shape, sink);
  const Result<uint64_t> bytes = TensorBytes(dtype, shape);
  if (!bytes.ok()) return bytes.error();
  // Learned first: asked again, an answer for which there is no room costs no run.
  shapes_.Learn(index, shape);
  const std::span<std::byte> memory = sink.Allocate(index, dtype, shape, bytes.value());
  if (memory.size() < bytes.value()) return NoRoom();
  void* data = nullptr;
  OrtStatus* failure = api_.get_tensor_data(value, &data);
  if (failure != nullptr) return TakeOrtStatus(api_, failure, "INFERENCE_FAILED");
  if (bytes.value() > 0) std::memcpy(memory.data(), data, bytes.value());
  return {};
}

Status OrtRunContext::Failure(OrtStatus* failure) {
  Status status = TakeOrtStatus(api_, failure, "INFERENCE_FAILED");
  if (!terminated_.load(std::memory_order_acquire)) return status;
  return Error{.code = "CANCELLED", .message = "The run was ended before it was done."};
}

void OrtRunContext::Terminate() {
  terminated_.store(true, std::memory_order_release);
  OrtStatus* failure = api_.run_options_set_terminate(options_.get());
  if (failure != nullptr) api_.release_status(failure);
}

void OrtRunContext::Reset() {
  terminated_.store(false, std::memory_order_release);
  OrtStatus* failure = api_.run_options_unset_terminate(options_.get());
  if (failure != nullptr) api_.release_status(failure);
}

}  // namespace

Result<std::unique_ptr<RunContext>> CreateOrtRunContext(std::shared_ptr<const OrtModel> model) {
  const OrtApi& api = model->library->api();
  OrtRunOptions* created = nullptr;
  OrtStatus* failure = api.create_run_options(&created);
  if (failure != nullptr) return TakeOrtStatus(api, failure, "INTERNAL").error();
  OrtOwned<OrtRunOptions> options(created, {api.release_run_options});
  // A failed run tells its caller; a line on stderr for each would let a client fill the log.
  failure = api.run_options_set_log_severity(created, kOrtLogFatal);
  if (failure != nullptr) return TakeOrtStatus(api, failure, "INTERNAL").error();
  return std::unique_ptr<RunContext>(
      std::make_unique<OrtRunContext>(std::move(model), std::move(options)));
}

}  // namespace mlos
