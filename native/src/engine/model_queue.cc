#include "engine/model_queue.h"

#include <algorithm>

namespace mlos {
namespace {

/// Shortest time in which a class that waits moves up by one.
constexpr uint64_t kMinAgeStepNs = 100'000'000;
/// With runs that are long, steps of so many runs: what ages gets a few percent of the time.
constexpr uint64_t kAgeStepRuns = 10;
/// What a run is taken to cost before anything is known, so that turns are taken by request.
constexpr uint64_t kUnknownRunNs = 1000;

}  // namespace

ModelQueue::ModelQueue(uint32_t max_waiting, uint32_t max_per_channel)
    : max_waiting_(max_waiting), max_per_channel_(max_per_channel) {}

bool ModelQueue::GoesBefore(const Flow& a, const Flow& b) {
  if (a.virtual_ns != b.virtual_ns) return a.virtual_ns < b.virtual_ns;
  return a.first->taken_ns < b.first->taken_ns;
}

Flow* ModelQueue::Next(const Class& one) {
  Flow* best = nullptr;
  for (Flow* flow : one.flows) {
    if (best == nullptr || GoesBefore(*flow, *best)) best = flow;
  }
  return best;
}

Flow* ModelQueue::Longest(const Class& one) {
  Flow* longest = nullptr;
  for (Flow* flow : one.flows) {
    if (longest == nullptr || flow->length > longest->length) longest = flow;
  }
  return longest;
}

Request* ModelQueue::Victim(const Request& arriving) {
  const auto own = static_cast<uint32_t>(arriving.priority);
  for (uint32_t i = layout::kPriorities; i-- > own + 1;) {
    if (Flow* flow = Longest(classes_[i])) return flow->last;
  }
  const Flow* flow = Longest(classes_[own]);
  // Alone among more urgent ones, or itself the longest: the newcomer has no place.
  if (flow == nullptr || flow->length <= arriving.waiting->flows[own].length + 1) return nullptr;
  return flow->last;
}

Request* ModelQueue::Push(Request* request) {
  if (request->waiting->length >= max_per_channel_) return request;
  Request* victim = nullptr;
  if (size_ >= max_waiting_) {
    victim = Victim(*request);  // rule 3
    if (victim == nullptr) return request;
    Remove(victim);
  }
  Class& one = classes_[request->priority];
  Flow& flow = request->waiting->flows[request->priority];
  if (flow.first == nullptr) {
    flow.position = static_cast<uint32_t>(one.flows.size());
    one.flows.push_back(&flow);
    flow.virtual_ns = std::max(flow.virtual_ns, one.clock_ns);  // rule 2
  }
  request->previous = flow.last;
  request->next = nullptr;
  (flow.last == nullptr ? flow.first : flow.last->next) = request;
  flow.last = request;
  request->queued = true;
  ++flow.length;
  ++request->waiting->length;
  ++size_;
  rows_ += std::max<uint64_t>(request->rows, 1);
  return victim;
}

int64_t ModelQueue::Rank(uint32_t index, uint64_t now_ns) const {
  const Class& one = classes_[index];
  uint64_t since = UINT64_MAX;
  for (const Flow* flow : one.flows) since = std::min(since, flow->first->taken_ns);
  since = std::max(since, one.served_ns);
  const uint64_t waited = now_ns > since ? now_ns - since : 0;
  const uint64_t step = std::max(kMinAgeStepNs, kAgeStepRuns * expected_run_ns_);
  return static_cast<int64_t>(index) - static_cast<int64_t>(waited / step);
}

Request* ModelQueue::Take(uint64_t now_ns) {
  uint32_t best = layout::kPriorities;
  uint32_t waiting = 0;
  for (uint32_t i = layout::kPriorities; i-- > 0;) {
    if (classes_[i].flows.empty()) continue;
    best = i;
    ++waiting;
  }
  if (best == layout::kPriorities) return nullptr;
  if (waiting > 1) {  // rule 1
    int64_t best_rank = Rank(best, now_ns);
    for (uint32_t i = best + 1; i < layout::kPriorities; ++i) {
      if (classes_[i].flows.empty()) continue;
      const int64_t rank = Rank(i, now_ns);
      if (rank < best_rank) {
        best = i;
        best_rank = rank;
      }
    }
  }
  return Serve(best, *Next(classes_[best]), now_ns);
}

Request* ModelQueue::Serve(uint32_t index, Flow& flow, uint64_t now_ns) {
  Class& one = classes_[index];
  Request* const request = flow.first;
  const uint64_t run = expected_run_ns_ == 0 ? kUnknownRunNs : expected_run_ns_;
  request->charged_ns = static_cast<int64_t>(run);
  one.clock_ns = std::max(one.clock_ns, flow.virtual_ns);
  one.served_ns = now_ns;
  flow.virtual_ns += request->charged_ns;
  Unlink(one, flow, request);
  return request;
}

void ModelQueue::Settle(const Request& request, uint64_t run_ns) {
  Flow& flow = request.waiting->flows[request.priority];
  flow.virtual_ns += static_cast<int64_t>(run_ns) - request.charged_ns;
}

void ModelQueue::Remove(Request* request) {
  Unlink(classes_[request->priority], request->waiting->flows[request->priority], request);
}

void ModelQueue::Unlink(Class& one, Flow& flow, Request* request) {
  (request->previous == nullptr ? flow.first : request->previous->next) = request->next;
  (request->next == nullptr ? flow.last : request->next->previous) = request->previous;
  request->previous = nullptr;
  request->next = nullptr;
  request->queued = false;
  --flow.length;
  --request->waiting->length;
  --size_;
  rows_ -= std::max<uint64_t>(request->rows, 1);
  if (flow.first != nullptr) return;
  one.flows.back()->position = flow.position;
  one.flows[flow.position] = one.flows.back();
  one.flows.pop_back();
  flow.position = Flow::kNowhere;
}

uint64_t ModelQueue::OldestTakenNs() const {
  uint64_t oldest = 0;
  for (const Class& one : classes_) {
    for (const Flow* flow : one.flows) {
      const uint64_t taken = flow->first->taken_ns;
      if (oldest == 0 || taken < oldest) oldest = taken;
    }
  }
  return oldest;
}

}  // namespace mlos
