#include "base/readiness_watcher.h"

#include <fcntl.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <system_error>

#include "base/block_signals.h"

namespace mlos {
namespace {

constexpr uint64_t kStopId = 0;
constexpr int kMaxEvents = 32;

Status Arm(int epoll, int fd, uint64_t id, uint32_t events) {
  epoll_event event{};
  event.events = events;
  event.data.u64 = id;
  if (::epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) != 0) {
    return SystemError("epoll_ctl", errno, "cannot watch descriptor " + std::to_string(fd));
  }
  return {};
}

}  // namespace

Result<std::unique_ptr<ReadinessWatcher>> ReadinessWatcher::Start(std::function<void()> notify) {
  UniqueFd epoll(::epoll_create1(EPOLL_CLOEXEC));
  if (!epoll.valid()) return SystemError("epoll_create1", errno, "cannot start a watcher");
  UniqueFd stop(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!stop.valid()) return SystemError("eventfd", errno, "cannot start a watcher");
  const Status armed = Arm(epoll.get(), stop.get(), kStopId, EPOLLIN);
  if (!armed.ok()) return armed.error();

  // make_unique cannot reach a private constructor.
  std::unique_ptr<ReadinessWatcher> watcher(
      new ReadinessWatcher(std::move(epoll), std::move(stop), std::move(notify)));
  const BlockAllSignals blocked;
  try {
    watcher->thread_ = std::thread([self = watcher.get()] { self->Run(); });
  } catch (const std::system_error& failure) {
    return SystemError("pthread_create", failure.code().value(), "cannot start a watcher");
  }
  return watcher;
}

ReadinessWatcher::ReadinessWatcher(UniqueFd epoll, UniqueFd stop, std::function<void()> notify)
    : epoll_(std::move(epoll)), stop_(std::move(stop)), notify_(std::move(notify)) {}

ReadinessWatcher::~ReadinessWatcher() {
  if (!thread_.joinable()) return;
  const uint64_t one = 1;
  // An eventfd takes 2^64-2 counts before a write could fail.
  [[maybe_unused]] const ssize_t written = ::write(stop_.get(), &one, sizeof one);
  thread_.join();
}

Result<uint64_t> ReadinessWatcher::Add(int fd) {
  UniqueFd copy(::fcntl(fd, F_DUPFD_CLOEXEC, 0));
  if (!copy.valid()) {
    return SystemError("fcntl", errno, "cannot duplicate descriptor " + std::to_string(fd));
  }
  const std::lock_guard lock(mutex_);
  const uint64_t id = next_id_++;
  // Under the lock: the thread may see the event before the map has the watch.
  const Status armed = Arm(epoll_.get(), copy.get(), id, EPOLLIN | EPOLLONESHOT);
  if (!armed.ok()) return armed.error();
  watched_.emplace(id, std::move(copy));
  return id;
}

void ReadinessWatcher::Remove(uint64_t id) {
  const std::lock_guard lock(mutex_);
  const auto found = watched_.find(id);
  if (found != watched_.end()) {
    // Closing is not enough: epoll follows the open file, which the caller's descriptor shares.
    ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, found->second.get(), nullptr);
    watched_.erase(found);
  }
  fired_.erase(std::remove(fired_.begin(), fired_.end(), id), fired_.end());  // rule 4
}

std::vector<uint64_t> ReadinessWatcher::TakeFired() {
  const std::lock_guard lock(mutex_);
  return std::exchange(fired_, {});
}

bool ReadinessWatcher::Fire(uint64_t id) {
  const std::lock_guard lock(mutex_);
  const auto found = watched_.find(id);
  if (found == watched_.end()) return false;
  ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, found->second.get(), nullptr);
  watched_.erase(found);  // rule 1
  fired_.push_back(id);
  return true;
}

void ReadinessWatcher::Run() {
  ::pthread_setname_np(::pthread_self(), "mlos-watcher");
  std::array<epoll_event, kMaxEvents> events{};
  for (;;) {
    const int count = ::epoll_wait(epoll_.get(), events.data(), kMaxEvents, -1);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return;  // only a broken epoll descriptor, a bug of ours, leads here
    bool any = false;
    for (size_t i = 0; i < static_cast<size_t>(count); ++i) {
      if (events.at(i).data.u64 == kStopId) return;
      any = Fire(events.at(i).data.u64) || any;
    }
    // Outside the lock, so that `notify` may take locks of its own.
    if (any) notify_();
  }
}

}  // namespace mlos
