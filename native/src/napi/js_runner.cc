#include "napi/js_runner.h"

#include <algorithm>
#include <atomic>
#include <vector>

namespace mlos::binding {
namespace {

Status Failed(std::string message) {
  return Error{
      .code = "INFERENCE_FAILED", .message = std::move(message), .error_number = 0, .syscall = ""};
}

/// Whether a result fills its shape. The packed form of strings is for its reader to check.
bool IsWhole(const JsTensor& tensor) {
  const auto elements = ElementCount(tensor.shape);
  const auto element_bytes = ElementBytes(static_cast<uint16_t>(tensor.dtype));
  if (!elements || !element_bytes) return false;
  if (tensor.dtype == Dtype::kString) return tensor.bytes.size() / sizeof(uint32_t) >= *elements;
  return tensor.bytes.size() == *elements * *element_bytes;
}

class JsRunContext : public RunContext {
 public:
  JsRunContext(std::shared_ptr<JsCalls> calls, uint64_t function, const ModelSignature& signature,
               JsRuns runs)
      : calls_(std::move(calls)), function_(function), signature_(signature), runs_(runs) {}

  Status Run(const RunRequest& request, OutputSink& sink) override {
    const uint64_t call = calls_->NextCall();
    // Whichever of Run() and Terminate() writes later sees what the other wrote.
    running_ = call;
    if (terminated_) calls_->Cancel(call, runs_);
    std::vector<JsTensor> inputs;
    inputs.reserve(request.inputs.size());
    for (const TensorView& input : request.inputs) inputs.push_back(Copy(input));
    std::vector<JsTensor> results;
    const Status status = calls_->Run(call, function_, std::move(inputs),
                                      {request.outputs.begin(), request.outputs.end()}, results);
    running_ = 0;
    return status.ok() ? Deliver(request, results, sink) : status;
  }

  void Terminate() override {
    terminated_ = true;
    calls_->Cancel(running_, runs_);
  }

  void Reset() override { terminated_ = false; }

 private:
  static JsTensor Copy(const TensorView& view) {
    return {.index = view.index,
            .dtype = view.dtype,
            .shape = view.shape,
            .bytes = {view.data.begin(), view.data.end()}};
  }

  Status Deliver(const RunRequest& request, const std::vector<JsTensor>& results,
                 OutputSink& sink) const {
    for (const uint32_t index : request.outputs) {
      const auto& spec = signature_.outputs[index];
      const auto found = std::find_if(results.begin(), results.end(),
                                      [index](const JsTensor& it) { return it.index == index; });
      if (found == results.end() || found->dtype != spec.dtype || !IsWhole(*found)) {
        return Failed("output \"" + spec.name + "\" is missing or does not fill its shape");
      }
      const auto& bytes = found->bytes;
      const auto room = sink.Allocate(index, found->dtype, found->shape, bytes.size());
      if (room.size() < bytes.size()) {
        return Error{.code = "PAYLOAD_TOO_LARGE",
                     .message = "there is no room for output \"" + spec.name + "\"",
                     .error_number = 0,
                     .syscall = ""};
      }
      std::copy(bytes.begin(), bytes.end(), room.begin());
    }
    return {};
  }

  const std::shared_ptr<JsCalls> calls_;
  const uint64_t function_;
  const ModelSignature& signature_;
  const JsRuns runs_;
  std::atomic<uint64_t> running_ = 0;  // 0 is no call
  std::atomic<bool> terminated_ = false;
};

}  // namespace

JsRunner::JsRunner(std::shared_ptr<JsCalls> calls, const Napi::Function& function,
                   ModelSignature signature, std::string description, JsRuns runs)
    : calls_(std::move(calls)),
      function_(calls_->AddFunction(function)),
      signature_(std::move(signature)),
      description_(std::move(description)),
      runs_(runs) {}

JsRunner::~JsRunner() { calls_->RemoveFunction(function_); }

Result<std::unique_ptr<RunContext>> JsRunner::CreateContext() {
  return std::unique_ptr<RunContext>(
      std::make_unique<JsRunContext>(calls_, function_, signature_, runs_));
}

}  // namespace mlos::binding
