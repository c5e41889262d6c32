#include "engine/auto_tuner.h"

#include <algorithm>
#include <exception>
#include <numeric>

#include "base/clock.h"

namespace mlos {
namespace {

/// Runs of one size: the best of them counts, for a busy host only ever makes a run longer.
constexpr uint32_t kLeastRuns = 3;
constexpr uint32_t kMostRuns = 50;
/// Of a model whose one run takes longer, in nanoseconds, fewer runs have to do.
constexpr uint64_t kSlowRunNs = AutoTuner::kBudgetNs / 16;
constexpr uint32_t kSlowReferences = 2;

}  // namespace

AutoTuner::AutoTuner(const ModelSignature& signature, const BatchOptions& options, bool joins)
    : signature_(signature),
      options_(options),
      all_outputs_(signature.outputs.size()),
      outputs_(signature.outputs.size()) {
  std::iota(all_outputs_.begin(), all_outputs_.end(), 0);
  if (options.mode == BatchOptions::Mode::kOff || options.max_batch <= 1) {
    Finish(layout::kBatchOff, 1);
  } else if (!joins || !PlanBatches(signature).fits) {
    Finish(layout::kBatchUnfit, 1);
  }
}

void AutoTuner::UseMadeUp() {
  if (state_ != State::kWaiting) return;
  sample_.MakeUp(signature_);
  made_up_ = true;
  Start();
}

void AutoTuner::UseRequest(std::span<const TensorView> inputs) {
  if (state_ != State::kWaiting) return;
  uint64_t row_bytes = 0;
  for (size_t i = 0; i < inputs.size(); ++i) {
    const TensorView& view = inputs[i];
    if (IsSingle(signature_.inputs[i])) continue;
    row_bytes += view.data.size() / static_cast<uint64_t>(std::max<int64_t>(view.shape.dims[0], 1));
  }
  // Not even two fit a batch: copies of such a row would only take time and memory.
  if (row_bytes > kMaxBatchBytes / 2) return Finish(layout::kBatchNoGain, 1);
  sample_.TakeFrom(signature_, inputs);
  made_up_ = false;
  Start();
}

void AutoTuner::Start() {
  const uint64_t row_bytes = std::max<uint64_t>(sample_.row_bytes(), 1);
  const uint64_t most = std::min<uint64_t>(options_.max_batch, kMaxBatchBytes / row_bytes);
  if (most <= 1) return Finish(layout::kBatchNoGain, 1);
  sizes_.clear();
  for (uint32_t rows = 1; rows < most; rows *= 2) sizes_.push_back({.rows = rows});
  sizes_.push_back({.rows = static_cast<uint32_t>(most)});
  references_.clear();
  row_shapes_.clear();
  at_ = 0;
  spent_ns_ = 0;
  state_ = State::kSingle;
}

bool AutoTuner::Run(RunContext& context, uint32_t first_row, uint32_t rows, Size& size) {
  outputs_.Clear();
  const RunRequest request{.inputs = sample_.Inputs(first_row, rows), .outputs = all_outputs_};
  const uint64_t began = MonotonicNanos();
  bool ok = false;
  try {
    ok = context.Run(request, outputs_).ok();
  } catch (const std::exception&) {
    ok = false;  // the verdict tells: what throws is not joined
  }
  const uint64_t took = MonotonicNanos() - began;
  ++size.runs;
  size.spent_ns += took;
  size.best_ns = std::min(size.best_ns, took);
  spent_ns_ += took;
  return ok && outputs_.HasRows(all_outputs_, rows);
}

bool AutoTuner::Enough(const Size& size) const {
  if (size.runs >= kMostRuns) return true;
  const bool share_is_spent = size.spent_ns >= kBudgetNs / 2 / sizes_.size();
  const uint32_t least = size.best_ns > kSlowRunNs ? 1 : kLeastRuns;
  return size.runs >= least && (share_is_spent || spent_ns_ >= kBudgetNs);
}

void AutoTuner::Step(RunContext& context) {
  if (state_ == State::kSingle) {
    StepSingle(context);
  } else if (state_ == State::kJoined) {
    StepJoined(context);
  }
}

bool AutoTuner::KeepReference(uint32_t row) {
  if (row < references_.size()) return true;
  std::vector<std::vector<std::byte>> reference;
  for (const uint32_t index : all_outputs_) {
    const TensorView& output = outputs_.at(index);
    reference.emplace_back(output.data.begin(), output.data.end());
    if (row == 0) row_shapes_.push_back(output.shape);
    if (!(row_shapes_[index] == output.shape)) return false;
  }
  references_.push_back(std::move(reference));
  return true;
}

void AutoTuner::StepSingle(RunContext& context) {
  Size& size = sizes_[0];
  const uint32_t row = size.runs % SampleRows::kVariants;
  if (!Run(context, row, 1, size)) {
    if (!made_up_) return Finish(layout::kBatchUnfit, 1);
    state_ = State::kWaiting;  // what was made up does not suit: a request will show what does
    return;
  }
  if (!KeepReference(row)) return Finish(layout::kBatchUnfit, 1);
  single_ns_ = size.best_ns;
  const uint32_t least = single_ns_ > kSlowRunNs ? kSlowReferences : SampleRows::kVariants;
  if (references_.size() < least || !Enough(size)) return;
  state_ = State::kJoined;
  GoOn();
}

bool AutoTuner::RowsAgree(uint32_t rows) const {
  for (const uint32_t index : all_outputs_) {
    const TensorView& all = outputs_.at(index);
    Shape shape = all.shape;
    shape.dims[0] = 1;
    if (!(shape == row_shapes_[index])) return false;
    const uint64_t row_bytes = all.data.size() / rows;
    for (uint32_t row = 0; row < rows; ++row) {
      const uint32_t variant = row % SampleRows::kVariants;
      if (variant >= references_.size()) continue;
      const std::vector<std::byte>& alone = references_[variant][index];
      if (!SameValues(all.dtype, alone, all.data.subspan(row * row_bytes, row_bytes))) return false;
    }
  }
  return true;
}

void AutoTuner::StepJoined(RunContext& context) {
  const bool fixed = options_.mode == BatchOptions::Mode::kFixed;
  Size& size = sizes_[at_];
  if (!Run(context, 0, size.rows, size) || (size.runs == 1 && !RowsAgree(size.rows))) {
    return Finish(layout::kBatchUnfit, 1);
  }
  if (fixed || Enough(size)) GoOn();
}

void AutoTuner::GoOn() {
  const Size& size = sizes_[at_];
  ++at_;
  // The next size takes at most twice as long as this one; none is begun that leaves the budget.
  const bool fixed = options_.mode == BatchOptions::Mode::kFixed;
  const bool spent = !fixed && spent_ns_ + 2 * size.best_ns > kBudgetNs;
  if (at_ == sizes_.size() || spent) Decide();
}

void AutoTuner::Decide() {
  if (options_.mode == BatchOptions::Mode::kFixed) {
    return Finish(layout::kBatchFixed, options_.max_batch);
  }
  const auto per_row = [](const Size& size) {
    return static_cast<double>(std::max<uint64_t>(size.best_ns, 1)) / size.rows;
  };
  size_t best = 0;
  for (size_t i = 1; i < at_; ++i) {
    if (per_row(sizes_[i]) < per_row(sizes_[best])) best = i;
  }
  const double most = per_row(sizes_[0]) / kLeastGain;
  if (best == 0 || per_row(sizes_[best]) > most) return Finish(layout::kBatchNoGain, 1);
  const double enough = std::min(kNearBest * per_row(sizes_[best]), most);
  size_t chosen = 1;
  while (per_row(sizes_[chosen]) > enough) ++chosen;
  Finish(layout::kBatchGains, sizes_[chosen].rows);
}

void AutoTuner::Finish(layout::BatchVerdict verdict, uint32_t limit) {
  verdict_ = verdict;
  limit_ = limit;
  state_ = State::kDone;
  references_.clear();
  sizes_.clear();
  sample_ = SampleRows();
  outputs_ = JoinedOutputs(signature_.outputs.size());
}

}  // namespace mlos
