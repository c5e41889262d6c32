#include "shm/host_channel.h"

#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <mutex>

#include "base/checked.h"
#include "shm/copy_in.h"
#include "shm/futex.h"
#include "shm/host_channel_impl.h"

namespace mlos {
HostChannel::HostChannel(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {
  impl_->sleeper.Announce(layout::kSleepsOnSocket);
}
HostChannel::~HostChannel() { Close(layout::kPluginUnavailable); }

Result<std::shared_ptr<HostChannel>> HostChannel::Open(uint64_t channel_id,
                                                       UniqueFd response_region, UniqueFd bell,
                                                       UniqueFd socket) {
  auto mapping = MapForWriting(response_region.get(), layout::kKindResponse);
  if (!mapping.ok()) return mapping.error();
  if (ChannelIdOf(*mapping.value()) != channel_id) {
    return CodedError("INVALID_REGION", "the response region belongs to another channel");
  }
  auto impl = std::make_unique<Impl>(channel_id, std::move(mapping).value(), std::move(bell),
                                     std::move(socket));
  return std::shared_ptr<HostChannel>(new HostChannel(std::move(impl)));
}

Status HostChannel::Activate(UniqueFd request_region) {
  auto mapping = MapForReading(request_region.get(), layout::kKindRequest);
  if (!mapping.ok()) return mapping.error();
  return Activate(std::move(mapping).value());
}

Status HostChannel::Activate(std::shared_ptr<Mapping> request_region) {
  if (ChannelIdOf(*request_region) != impl_->id) {
    return CodedError("INVALID_REGION", "the request region belongs to another channel");
  }
  const std::lock_guard lock(impl_->mutex);
  if (impl_->closed || impl_->active) {
    return CodedError("CHANNEL_CLOSED", "the channel is closed, or active already");
  }
  const RequestRegion request(*request_region);
  layout::ResponseControl& response = *impl_->response.control;
  impl_->request_mapping = std::move(request_region);
  impl_->request_control = request.control;
  impl_->request_arena = request.arena;
  impl_->requests.emplace(request.ring, request.control->request_tail, response.request_head);
  impl_->completions.emplace(impl_->response.ring, response.completion_tail,
                             request.control->completion_head);
  impl_->client_waker.emplace(request.control->client_sleeping);
  // Partner: the loads of `active` in HasEntries() and Take().
  impl_->active.store(true, std::memory_order_release);
  response.state.store(layout::kOpen, std::memory_order_release);
  return {};
}

std::shared_ptr<Mapping> HostChannel::response_mapping() const { return impl_->response_mapping; }
std::shared_ptr<Mapping> HostChannel::request_mapping() const { return impl_->request_mapping; }
uint64_t HostChannel::channel_id() const { return impl_->id; }
int HostChannel::bell_fd() const { return impl_->bell.get(); }
int HostChannel::socket_fd() const { return impl_->socket.get(); }
bool HostChannel::closed() const { return impl_->closed.load(std::memory_order_acquire); }

bool HostChannel::HasEntries() const {
  return impl_->active.load(std::memory_order_acquire) && impl_->requests->HasNext();
}

std::optional<layout::RequestEntry> HostChannel::Take() {
  if (!impl_->active.load(std::memory_order_acquire)) return std::nullopt;
  layout::RequestEntry entry{};
  while (!closed()) {
    const Impl::Requests::Found found = impl_->requests->Next(entry);
    if (found == Impl::Requests::Found::kNothing) break;
    const bool whole = found == Impl::Requests::Found::kEntry;
    if (whole && entry.kind == layout::kInfer && TakeSlot(entry)) return entry;
    if (whole && entry.kind == layout::kRelease && Release(entry.offset)) continue;
    Close(layout::kInvalidFrame);
  }
  return std::nullopt;
}

/// False when the slot is none or in use.
bool HostChannel::TakeSlot(const layout::RequestEntry& entry) {
  if (entry.slot >= layout::kSlots || entry.request_id == 0) return false;
  uint64_t none = 0;
  return impl_->id_in_slot[entry.slot].compare_exchange_strong(none, entry.request_id,
                                                               std::memory_order_relaxed);
}

/// False when no published answer begins at `offset`.
bool HostChannel::Release(uint64_t offset) {
  const std::lock_guard lock(impl_->mutex);
  if (impl_->TagOf(offset, kPublished) == nullptr) return false;
  impl_->FreeHeld(offset);
  return true;
}

Status HostChannel::Decode(const layout::RequestEntry& entry, CheckedRequest& request) {
  request.request_id = entry.request_id;
  request.slot = entry.slot;
  const std::span<const std::byte> arena = impl_->request_arena;
  if (entry.byte_length > kMaxDescriptorBytes || entry.offset % layout::kBlockAlignment != 0 ||
      !RangeFits(entry.offset, entry.byte_length, arena.size())) {
    return CodedError("INVALID_ARGUMENT", "the descriptor does not lie where it may");
  }
  const auto copy = std::span(impl_->scratch).first(entry.byte_length);
  CopyIn(copy.data(), arena.data() + entry.offset, copy.size());
  return DecodeRequest(copy, arena, request);
}

bool HostChannel::DrainSocket() {
  // A client that sends without end must not keep a thread here: the rest makes the socket ready
  // again.
  constexpr int kReadsAtOnce = 4;
  std::array<std::byte, 256> bytes{};
  for (int i = 0; i < kReadsAtOnce; ++i) {
    const ssize_t count = ::recv(impl_->socket.get(), bytes.data(), bytes.size(), MSG_DONTWAIT);
    if (count == 0) return false;
    if (count < 0) return errno == EAGAIN || errno == EINTR;
  }
  return true;
}

bool HostChannel::IsCancelled(uint32_t slot, uint64_t request_id) const {
  // Partner: the store in ClientChannel::Cancel().
  return slot < layout::kSlots && impl_->active.load(std::memory_order_acquire) &&
         impl_->request_control->cancelled[slot].load(std::memory_order_acquire) == request_id;
}

void HostChannel::MarkBegun(uint32_t slot, uint64_t request_id) {
  if (slot >= layout::kSlots) return;
  // Partner: the load in ClientChannel::WasBegun().
  impl_->response.control->begun[slot].store(request_id, std::memory_order_release);
}

void HostChannel::SetHostSleeping(bool sleeping) {
  if (sleeping) {
    impl_->sleeper.Announce(layout::kSleepsOnSocket);
  } else {
    impl_->sleeper.Retract();
  }
}

void HostChannel::Close(layout::StatusCode code) {
  {
    const std::lock_guard lock(impl_->mutex);
    if (impl_->closed.exchange(true)) return;
    layout::ResponseControl& response = *impl_->response.control;
    response.close_code.store(code, std::memory_order_relaxed);
    // Partner: the load in ClientChannel::state(), which the close code comes with.
    response.state.store(layout::kClosed, std::memory_order_release);
    impl_->RingFutex();
  }
  FutexWakeAll(impl_->response.control->completion_bell);
  ::shutdown(impl_->socket.get(), SHUT_RDWR);
}

}  // namespace mlos
