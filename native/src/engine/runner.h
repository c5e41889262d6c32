#ifndef MLOS_ENGINE_RUNNER_H_
#define MLOS_ENGINE_RUNNER_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "shm/tensor_view.h"

namespace mlos {

/// One input or output as the model itself declares it.
struct ValueSpec {
  std::string name;
  Dtype dtype = Dtype::kFloat32;
  /// False: even the rank is unknown, and `dims` is empty.
  bool has_shape = true;
  /// -1: a dynamic dimension.
  std::vector<int64_t> dims;
  /// The model's names of its dynamic dimensions; empty where it gives none. As long as `dims`.
  std::vector<std::string> dim_names;
};

struct ModelSignature {
  std::vector<ValueSpec> inputs;
  std::vector<ValueSpec> outputs;
};

/// Where a runner puts outputs.
class OutputSink {
 public:
  virtual ~OutputSink() = default;
  /// Memory for output `index` of the signature, `byte_length` bytes, aligned to
  /// layout::kBlockAlignment. A shorter span: there is no room. Strings: `byte_length` of the
  /// packed form of layout.h.
  ///
  /// Asked again for the same index within one run, it gives up what it gave before and the new
  /// description holds: a runner that binds outputs ahead learns of a wrong guess only from the
  /// run.
  virtual std::span<std::byte> Allocate(uint32_t index, Dtype dtype, const Shape& shape,
                                        uint64_t byte_length) = 0;
};

struct RunRequest {
  /// Inputs in the order of the signature, all of them there, dtypes and shapes fitting it.
  /// Elements lie where nobody else writes, or are of a dtype whose values lead nothing astray.
  std::span<const TensorView> inputs;
  /// Indices of the outputs wanted, ascending; never empty.
  std::span<const uint32_t> outputs;
};

/// What one worker thread needs to run a model; used by one thread at a time, but for Terminate().
class RunContext {
 public:
  virtual ~RunContext() = default;
  /// Runs once. Errors: INFERENCE_FAILED with the runtime's text, CANCELLED after Terminate(),
  /// PAYLOAD_TOO_LARGE where the sink has no room.
  virtual Status Run(const RunRequest& request, OutputSink& sink) = 0;
  /// From any thread: makes the run under way (if any) end soon, where the runtime can. The engine
  /// calls Reset() before the next run.
  virtual void Terminate() = 0;
  virtual void Reset() = 0;
};

/// One loaded model: weights and signature, shared by all its contexts.
class Runner {
 public:
  virtual ~Runner() = default;
  virtual const ModelSignature& signature() const = 0;
  virtual Result<std::unique_ptr<RunContext>> CreateContext() = 0;
  /// For people: "onnxruntime 1.30.0 (C ABI)".
  virtual std::string description() const = 0;
};

}  // namespace mlos

#endif  // MLOS_ENGINE_RUNNER_H_
