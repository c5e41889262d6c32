#include "engine/channel_set.h"

#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "base/clock.h"

namespace mlos {
namespace {

constexpr int kMaxEvents = 64;
constexpr uint64_t kNever = UINT64_MAX;

Status Watch(int epoll, int fd) {
  epoll_event event{};
  // Edge-triggered and never read: a client can neither drain the bell nor make a read block.
  event.events = EPOLLIN | EPOLLET;
  event.data.fd = fd;
  if (::epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) == 0) return {};
  return SystemError("epoll_ctl", errno, "cannot watch a bell");
}

}  // namespace

Result<std::unique_ptr<ChannelSet>> ChannelSet::Create() {
  UniqueFd epoll(::epoll_create1(EPOLL_CLOEXEC));
  if (!epoll.valid()) return SystemError("epoll_create1", errno, "cannot watch bells");
  UniqueFd wake(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!wake.valid()) return SystemError("eventfd", errno, "cannot watch bells");
  const Status watched = Watch(epoll.get(), wake.get());
  if (!watched.ok()) return watched.error();
  // make_unique cannot reach a private constructor.
  return std::unique_ptr<ChannelSet>(new ChannelSet(std::move(epoll), std::move(wake)));
}

Status ChannelSet::Add(std::shared_ptr<ModelChannel> channel) {
  const Status watched = Watch(epoll_.get(), channel->host->bell_fd());
  if (!watched.ok()) return watched;
  channel->host->SetHostSleeping(sleeping_);
  list_.push_back(std::move(channel));
  ++version_;
  return {};
}

void ChannelSet::Remove(const ModelChannel& channel) {
  const auto found = std::find_if(list_.begin(), list_.end(),
                                  [&](const auto& one) { return one.get() == &channel; });
  if (found == list_.end()) return;
  ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, channel.host->bell_fd(), nullptr);
  list_.erase(found);
  ++version_;
}

bool ChannelSet::HasEntries(const List& list) {
  return std::any_of(list.begin(), list.end(), [](const auto& channel) {
    // What a closed one has left is nobody's work any more.
    return channel->host->HasEntries() && !channel->host->closed();
  });
}

void ChannelSet::SetSleeping(bool sleeping) {
  sleeping_ = sleeping;
  for (const auto& channel : list_) channel->host->SetHostSleeping(sleeping);
}

void ChannelSet::Wake() {
  wakes_.fetch_add(1, std::memory_order_release);
  const uint64_t one = 1;
  // An eventfd takes 2^64-2 counts before a write could fail.
  [[maybe_unused]] const ssize_t written = ::write(wake_.get(), &one, sizeof one);
}

void ChannelSet::Sleep(uint64_t until_ns) {
  if (until_ns == kNever) {
    std::array<epoll_event, kMaxEvents> events{};
    ::epoll_wait(epoll_.get(), events.data(), kMaxEvents, -1);
    return;
  }
  const uint64_t now = MonotonicNanos();
  if (until_ns <= now) return;
  constexpr uint64_t kNanosPerSecond = 1'000'000'000;
  const uint64_t left = until_ns - now;
  timespec timeout{};
  timeout.tv_sec = static_cast<time_t>(left / kNanosPerSecond);
  timeout.tv_nsec = static_cast<long>(left % kNanosPerSecond);
  // epoll_wait counts in milliseconds, and epoll_pwait2 is missing on older kernels.
  pollfd waiting{.fd = epoll_.get(), .events = POLLIN, .revents = 0};
  if (::ppoll(&waiting, 1, &timeout, nullptr) > 0) ForgetRings();
}

void ChannelSet::ForgetRings() {
  std::array<epoll_event, kMaxEvents> events{};
  while (::epoll_wait(epoll_.get(), events.data(), kMaxEvents, 0) == kMaxEvents) {
  }
}

}  // namespace mlos
