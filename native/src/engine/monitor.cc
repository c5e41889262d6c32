#include "engine/monitor.h"

#include <pthread.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <system_error>

#include "base/block_signals.h"
#include "base/clock.h"
#include "engine/monitor_event.h"

namespace mlos {
namespace {

constexpr int kMonitorEvents = 64;

}  // namespace

Status Monitor::Watch(int fd, uint64_t event, uint32_t events) const {
  epoll_event wanted{};
  wanted.events = events;
  wanted.data.u64 = event;
  if (::epoll_ctl(epoll(), EPOLL_CTL_ADD, fd, &wanted) == 0) return {};
  return SystemError("epoll_ctl", errno, "cannot watch a descriptor");
}

Result<std::unique_ptr<Monitor>> Monitor::Start(Parts parts) {
  UniqueFd stop(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!stop.valid()) return SystemError("eventfd", errno, "cannot start the monitor");
  const int control = parts.control == nullptr ? -1 : parts.control->fd();
  // make_unique cannot reach a private constructor.
  std::unique_ptr<Monitor> monitor(new Monitor(std::move(parts), std::move(stop)));
  Status watched =
      monitor->Watch(monitor->stop_.get(), MonitorEvent(MonitorEventKind::kStop, 0), EPOLLIN);
  if (watched.ok()) {
    watched = monitor->Watch(monitor->parts_.alarm->fd(), MonitorEvent(MonitorEventKind::kAlarm, 0),
                             EPOLLIN);
  }
  if (watched.ok() && control >= 0) {
    watched = monitor->Watch(control, MonitorEvent(MonitorEventKind::kControl, 0), EPOLLIN);
  }
  if (!watched.ok()) return watched.error();
  const BlockAllSignals blocked;
  try {
    monitor->thread_ = std::thread([self = monitor.get()] { self->Main(); });
  } catch (const std::system_error& failure) {
    return SystemError("pthread_create", failure.code().value(), "cannot start the monitor");
  }
  return monitor;
}

Monitor::~Monitor() {
  if (!thread_.joinable()) return;
  const uint64_t one = 1;
  // An eventfd takes 2^64-2 counts before a write could fail.
  [[maybe_unused]] const ssize_t written = ::write(stop_.get(), &one, sizeof one);
  thread_.join();
}

void Monitor::Main() {
  ::pthread_setname_np(::pthread_self(), "mlos-monitor");
  std::array<epoll_event, kMonitorEvents> events{};
  for (;;) {
    const int count = ::epoll_wait(epoll(), events.data(), kMonitorEvents, -1);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return;  // only a broken epoll descriptor, a bug of ours, leads here
    for (size_t i = 0; i < static_cast<size_t>(count); ++i) {
      if (!Handle(events.at(i).data.u64)) return;
    }
  }
}

bool Monitor::Handle(uint64_t event) {
  const uint64_t id = IdOf(event);
  switch (KindOf(event)) {
    case MonitorEventKind::kStop:
      return false;
    case MonitorEventKind::kControl:
      ServeControl();
      break;
    case MonitorEventKind::kAlarm:
      parts_.alarm->Acknowledge();
      LookAtDeadlines();
      break;
    case MonitorEventKind::kModel:
      if (const ModelTable::Entry model = parts_.models->Find(static_cast<uint32_t>(id))) {
        model->model().TakeInForMonitor();
      }
      break;
    case MonitorEventKind::kChannel:
      if (parts_.channels->LookAtSocket(id) && parts_.control != nullptr) {
        parts_.control->SayChannelGone(id);
        ServeControl();
      }
      break;
  }
  return true;
}

void Monitor::LookAtDeadlines() {
  const uint64_t now = MonotonicNanos();
  uint64_t next = UINT64_MAX;
  for (const ModelTable::Entry& model : parts_.models->All()) {
    next = std::min(next, model->model().Expire(now));
  }
  if (next != UINT64_MAX) parts_.alarm->SetAtMost(next);
}

void Monitor::ServeControl() {
  ControlLink* control = parts_.control.get();
  if (control == nullptr) return;
  if (!control->Flush() || !control->TakeMessages()) return DropControl();
  epoll_event wanted{};
  // What cannot be sent goes before what could be taken.
  wanted.events = control->has_unsent() ? static_cast<uint32_t>(EPOLLOUT) : EPOLLIN;
  wanted.data.u64 = MonitorEvent(MonitorEventKind::kControl, 0);
  ::epoll_ctl(epoll(), EPOLL_CTL_MOD, control->fd(), &wanted);
}

void Monitor::DropControl() {
  // The daemon is gone, and with it whoever could ask for channels or speak for their clients.
  ::epoll_ctl(epoll(), EPOLL_CTL_DEL, parts_.control->fd(), nullptr);
  parts_.control.reset();
  parts_.channels->CloseAll(layout::kPluginUnavailable);
}

}  // namespace mlos
