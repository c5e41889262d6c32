// Model's answers that come without a run or before its end.
#include <algorithm>

#include "base/clock.h"
#include "engine/model.h"

namespace mlos {
namespace {

constexpr std::string_view kCancelledText = "The client cancelled the request.";
constexpr std::string_view kExpiredText = "The deadline passed before the answer was there.";
constexpr std::string_view kClosedText = "The channel was closed before the answer was there.";

}  // namespace

void Model::Refuse(Request* request, layout::StatusCode status, std::string_view text) {
  AnswerEarly(*request, status, text);
  Recycle(request);
}

void Model::AnswerEarly(Request& request, layout::StatusCode status, std::string_view text) {
  if (request.answered.exchange(true, std::memory_order_acq_rel)) return;
  stats_.CountRefused(status);
  if (status == layout::kClientGone) return;
  // False where the channel has been closed meanwhile: then nobody waits for it.
  [[maybe_unused]] const bool published =
      request.channel->host->CompleteError(request.id, request.slot, status, text);
}

void Model::EndUnwantedRun(ActiveRun& run) {
  if (run.requests.empty() || run.terminated) return;
  const bool wanted = std::any_of(
      run.requests.begin(), run.requests.end(),
      [](const Request* request) { return !request->answered.load(std::memory_order_relaxed); });
  if (wanted) return;
  run.terminated = true;
  stats_.AskTerminate(run.worker, MonotonicNanos());
  run.context->Terminate();
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
  uint64_t next = RescueIntake(now_ns);
  uint64_t next_waiting = UINT64_MAX;
  const auto is_expired = [&](const Request& request) {
    if (request.deadline_ns == 0) return false;
    if (request.deadline_ns > now_ns) next = std::min(next, request.deadline_ns);
    return request.deadline_ns <= now_ns;
  };
  queue_.ForEach([&](Request* request) {
    if (!is_expired(*request)) {
      if (request->deadline_ns != 0) next_waiting = std::min(next_waiting, request->deadline_ns);
      return;
    }
    queue_.Remove(request);
    Refuse(request, layout::kDeadlineExceeded, kExpiredText);
  });
  nearest_deadline_ns_ = next_waiting;
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

}  // namespace mlos
