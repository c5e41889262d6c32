// Model's answers that come without a run or before its end.
#include <algorithm>
#include <string>

#include "base/clock.h"
#include "engine/model.h"

namespace mlos {
namespace {

constexpr std::string_view kCancelledText = "The client cancelled the request.";
constexpr std::string_view kExpiredText = "The deadline passed before the answer was there.";
constexpr std::string_view kClosedText = "The channel was closed before the answer was there.";
constexpr std::string_view kUnloadedText = "The model is being unloaded.";

}  // namespace

void Model::Refuse(Request* request, layout::StatusCode status, std::string_view text) {
  AnswerEarly(*request, status, text);
  if (request->sequence != nullptr) EndTurn(*request, false);
  Recycle(request);
}

bool Model::AnswerEarly(Request& request, layout::StatusCode status, std::string_view text) {
  if (request.answered.exchange(true, std::memory_order_acq_rel)) return false;
  stats_.CountRefused(status);
  if (status == layout::kClientGone) return true;
  std::string said(text);
  if (request.sequence != nullptr) said += kStateKept;
  // False where the channel has been closed meanwhile: then nobody waits for it.
  [[maybe_unused]] const bool published =
      request.channel->host->CompleteError(request.id, request.slot, status, said);
  return true;
}

void Model::AnswerRunning(const IsMeant& is_meant, layout::StatusCode status,
                          std::string_view text) {
  for (ActiveRun* run : runs_) {
    bool answered = false;
    for (Request* request : run->requests) {
      if (is_meant(*request)) answered = AnswerEarly(*request, status, text) || answered;
    }
    // A run whose answers are out already is not to be ended.
    if (answered) EndUnwantedRun(*run);
  }
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
  const auto is_of_it = [&](const Request& request) { return request.channel.get() == &channel; };
  RefuseAllHeld(is_of_it, {code, std::string(kClosedText)});
  queue_.ForEach([&](Request* request) {
    if (!is_of_it(*request)) return;
    queue_.Remove(request);
    Refuse(request, code, kClosedText);
  });
  AnswerRunning(is_of_it, code, kClosedText);
  ForgetSequencesOf(channel);
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
  RefuseAllHeld(is_cancelled, {layout::kCancelled, std::string(kCancelledText)});
  queue_.ForEach([&](Request* request) {
    if (!is_cancelled(*request)) return;
    queue_.Remove(request);
    Refuse(request, layout::kCancelled, kCancelledText);
  });
  AnswerRunning(is_cancelled, layout::kCancelled, kCancelledText);
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
  next = std::min(next, sequences_.Expire(now_ns));
  RefuseAllHeld(is_expired, {layout::kDeadlineExceeded, std::string(kExpiredText)});
  queue_.ForEach([&](Request* request) {
    if (!is_expired(*request)) {
      if (request->deadline_ns != 0) next_waiting = std::min(next_waiting, request->deadline_ns);
      return;
    }
    queue_.Remove(request);
    Refuse(request, layout::kDeadlineExceeded, kExpiredText);
  });
  nearest_deadline_ns_ = next_waiting;
  const auto is_late = [&](const Request& request) {
    return !request.answered.load(std::memory_order_relaxed) && is_expired(request);
  };
  AnswerRunning(is_late, layout::kDeadlineExceeded, kExpiredText);
  ShowQueue();
  return next;
}

void Model::Stop(layout::StatusCode code) {
  const std::lock_guard held(lock_);
  stopping_ = true;
  RefuseAllHeld([](const Request&) { return true; }, {code, std::string(kUnloadedText)});
  queue_.ForEach([&](Request* request) {
    queue_.Remove(request);
    Refuse(request, code, kUnloadedText);
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
