#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <utility>

#include "base/clock.h"
#include "shm/client_channel.h"
#include "shm/client_channel_impl.h"
#include "shm/futex.h"
#include "shm/status_code.h"

namespace mlos {
namespace {

/// A futex says nothing when the process dies that should wake it, so a sleeper looks now and then
/// whether its peer is there: soon at first, then so seldom that it costs nothing.
constexpr uint64_t kFirstSliceNs = 10'000'000;
constexpr uint64_t kLongestSliceNs = 50'000'000;

}  // namespace

bool ClientChannel::Closed() const { return state() == layout::kClosed; }

layout::ChannelState ClientChannel::state() const {
  if (impl_->given_up || inherited()) return layout::kClosed;
  // Partner: the store in HostChannel::Close().
  const uint32_t state = impl_->response.control->state.load(std::memory_order_acquire);
  return state < layout::kClosed ? static_cast<layout::ChannelState>(state) : layout::kClosed;
}

bool ClientChannel::inherited() const { return impl_->forks != ForkCount(); }

layout::StatusCode ClientChannel::close_code() const {
  if (inherited()) return layout::kClientGone;
  if (impl_->given_up) return impl_->given_up_code;
  const uint32_t code = impl_->response.control->close_code.load(std::memory_order_relaxed);
  return IsStatus(code) ? static_cast<layout::StatusCode>(code) : layout::kInternal;
}

/// Gives up on a host that lies. Shutting the socket down tells it, and an event loop of ours.
void ClientChannel::Break(layout::StatusCode code) {
  impl_->broken = true;
  if (!Closed()) {
    impl_->given_up = true;
    impl_->given_up_code = code;
  }
  ::shutdown(impl_->files.socket.get(), SHUT_RDWR);
}

void ClientChannel::CheckPeer() {
  if (Closed()) return;
  // Not recv(): the bytes are wake-ups that an event loop still has to see.
  pollfd peer{.fd = impl_->files.socket.get(), .events = POLLRDHUP, .revents = 0};
  if (::poll(&peer, 1, 0) != 1) return;
  if ((peer.revents & (POLLRDHUP | POLLHUP | POLLERR | POLLNVAL)) == 0) return;
  // The host says why before it shuts the socket down, so what it said is there by now.
  if (Closed()) return;
  impl_->given_up = true;
  impl_->given_up_code = layout::kPluginCrashed;
}

ClientChannel::WaitResult ClientChannel::Wait(uint64_t deadline_ns) {
  Impl& my = *impl_;
  const auto ready = [&my] { return my.completions.HasNext(); };
  if (my.broken || inherited()) return WaitResult::kClosed;
  if (ready()) return WaitResult::kReady;
  if (Closed()) return WaitResult::kClosed;
  // Who was just woken may have been given this very CPU: spinning would keep it from it. And how
  // long a sleeper takes says nothing about one that is awake.
  if (std::exchange(my.rang, false)) return Sleep(deadline_ns);
  const uint64_t start = MonotonicNanos();
  uint64_t budget = my.spin.budget_ns();
  if (deadline_ns != 0) budget = std::min(budget, deadline_ns - std::min(deadline_ns, start));
  const WaitResult result = SpinUntil(budget, ready) ? WaitResult::kReady : Sleep(deadline_ns);
  if (result == WaitResult::kReady) my.spin.Learn(MonotonicNanos() - start);
  return result;
}

ClientChannel::WaitResult ClientChannel::Sleep(uint64_t deadline_ns) {
  Impl& my = *impl_;
  const std::atomic<uint32_t>& bell = my.response.control->completion_bell;
  std::optional<WaitResult> result;
  for (uint64_t slice = kFirstSliceNs; !result; slice = std::min(slice * 2, kLongestSliceNs)) {
    // S1 to S4 of sleep.h. Closing rings the bell too, so the state is looked at after S2 as well.
    my.sleeper.Announce(layout::kSleepsOnFutex);
    const uint32_t rung = bell.load(std::memory_order_acquire);
    const bool closed = Closed();
    const uint64_t now = MonotonicNanos();
    if (my.completions.HasNext()) {
      result = WaitResult::kReady;
    } else if (closed) {
      result = WaitResult::kClosed;
    } else if (deadline_ns != 0 && now >= deadline_ns) {
      result = WaitResult::kTimeout;
    } else {
      FutexWait(bell, rung, deadline_ns == 0 ? slice : std::min(slice, deadline_ns - now));
      if (!my.completions.HasNext()) CheckPeer();
    }
  }
  my.sleeper.Retract();
  return *result;
}

bool ClientChannel::SpinFor(uint32_t spin_us) {
  if (impl_->broken) return false;
  return SpinUntil(uint64_t{spin_us} * 1000, [this] { return impl_->completions.HasNext(); });
}

bool ClientChannel::ListenOnSocket() {
  if (impl_->broken || inherited()) return true;  // the socket says end of stream already
  impl_->sleeper.Announce(layout::kSleepsOnSocket);
  if (!impl_->completions.HasNext()) return true;
  impl_->sleeper.Retract();
  return false;
}

void ClientChannel::StopListening() {
  impl_->sleeper.Retract();
  std::array<std::byte, 64> bytes{};
  // One byte comes for each time that was listened; one that is late wakes the next one early.
  static_cast<void>(::recv(impl_->files.socket.get(), bytes.data(), bytes.size(), MSG_DONTWAIT));
}

}  // namespace mlos
