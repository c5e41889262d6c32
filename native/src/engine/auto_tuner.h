#ifndef MLOS_ENGINE_AUTO_TUNER_H_
#define MLOS_ENGINE_AUTO_TUNER_H_

#include <cstdint>
#include <span>
#include <vector>

#include "engine/batch_plan.h"
#include "engine/engine.h"
#include "engine/gather.h"
#include "engine/runner.h"
#include "engine/sample_rows.h"
#include "shm/stats_layout.h"

namespace mlos {

/// Finds out whether a model gains from joined runs, at which size, and whether its answers stay
/// the same. One run at a time, so that a worker can do it between requests. Pure but for the runs.
///
///     kWaiting ──sample──→ kSingle ──each row alone──→ kJoined ──every size──→ kDone
///        ↑                    │ made-up inputs are refused    │ other answers: kBatchUnfit
///        └────────────────────┘                              ↓
///                                                           kDone
class AutoTuner {
 public:
  /// `joins`: nothing but the signature can forbid joined runs.
  AutoTuner(const ModelSignature& signature, const BatchOptions& options, bool joins = true);

  /// Made-up inputs; for models whose shapes are known (BatchPlan).
  void UseMadeUp();
  /// The first row of a request's inputs, which are copied. Ignored unless it waits for that.
  void UseRequest(std::span<const TensorView> inputs);

  bool wants_request() const { return state_ == State::kWaiting; }
  bool can_step() const { return state_ == State::kSingle || state_ == State::kJoined; }
  bool done() const { return state_ == State::kDone; }

  /// One run. Takes as long as it takes; what is measured in all is about kBudgetNs.
  void Step(RunContext& context);

  layout::BatchVerdict verdict() const { return verdict_; }
  /// Requests' rows that may run together; 1: none may.
  uint32_t batch_limit() const { return limit_; }
  /// Time of one row alone, in nanoseconds; 0: not measured.
  uint64_t single_ns() const { return single_ns_; }

  static constexpr uint64_t kBudgetNs = 1'000'000'000;
  /// A joined run has to give so much more throughput per row.
  static constexpr double kLeastGain = 1.15;
  /// The smallest size is taken whose rows cost at most so many times what they cost at best: a
  /// larger one adds little throughput, and makes a request that comes meanwhile wait for long.
  static constexpr double kNearBest = 1.1;

 private:
  enum class State { kWaiting, kSingle, kJoined, kDone };

  struct Size {
    uint32_t rows = 1;
    uint32_t runs = 0;
    uint64_t spent_ns = 0;
    uint64_t best_ns = UINT64_MAX;
  };

  void Start();
  void StepSingle(RunContext& context);
  void StepJoined(RunContext& context);
  bool Run(RunContext& context, uint32_t first_row, uint32_t rows, Size& size);
  bool KeepReference(uint32_t row);
  bool RowsAgree(uint32_t rows) const;
  bool Enough(const Size& size) const;
  void Finish(layout::BatchVerdict verdict, uint32_t limit);
  void GoOn();
  void Decide();

  const ModelSignature& signature_;
  const BatchOptions options_;
  SampleRows sample_;
  bool made_up_ = false;
  State state_ = State::kWaiting;
  std::vector<uint32_t> all_outputs_;
  JoinedOutputs outputs_;
  /// Per row that has run alone, per output: its bytes.
  std::vector<std::vector<std::vector<std::byte>>> references_;
  std::vector<Shape> row_shapes_;
  std::vector<Size> sizes_;
  size_t at_ = 0;
  uint64_t spent_ns_ = 0;
  layout::BatchVerdict verdict_ = layout::kBatchPending;
  uint32_t limit_ = 1;
  uint64_t single_ns_ = 0;
};

}  // namespace mlos

#endif  // MLOS_ENGINE_AUTO_TUNER_H_
