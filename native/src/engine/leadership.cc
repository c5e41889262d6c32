// Model's leadership: who takes in what the rings have.
#include <sys/epoll.h>

#include "base/clock.h"
#include "engine/model.h"
#include "engine/monitor_event.h"

namespace mlos {
namespace {

/// From so long a run on (nanoseconds) waking a follower costs less than making others wait.
constexpr uint64_t kHandOverRunNs = 50'000;
/// From so long a run on the monitor takes in what arrives meanwhile.
constexpr uint64_t kLongRunNs = 1'000'000;
/// So long after its beginning a run that was expected to be short costs its worker the leadership.
/// The alarm for it goes off at most once in this time, however many runs there are.
constexpr uint64_t kRescueNs = 20'000'000;

}  // namespace

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
  const bool has_follower = idle_followers_ > 0;
  if (leader_ != worker) {
    if (has_follower && (others_wait || leader_ == kNobody)) followers_.notify_one();
    return;
  }
  if (has_follower && (others_wait || unknown || expected_run_ns_ > kHandOverRunNs)) {
    leader_ = kNobody;
    followers_.notify_one();
    return;
  }
  if (!has_follower && (unknown || expected_run_ns_ > kLongRunNs)) return GiveToMonitor();
  const ActiveRun& run = *runs_[worker];
  if (!run.requests.empty()) around_.alarm.SetAtMost(run.began_ns + kRescueNs);
}

void Model::GiveToMonitor() {
  leader_ = kMonitor;
  WatchFromMonitor(true);
  // What came before this is not rung for, and is taken now; what comes after it is.
  channels_->SetSleeping(true);
  TakeIn(MonotonicNanos());
}

/// Returns when to look again; UINT64_MAX: no need.
uint64_t Model::RescueIntake(uint64_t now_ns) {
  if (leader_ >= runs_.size() || runs_[leader_]->requests.empty()) return UINT64_MAX;
  const uint64_t due = runs_[leader_]->began_ns + kRescueNs;
  if (due > now_ns) return due;
  if (idle_followers_ > 0) {
    leader_ = kNobody;
    followers_.notify_one();
  } else {
    GiveToMonitor();
  }
  return UINT64_MAX;
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

}  // namespace mlos
