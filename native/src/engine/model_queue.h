#ifndef MLOS_ENGINE_MODEL_QUEUE_H_
#define MLOS_ENGINE_MODEL_QUEUE_H_

#include <array>
#include <cstdint>
#include <vector>

#include "engine/request.h"

namespace mlos {

/// The requests that wait for one model. Pure: no clock, no lock, no channel.
///
/// 1. A more urgent class goes first. A class that has waited long without being served moves up
///    one class per `age step`, past realtime in the end: every class gets at least one batch in
///    (its number + 1) steps. What ages is the class, not the request, so that a backlog of batch
///    work does not overtake everything at once when it has grown old.
/// 2. Within a class the channel that has had the least run time goes first. A channel that comes
///    back after a pause starts level with the others: idling earns no credit.
/// 3. When the queue is full, the channel with the most waiting loses its newest request, the least
///    urgent class first: a flood pushes out itself, not others.
class ModelQueue {
 public:
  /// `max_waiting` and `max_per_channel` are at least 1.
  ModelQueue(uint32_t max_waiting, uint32_t max_per_channel);

  /// Queues `request` and returns nullptr, or returns the request that has no place: this one or
  /// one that was queued before (and is not any more).
  Request* Push(Request* request);

  /// Takes the next one; nullptr when nothing waits.
  Request* Take(uint64_t now_ns);

  /// Takes one more request that `joins(request)` allows, from the classes that may share a run
  /// with `first`: only realtime ones join a realtime one. Heads only, so that each channel stays
  /// in order.
  template <typename Joins>
  Request* TakeJoining(const Request& first, uint64_t now_ns, const Joins& joins) {
    const uint32_t least = first.priority == layout::kRealtime ? 1 : layout::kPriorities;
    for (uint32_t i = 0; i < least; ++i) {
      Flow* best = nullptr;
      for (Flow* flow : classes_[i].flows) {
        if (joins(*flow->first) && (best == nullptr || GoesBefore(*flow, *best))) best = flow;
      }
      if (best != nullptr) return Serve(i, *best, now_ns);
    }
    return nullptr;
  }

  /// Takes a waiting request out.
  void Remove(Request* request);

  /// Corrects what Take() charged by estimate: `run_ns` is the request's share of the run, 0 when
  /// it was not run.
  void Settle(const Request& request, uint64_t run_ns);

  /// What a row is expected to cost; of which the age step is made too.
  void SetExpectedRun(uint64_t run_ns) { expected_run_ns_ = run_ns; }

  /// Calls `visit(Request*)` for all that wait; it may Remove() the one it is given.
  template <typename Visit>
  void ForEach(const Visit& visit) {
    for (Class& one : classes_) {
      // Backwards: an emptied flow is replaced by the last, which has been visited.
      for (size_t i = one.flows.size(); i-- > 0;) {
        for (Request* request = one.flows[i]->first; request != nullptr;) {
          Request* const next = request->next;
          visit(request);
          request = next;
        }
      }
    }
  }

  /// When the request that waits longest (of the heads) was taken out of its ring; 0: none waits.
  uint64_t OldestTakenNs() const;
  uint32_t size() const { return size_; }
  uint64_t rows() const { return rows_; }
  uint32_t max_waiting() const { return max_waiting_; }
  uint32_t max_per_channel() const { return max_per_channel_; }

 private:
  struct Class {
    /// Those of which something waits.
    std::vector<Flow*> flows;
    /// Virtual time of the flow served last.
    int64_t clock_ns = 0;
    uint64_t served_ns = 0;
  };

  static bool GoesBefore(const Flow& a, const Flow& b);
  static Flow* Next(const Class& one);
  static Flow* Longest(const Class& one);
  int64_t Rank(uint32_t index, uint64_t now_ns) const;
  Request* Serve(uint32_t index, Flow& flow, uint64_t now_ns);
  void Unlink(Class& one, Flow& flow, Request* request);
  Request* Victim(const Request& arriving);

  const uint32_t max_waiting_;
  const uint32_t max_per_channel_;
  std::array<Class, layout::kPriorities> classes_;
  uint32_t size_ = 0;
  uint64_t rows_ = 0;
  uint64_t expected_run_ns_ = 0;
};

}  // namespace mlos

#endif  // MLOS_ENGINE_MODEL_QUEUE_H_
