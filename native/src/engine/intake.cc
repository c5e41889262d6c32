// Model's intake: from the rings into the queue, and the requests' memory.
#include <algorithm>

#include "engine/model.h"
#include "engine/request_check.h"
#include "shm/status_code.h"

namespace mlos {
namespace {

/// Entries that one channel may hand in before the next one has its turn.
constexpr int kEntriesPerVisit = 64;
/// After a joined or long run a tuner's step may follow that cost a ninth of what was served since.
constexpr uint64_t kTunerShare = 9;

std::string QueueIsFull(const ModelQueue& queue) {
  return "The model's queue is full: at most " + std::to_string(queue.max_waiting()) +
         " requests wait, of one client at most " + std::to_string(queue.max_per_channel()) + ".";
}

}  // namespace

void Model::TakeIn(uint64_t now_ns) {
  const ChannelSet::List& list = channels_->list();
  if (list.empty() || stopping_) return;
  // Each pass begins with another channel, so that none is always first in an empty queue.
  if (++first_visited_ >= list.size()) first_visited_ = 0;
  bool any = false;
  for (size_t i = first_visited_; i < list.size(); ++i) any = TakeInFrom(list[i], now_ns) || any;
  for (size_t i = 0; i < first_visited_; ++i) any = TakeInFrom(list[i], now_ns) || any;
  if (any) ShowQueue();
}

bool Model::TakeInFrom(const std::shared_ptr<ModelChannel>& channel, uint64_t now_ns) {
  HostChannel& host = *channel->host;
  if (!host.HasEntries()) return false;
  for (int i = 0; i < kEntriesPerVisit; ++i) {
    const std::optional<layout::RequestEntry> entry = host.Take();
    if (!entry) return i > 0;
    Accept(channel, *entry, now_ns);
  }
  return true;
}

void Model::Accept(const std::shared_ptr<ModelChannel>& channel, const layout::RequestEntry& entry,
                   uint64_t now_ns) {
  Request* request = NewRequest();
  request->channel = channel;
  request->waiting = &channel->waiting;
  request->id = entry.request_id;
  request->slot = entry.slot;
  request->taken_ns = now_ns;
  request->input_bytes = 0;
  const Status decoded = channel->host->Decode(entry, checked_);
  if (!decoded.ok()) {
    stats_.CountTaken(0);
    return Refuse(request, StatusOfName(decoded.error().code), decoded.error().message);
  }
  request->deadline_ns = checked_.deadline_ns;
  request->priority = std::max(checked_.priority, channel->most_urgent);
  const auto error = CheckAgainstSignature(*signature_, checked_.inputs, checked_.wanted, *request);
  stats_.CountTaken(request->input_bytes);
  if (error) return Refuse(request, error->status, error->text);
  request->rows = RowsOf(plan_, *signature_, *request);
  if (plan_.has_singles) KeepSingles(*signature_, *request);
  if (JoinSequence(request)) Enqueue(request);
}

void Model::Enqueue(Request* request) {
  MindDeadline(*request);
  if (Request* dropped = queue_.Push(request)) {
    Refuse(dropped, layout::kTooManyRequests, QueueIsFull(queue_));
  }
}

void Model::MindDeadline(const Request& request) {
  if (request.deadline_ns == 0) return;
  nearest_deadline_ns_ = std::min(nearest_deadline_ns_, request.deadline_ns);
  around_.alarm.SetAtMost(request.deadline_ns);
}

Request* Model::NewRequest() {
  if (free_.empty()) {
    requests_.push_back(std::make_unique<Request>());
    return requests_.back().get();
  }
  Request* request = free_.back();
  free_.pop_back();
  return request;
}

void Model::Recycle(Request* request) {
  request->channel.reset();
  request->waiting = nullptr;
  request->rows = 0;
  request->deadline_ns = 0;
  request->charged_ns = 0;
  request->sequence = nullptr;
  request->state_bytes = 0;
  request->answered.store(false, std::memory_order_relaxed);
  free_.push_back(request);
}

AutoTuner* Model::BorrowTuner() {
  if (tuner_ == nullptr || tuner_lent_ || !tuner_->can_step()) return nullptr;
  // While requests wait, measuring takes its turn only now and then.
  if (queue_.size() > 0 && tuner_debt_ns_ > 0) return nullptr;
  tuner_lent_ = true;
  return tuner_.get();
}

void Model::PutTuner(uint64_t took_ns) {
  tuner_lent_ = false;
  tuner_debt_ns_ = kTunerShare * took_ns;
  if (!tuner_->done()) return;
  batch_limit_ = tuner_->batch_limit();
  stats_.SetBatch(tuner_->verdict(), batch_limit_);
  tuner_.reset();
}

}  // namespace mlos
