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
#include "engine/state_rows.h"
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
  /// What the run made of the states of the request's sequence, for kOk.
  std::vector<StateTensor> states;
};

/// Runs requests, one or several joined, on one context. One per worker.
class BatchRunner {
 public:
  /// `stateful`: the context itself, where it has states; else null.
  BatchRunner(const ModelSignature& signature, RunContext& context,
              StatefulContext* stateful = nullptr);

  /// One outcome per request, valid until the next call. Where a joined run fails, each request is
  /// run alone, so that one client's nonsense is no one else's error.
  std::span<Outcome> Run(std::span<Request* const> requests);

  /// The answer has been `published`: the sequence has its new states. Else it keeps those it had.
  static void SettleStates(Request& request, Outcome& outcome, bool published);

  /// Whether a joined run has come back without its rows: such a model is not to be joined again.
  bool lost_rows() const { return lost_rows_; }

 private:
  void RunSingle(Request& request, Outcome& outcome);
  bool RunJoined(std::span<Request* const> requests);
  RequestError RunContextOnce(std::span<const TensorView> inputs, std::span<const uint32_t> outputs,
                              OutputSink& sink, uint64_t& run_ns);

  /// Accounts for the states that a run has made; the outcome becomes an error where they are too
  /// large.
  static void ReserveStates(const Request& request, Outcome& outcome);

  const ModelSignature& signature_;
  RunContext& context_;
  StateRows states_;
  InputGatherer gatherer_;
  JoinedOutputs joined_;
  AnswerBlock answer_;
  std::vector<Outcome> outcomes_;
  bool lost_rows_ = false;
};

}  // namespace mlos

#endif  // MLOS_ENGINE_BATCH_RUNNER_H_
