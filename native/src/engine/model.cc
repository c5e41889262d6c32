#include "engine/model.h"

#include <sched.h>

#include <algorithm>

namespace mlos {
namespace {

uint64_t Smooth(uint64_t average, uint64_t sample) {
  return average == 0 ? sample : average - average / 8 + sample / 8;
}

}  // namespace

Model::Model(uint32_t handle, const ModelOptions& options, const ModelSurroundings& around,
             std::unique_ptr<ChannelSet> channels, layout::ModelStats* row)
    : handle_(handle),
      options_(options),
      around_(around),
      channels_(std::move(channels)),
      queue_(std::max(options.max_queue, 1U),
             std::min(std::max(options.max_queue, 1U), layout::kSlots)),
      stats_(row),
      sequences_(options.sequences) {}

void Model::Prepare(const ModelSignature& signature, const StatePlan* states,
                    std::unique_ptr<AutoTuner> tuner) {
  const std::lock_guard held(lock_);
  signature_ = &signature;
  states_ = states;
  plan_ = PlanBatches(signature);
  if (states != nullptr && !states->joins()) plan_ = {};
  batch_limit_ = tuner->batch_limit();
  stats_.SetBatch(tuner->verdict(), batch_limit_);
  expected_run_ns_ = tuner->single_ns();
  if (!tuner->done()) tuner_ = std::move(tuner);
}

Status Model::AddChannel(std::shared_ptr<ModelChannel> channel) {
  const std::lock_guard held(lock_);
  if (stopping_) return Error{"SHUTTING_DOWN", "The model is being unloaded.", 0, ""};
  const Status added = channels_->Add(std::move(channel));
  if (!added.ok()) return added;
  stats_.SetChannels(static_cast<uint32_t>(channels_->list().size()));
  channels_->Wake();
  return {};
}

void Model::MoveStats(layout::ModelStats* row) {
  const std::lock_guard held(lock_);
  stats_.MoveTo(row);
}

uint64_t Model::ReadyAt() const {
  if (queue_.size() == 0) return UINT64_MAX;
  const uint64_t delay_ns = uint64_t{options_.batching.max_delay_us} * 1000;
  if (delay_ns == 0 || batch_limit_ <= 1 || queue_.rows() >= batch_limit_) return 0;
  const uint64_t oldest = queue_.OldestTakenNs();
  const uint64_t full = oldest + delay_ns;
  if (nearest_deadline_ns_ == UINT64_MAX) return full;
  if (nearest_deadline_ns_ <= oldest) return 0;
  // Waiting may take half of the time there is, and leave what the run will take by experience.
  const uint64_t half = oldest + (nearest_deadline_ns_ - oldest) / 2;
  const uint64_t needed = 2 * expected_run_ns_;
  const uint64_t latest = nearest_deadline_ns_ > needed ? nearest_deadline_ns_ - needed : 0;
  return std::min({full, half, latest});
}

void Model::FillBatch(ActiveRun& run, uint64_t now_ns) {
  const Request& first = *run.requests.front();
  uint64_t rows = first.rows;
  uint64_t bytes = first.input_bytes + first.state_bytes;
  const auto joins = [&](const Request& other) {
    return rows + other.rows <= batch_limit_ &&
           bytes + other.input_bytes + other.state_bytes <= kMaxBatchBytes &&
           CanJoin(*signature_, first, other) &&
           (states_ == nullptr || states_->CanJoinStates(first, other));
  };
  while (rows < batch_limit_) {
    Request* request = queue_.TakeJoining(first, now_ns, joins);
    if (request == nullptr) return;
    if (Dismiss(request, now_ns)) continue;
    rows += request->rows;
    bytes += request->input_bytes + request->state_bytes;
    run.requests.push_back(request);
  }
}

bool Model::TakeBatch(ActiveRun& run, uint64_t now_ns) {
  Request* first = queue_.Take(now_ns);
  while (first != nullptr && Dismiss(first, now_ns)) first = queue_.Take(now_ns);
  if (first == nullptr) {
    ShowQueue();
    return false;
  }
  run.requests.push_back(first);
  if (batch_limit_ > 1 && first->rows > 0 && queue_.size() > 0) FillBatch(run, now_ns);
  if (tuner_ != nullptr && !tuner_lent_ && tuner_->wants_request() && first->rows > 0) {
    tuner_->UseRequest(first->inputs);
  }
  for (const Request* request : run.requests) {
    request->channel->host->MarkBegun(request->slot, request->id);
    stats_.CountQueued(now_ns - request->taken_ns);
  }
  if (run.terminated) run.context->Reset();
  run.terminated = false;
  run.began_ns = now_ns;
  stats_.BeginRun(run.worker, now_ns);
  ShowQueue();
  return true;
}

void Model::EndRun(ActiveRun& run, std::span<const Answered> answers, uint64_t took_ns) {
  const auto count = static_cast<uint32_t>(run.requests.size());
  expected_run_ns_ = Smooth(expected_run_ns_, took_ns);
  expected_request_ns_ = Smooth(expected_request_ns_, took_ns / count);
  queue_.SetExpectedRun(std::max<uint64_t>(expected_request_ns_, 1));
  for (uint32_t i = 0; i < count; ++i) {
    Request* request = run.requests[i];
    const Answered& answer = answers[i];
    if (i == 0 || answer.batch == 1) stats_.CountRun(answer.batch, answer.run_ns);
    if (answer.published && answer.status == layout::kOk) {
      stats_.CountSucceeded(answer.output_bytes);
    } else if (answer.published) {
      stats_.CountRefused(answer.status);
    }
    queue_.Settle(*request, answer.run_ns / answer.batch);
    if (request->sequence != nullptr) {
      EndTurn(*request, answer.published && answer.status == layout::kOk);
    }
    Recycle(request);
  }
  run.requests.clear();
  if (states_ != nullptr) ShowQueue();
  stats_.EndRun(run.worker, static_cast<uint32_t>(std::max(::sched_getcpu(), 0)));
  tuner_debt_ns_ -= std::min(tuner_debt_ns_, took_ns);
}

void Model::ShowQueue() {
  stats_.SetQueued(queue_.size() + held_);
  if (states_ != nullptr) stats_.SetSequences(sequences_.size(), sequences_.bytes());
}

void Model::StopBatching() {
  batch_limit_ = 1;
  stats_.SetBatch(layout::kBatchUnfit, 1);
}

}  // namespace mlos
