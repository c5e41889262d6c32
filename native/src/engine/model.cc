#include "engine/model.h"

#include <sched.h>
#include <sys/epoll.h>

#include <algorithm>

#include "base/clock.h"
#include "engine/monitor_event.h"

namespace mlos {
namespace {

/// From so long a run on (nanoseconds) waking a follower costs less than making others wait.
constexpr uint64_t kHandOverRunNs = 50'000;
/// From so long a run on the monitor takes in what arrives meanwhile.
constexpr uint64_t kLongRunNs = 1'000'000;

constexpr std::string_view kCancelledText = "The client cancelled the request.";
constexpr std::string_view kExpiredText = "The deadline passed before the answer was there.";
constexpr std::string_view kClosedText = "The channel was closed before the answer was there.";

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
      stats_(row) {}

void Model::Prepare(const ModelSignature& signature, std::unique_ptr<AutoTuner> tuner) {
  const std::lock_guard held(lock_);
  signature_ = &signature;
  plan_ = PlanBatches(signature);
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

void Model::RemoveChannel(ModelChannel& channel, layout::StatusCode code) {
  const std::lock_guard held(lock_);
  queue_.ForEach([&](Request* request) {
    if (request->channel.get() != &channel) return;
    queue_.Remove(request);
    Refuse(request, code, kClosedText);
  });
  for (ActiveRun* run : runs_) {
    for (Request* request : run->requests) {
      if (request->channel.get() == &channel) AnswerEarly(*request, code, kClosedText);
    }
    EndUnwantedRun(*run);
  }
  channels_->Remove(channel);
  stats_.SetChannels(static_cast<uint32_t>(channels_->list().size()));
  ShowQueue();
}

void Model::LookAtCancellations(const ModelChannel& channel) {
  const std::lock_guard held(lock_);
  const auto is_cancelled = [&](const Request& request) {
    return request.channel.get() == &channel &&
           request.channel->host->IsCancelled(request.slot, request.id);
  };
  queue_.ForEach([&](Request* request) {
    if (!is_cancelled(*request)) return;
    queue_.Remove(request);
    Refuse(request, layout::kCancelled, kCancelledText);
  });
  for (ActiveRun* run : runs_) {
    for (Request* request : run->requests) {
      if (is_cancelled(*request)) AnswerEarly(*request, layout::kCancelled, kCancelledText);
    }
    EndUnwantedRun(*run);
  }
  ShowQueue();
}

uint64_t Model::Expire(uint64_t now_ns) {
  const std::lock_guard held(lock_);
  uint64_t next = UINT64_MAX;
  const auto is_expired = [&](const Request& request) {
    if (request.deadline_ns == 0) return false;
    if (request.deadline_ns > now_ns) next = std::min(next, request.deadline_ns);
    return request.deadline_ns <= now_ns;
  };
  queue_.ForEach([&](Request* request) {
    if (!is_expired(*request)) return;
    queue_.Remove(request);
    Refuse(request, layout::kDeadlineExceeded, kExpiredText);
  });
  nearest_deadline_ns_ = next;
  for (ActiveRun* run : runs_) {
    for (Request* request : run->requests) {
      if (request->answered.load(std::memory_order_relaxed) || !is_expired(*request)) continue;
      AnswerEarly(*request, layout::kDeadlineExceeded, kExpiredText);
    }
    EndUnwantedRun(*run);
  }
  ShowQueue();
  return next;
}

void Model::Stop(layout::StatusCode code) {
  const std::lock_guard held(lock_);
  stopping_ = true;
  queue_.ForEach([&](Request* request) {
    queue_.Remove(request);
    Refuse(request, code, "The model is being unloaded.");
  });
  ShowQueue();
  channels_->Wake();
  followers_.notify_all();
}

void Model::MoveStats(layout::ModelStats* row) {
  const std::lock_guard held(lock_);
  stats_.MoveTo(row);
}

bool Model::Lead(uint32_t worker) {
  if (leader_ == kMonitor) {
    WatchFromMonitor(false);
    channels_->SetSleeping(false);
    leader_ = worker;
  } else if (leader_ == kNobody) {
    leader_ = worker;
  }
  return leader_ == worker;
}

void Model::PassOn(uint32_t worker) {
  const bool unknown = expected_run_ns_ == 0;
  const bool others_wait = queue_.size() > 0;
  const bool leads = leader_ == worker;
  if (idle_followers_ > 0) {
    if (leads && (others_wait || unknown || expected_run_ns_ > kHandOverRunNs)) leader_ = kNobody;
    if (leader_ == kNobody || others_wait) followers_.notify_one();
    return;
  }
  if (!leads || !(unknown || expected_run_ns_ > kLongRunNs)) return;
  leader_ = kMonitor;
  WatchFromMonitor(true);
  // What came before this is not rung for, and is taken now; what comes after it is.
  channels_->SetSleeping(true);
  TakeIn(MonotonicNanos());
}

void Model::WatchFromMonitor(bool watch) {
  epoll_event event{};
  event.events = watch ? static_cast<uint32_t>(EPOLLIN) : 0;
  event.data.u64 = MonitorEvent(MonitorEventKind::kModel, handle_);
  // Fails only where the descriptor is not registered, a bug of ours; then intake waits for the
  // run.
  ::epoll_ctl(around_.monitor_epoll, EPOLL_CTL_MOD, channels_->fd(), &event);
}

void Model::TakeInForMonitor() {
  const std::lock_guard held(lock_);
  if (leader_ != kMonitor) return;
  channels_->ForgetRings();
  channels_->SetSleeping(true);
  TakeIn(MonotonicNanos());
  // Each channel has had its visit; one that has more comes again, after the monitor's other work.
  if (channels_->HasEntries()) channels_->Wake();
}

void Model::WaitAsFollower(std::unique_lock<std::mutex>& held) {
  ++idle_followers_;
  followers_.wait(held);
  --idle_followers_;
}

uint64_t Model::ReadyAt() const {
  if (queue_.size() == 0) return UINT64_MAX;
  const uint64_t delay_ns = uint64_t{options_.batching.max_delay_us} * 1000;
  if (delay_ns == 0 || batch_limit_ <= 1 || queue_.rows() >= batch_limit_) return 0;
  const uint64_t full = queue_.OldestTakenNs() + delay_ns;
  if (nearest_deadline_ns_ == UINT64_MAX) return full;
  // Early enough to be done by then, if the run takes what runs took lately.
  const uint64_t needed = 2 * expected_run_ns_;
  return std::min(full, nearest_deadline_ns_ > needed ? nearest_deadline_ns_ - needed : 0);
}

bool Model::Dismiss(Request* request, uint64_t now_ns) {
  if (request->deadline_ns != 0 && request->deadline_ns <= now_ns) {
    queue_.Settle(*request, 0);
    Refuse(request, layout::kDeadlineExceeded, kExpiredText);
    return true;
  }
  if (request->channel->host->IsCancelled(request->slot, request->id)) {
    queue_.Settle(*request, 0);
    Refuse(request, layout::kCancelled, kCancelledText);
    return true;
  }
  return false;
}

void Model::FillBatch(ActiveRun& run, uint64_t now_ns) {
  const Request& first = *run.requests.front();
  uint64_t rows = first.rows;
  uint64_t bytes = first.input_bytes;
  const auto joins = [&](const Request& other) {
    return rows + other.rows <= batch_limit_ && bytes + other.input_bytes <= kMaxBatchBytes &&
           CanJoin(first, other);
  };
  while (rows < batch_limit_) {
    Request* request = queue_.TakeJoining(first, now_ns, joins);
    if (request == nullptr) return;
    if (Dismiss(request, now_ns)) continue;
    rows += request->rows;
    bytes += request->input_bytes;
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
    Recycle(request);
  }
  run.requests.clear();
  stats_.EndRun(run.worker, static_cast<uint32_t>(std::max(::sched_getcpu(), 0)));
  tuner_debt_ns_ -= std::min(tuner_debt_ns_, took_ns);
}

void Model::StopBatching() {
  batch_limit_ = 1;
  stats_.SetBatch(layout::kBatchUnfit, 1);
}

}  // namespace mlos
