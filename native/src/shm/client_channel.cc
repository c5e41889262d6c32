#include "shm/client_channel.h"

#include <sys/socket.h>
#include <unistd.h>

#include "base/checked.h"
#include "shm/client_channel_impl.h"
#include "shm/copy_in.h"
#include "shm/status_code.h"

namespace mlos {
namespace {

/// One more on an eventfd that never blocks. EAGAIN means that its count is at the end, which is as
/// good as a ring.
void Ring(int bell) {
  const uint64_t one = 1;
  static_cast<void>(!::write(bell, &one, sizeof one));
}

/// Copies an answer's descriptor into `scratch`, each byte once; nothing when the answer is too
/// short for it.
std::span<const std::byte> CopyDescriptor(std::span<const std::byte> answer,
                                          std::span<std::byte, kMaxDescriptorBytes> scratch) {
  layout::ResultDescriptor fixed{};
  if (answer.size() < sizeof fixed) return {};
  CopyIn(&fixed, answer.data(), sizeof fixed);
  if (fixed.output_count > layout::kMaxTensors) return {};
  const uint64_t bytes = DescriptorBytes(fixed.output_count);
  if (answer.size() < bytes) return {};
  std::memcpy(scratch.data(), &fixed, sizeof fixed);
  CopyIn(scratch.data() + sizeof fixed, answer.data() + sizeof fixed, bytes - sizeof fixed);
  return scratch.first(bytes);
}

}  // namespace

ClientChannel::Impl::Impl(ChannelMemory mapped, Files opened, uint32_t spin_us)
    : memory(std::move(mapped)),
      files(std::move(opened)),
      request(*memory.request),
      response(*memory.response),
      requests(request.ring, request.control->request_tail, response.control->request_head),
      completions(response.ring, response.control->completion_tail,
                  request.control->completion_head),
      arena(request.arena.size()),
      sleeper(request.control->client_sleeping),
      host_waker(response.control->host_sleeping),
      spin(uint64_t{spin_us} * 1000) {
  for (uint32_t i = 0; i < layout::kSlots; ++i) {
    free_slots[i] = static_cast<uint8_t>(layout::kSlots - 1 - i);
  }
}

ClientChannel::ClientChannel(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
ClientChannel::~ClientChannel() = default;

Result<std::unique_ptr<ClientChannel>> ClientChannel::Open(Files files, uint32_t spin_us) {
  auto response = MapForReading(files.response_region.get(), layout::kKindResponse);
  if (!response.ok()) return response.error();
  auto request = MapForWriting(files.request_region.get(), layout::kKindRequest);
  if (!request.ok()) return request.error();
  if (ChannelIdOf(*request.value()) != ChannelIdOf(*response.value())) {
    return CodedError("INVALID_REGION", "the two regions belong to different channels");
  }
  return OnMemory({std::move(request).value(), std::move(response).value()}, std::move(files),
                  spin_us);
}

std::unique_ptr<ClientChannel> ClientChannel::OnMemory(ChannelMemory memory, Files files,
                                                       uint32_t spin_us) {
  auto impl = std::make_unique<Impl>(std::move(memory), std::move(files), spin_us);
  return std::unique_ptr<ClientChannel>(new ClientChannel(std::move(impl)));
}

int ClientChannel::request_region_fd() const { return impl_->files.request_region.get(); }
int ClientChannel::response_region_fd() const { return impl_->files.response_region.get(); }
int ClientChannel::socket_fd() const { return impl_->files.socket.get(); }
std::span<std::byte> ClientChannel::request_arena() { return impl_->request.arena; }
std::span<const std::byte> ClientChannel::response_arena() const { return impl_->response.arena; }
const std::shared_ptr<Mapping>& ClientChannel::request_mapping() const {
  return impl_->memory.request;
}
const std::shared_ptr<Mapping>& ClientChannel::response_mapping() const {
  return impl_->memory.response;
}

std::optional<Block> ClientChannel::Allocate(uint64_t byte_length) {
  return impl_->arena.Allocate(byte_length);
}

void ClientChannel::Free(const Block& block) { impl_->arena.Free(block.offset); }

Result<uint64_t> ClientChannel::Submit(const Block& block, uint64_t descriptor_bytes) {
  Impl& my = *impl_;
  const std::optional<uint64_t> size = my.arena.SizeOf(block.offset);
  if (!size || descriptor_bytes > *size) {
    return CodedError("INVALID_ARGUMENT", "the request does not lie in a block of the arena");
  }
  if (Closed()) return CodedError("CHANNEL_CLOSED", "the channel is closed");
  if (my.free_slot_count == 0) {
    return CodedError("TOO_MANY_REQUESTS", "256 requests of this channel are unanswered");
  }
  const uint32_t slot = my.free_slots[my.free_slot_count - 1];
  const uint64_t id = (my.last_count += kIdStep) | slot;
  const layout::RequestEntry entry{.kind = layout::kInfer,
                                   .slot = slot,
                                   .request_id = id,
                                   .offset = block.offset,
                                   .byte_length = descriptor_bytes,
                                   .reserved = {}};
  if (!my.requests.Push(entry)) {
    // An honest host has room for every slot and every answer held.
    Break(layout::kInvalidFrame);
    return CodedError("CHANNEL_CLOSED", "the host claims that the ring is full, which cannot be");
  }
  --my.free_slot_count;
  my.id_in_slot[slot] = id;
  if (my.host_waker.Ask() != layout::kAwake) {
    Ring(my.files.bell.get());
    my.rang = true;
  }
  return id;
}

std::optional<uint32_t> ClientChannel::SlotOf(uint64_t request_id) const {
  const auto slot = static_cast<uint32_t>(request_id & kSlotMask);
  if (request_id == 0 || impl_->id_in_slot[slot] != request_id) return std::nullopt;
  return slot;
}

void ClientChannel::Cancel(uint64_t request_id) {
  const std::optional<uint32_t> slot = SlotOf(request_id);
  if (!slot || inherited()) return;
  // Partner: HostChannel::IsCancelled(). The word says it all, so nothing else is ordered by it.
  impl_->request.control->cancelled[*slot].store(request_id, std::memory_order_release);
  const char byte = 0;
  // A full buffer holds a byte that has not been seen: good enough.
  static_cast<void>(
      ::send(impl_->files.socket.get(), &byte, sizeof byte, MSG_DONTWAIT | MSG_NOSIGNAL));
}

bool ClientChannel::PollInto(Completion& completion) {
  Impl& my = *impl_;
  if (my.broken || inherited()) return false;
  layout::CompletionEntry entry{};
  switch (my.completions.Next(entry)) {
    case RingReader<layout::CompletionEntry>::Found::kNothing:
      return false;
    case RingReader<layout::CompletionEntry>::Found::kEntry:
      if (Accept(entry, completion)) return true;
      break;
    case RingReader<layout::CompletionEntry>::Found::kNonsense:
      break;
  }
  Break(layout::kInvalidFrame);
  return false;
}

std::optional<Completion> ClientChannel::Poll() {
  Completion completion;
  if (!PollInto(completion)) return std::nullopt;
  return completion;
}

/// False when the entry breaks a rule.
bool ClientChannel::Accept(const layout::CompletionEntry& entry, Completion& completion) {
  Impl& my = *impl_;
  const std::optional<uint32_t> slot = SlotOf(entry.request_id);
  if (!slot || *slot != entry.slot || !IsStatus(entry.status)) return false;
  const std::span<const std::byte> arena = my.response.arena;
  if (entry.offset % layout::kBlockAlignment != 0) return false;
  if (!RangeFits(entry.offset, entry.byte_length, arena.size())) return false;
  const auto block = arena.subspan(entry.offset, entry.byte_length);

  completion.request_id = entry.request_id;
  completion.slot = *slot;
  completion.status = static_cast<layout::StatusCode>(entry.status);
  completion.message.clear();
  completion.outputs.clear();
  completion.offset.reset();
  completion.queue_ns = entry.queue_ns;
  completion.run_ns = entry.run_ns;
  completion.batch = entry.batch;
  if (completion.status == layout::kOk) {
    const auto descriptor = CopyDescriptor(block, my.scratch);
    const Block bounds{.offset = entry.offset, .byte_length = entry.byte_length};
    if (!DecodeResult(descriptor, bounds, arena, completion.outputs).ok()) return false;
    completion.offset = entry.offset;
  } else if (entry.byte_length > 0) {
    if (entry.byte_length > layout::kMaxErrorBytes) return false;
    completion.message.resize(entry.byte_length);
    CopyIn(completion.message.data(), block.data(), block.size());
    Release(entry.offset);
  }
  my.id_in_slot[*slot] = 0;
  my.free_slots[my.free_slot_count++] = static_cast<uint8_t>(*slot);
  return true;
}

void ClientChannel::Release(uint64_t offset) {
  if (inherited()) return;
  // The host need not wake for it: it reads releases before the next request, and there is room in
  // the ring for every answer that can be held.
  const layout::RequestEntry entry{.kind = layout::kRelease,
                                   .slot = 0,
                                   .request_id = 0,
                                   .offset = offset,
                                   .byte_length = 0,
                                   .reserved = {}};
  if (!impl_->requests.Push(entry) && !Closed()) Break(layout::kInvalidFrame);
}

uint32_t ClientChannel::in_flight() const { return layout::kSlots - impl_->free_slot_count; }

bool ClientChannel::WasBegun(uint64_t request_id) const {
  const std::optional<uint32_t> slot = SlotOf(request_id);
  // Partner: HostChannel::MarkBegun().
  return slot &&
         impl_->response.control->begun[*slot].load(std::memory_order_acquire) == request_id;
}

}  // namespace mlos
