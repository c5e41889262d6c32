#ifndef MLOS_ENGINE_BATCH_RUNNER_H_
#define MLOS_ENGINE_BATCH_RUNNER_H_

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "engine/answer_block.h"
#include "engine/gather.h"
#include "engine/request.h"
#include "engine/runner.h"
#include "shm/host_channel.h"

namespace mlos {

/// What one request of a run came to.
struct Outcome {
  layout::StatusCode status = layout::kOk;
  std::string text;
  /// For kOk.
  ResultBlock block;
  uint64_t output_bytes = 0;
  uint64_t run_ns = 0;
  /// Requests that shared the run.
  uint32_t batch = 1;
};

/// Runs requests, one or several joined, on one context. One per worker.
class BatchRunner {
 public:
  BatchRunner(const ModelSignature& signature, RunContext& context);

  /// One outcome per request, valid until the next call. Where a joined run fails, each request is
  /// run alone, so that one client's nonsense is no one else's error.
  std::span<Outcome> Run(std::span<Request* const> requests);

  /// Whether a joined run has come back without its rows: such a model is not to be joined again.
  bool lost_rows() const { return lost_rows_; }

 private:
  void RunSingle(Request& request, Outcome& outcome);
  bool RunJoined(std::span<Request* const> requests);
  RequestError RunContextOnce(std::span<const TensorView> inputs, std::span<const uint32_t> outputs,
                              OutputSink& sink, uint64_t& run_ns);

  RunContext& context_;
  InputGatherer gatherer_;
  JoinedOutputs joined_;
  AnswerBlock answer_;
  std::vector<Outcome> outcomes_;
  bool lost_rows_ = false;
};

}  // namespace mlos

#endif  // MLOS_ENGINE_BATCH_RUNNER_H_
