#include <sys/socket.h>

#include <cstring>
#include <mutex>

#include "shm/futex.h"
#include "shm/host_channel_impl.h"

namespace mlos {

std::optional<ResultBlock> HostChannel::AllocateResult(uint64_t byte_length) {
  const std::lock_guard lock(impl_->mutex);
  if (impl_->held >= layout::kMaxHeldResults) return std::nullopt;
  const std::optional<Block> block = impl_->arena.Allocate(byte_length);
  if (!block) return std::nullopt;
  ++impl_->held;
  return ResultBlock{.offset = block->offset,
                     .bytes = impl_->response.arena.subspan(block->offset, byte_length)};
}

void HostChannel::FreeResult(const ResultBlock& block) {
  const std::lock_guard lock(impl_->mutex);
  if (impl_->TagOf(block.offset, kBeingWritten) != nullptr) impl_->FreeHeld(block.offset);
}

void HostChannel::ShrinkResult(ResultBlock& block, uint64_t byte_length) {
  const std::lock_guard lock(impl_->mutex);
  if (byte_length > block.bytes.size()) return;
  if (impl_->TagOf(block.offset, kBeingWritten) == nullptr) return;
  impl_->arena.Shrink(block.offset, byte_length);
  block.bytes = block.bytes.first(byte_length);
}

/// Under the mutex. Where the answer is not kYes, the entry's block has been freed.
HostChannel::Impl::Published HostChannel::Impl::Publish(const layout::CompletionEntry& entry,
                                                        uint32_t& wake) {
  uint32_t* tag = entry.byte_length == 0 ? nullptr : TagOf(entry.offset, kBeingWritten);
  const bool block_fits =
      entry.byte_length == 0 ||
      (tag != nullptr && entry.byte_length <= arena.SizeOf(entry.offset).value_or(0));
  const bool expected = entry.slot < layout::kSlots && entry.request_id != 0 && active &&
                        id_in_slot[entry.slot].load(std::memory_order_relaxed) == entry.request_id;
  if (closed || !block_fits || !expected) {
    if (tag != nullptr) FreeHeld(entry.offset);
    return Published::kNo;
  }
  // Both before the client hears of it: it may release the block and use the slot at once.
  if (tag != nullptr) *tag = kPublished;
  id_in_slot[entry.slot].store(0, std::memory_order_relaxed);
  if (!completions->Push(entry)) {
    if (tag != nullptr) FreeHeld(entry.offset);
    return Published::kRingFull;
  }
  wake = client_waker->Ask();
  if (wake == layout::kSleepsOnFutex) RingFutex();
  return Published::kYes;
}

bool HostChannel::Complete(const layout::CompletionEntry& entry) {
  uint32_t wake = layout::kAwake;
  auto published = Impl::Published::kNo;
  {
    const std::lock_guard lock(impl_->mutex);
    published = impl_->Publish(entry, wake);
  }
  if (wake == layout::kSleepsOnFutex) {
    FutexWakeAll(impl_->response.control->completion_bell);
  } else if (wake == layout::kSleepsOnSocket) {
    const char byte = 0;
    // A full buffer means that the client has bytes to wake up to.
    static_cast<void>(::send(impl_->socket.get(), &byte, sizeof byte, MSG_DONTWAIT | MSG_NOSIGNAL));
  }
  if (published == Impl::Published::kRingFull) Close(layout::kInvalidFrame);
  return published == Impl::Published::kYes;
}

bool HostChannel::CompleteError(uint64_t request_id, uint32_t slot, layout::StatusCode status,
                                std::string_view text, uint64_t run_ns) {
  layout::CompletionEntry entry{};
  entry.run_ns = run_ns;
  entry.request_id = request_id;
  entry.slot = slot;
  entry.status = status;
  text = text.substr(0, layout::kMaxErrorBytes);
  const std::optional<ResultBlock> block =
      text.empty() ? std::nullopt : AllocateResult(text.size());
  if (block) {
    std::memcpy(block->bytes.data(), text.data(), text.size());
    entry.offset = block->offset;
    entry.byte_length = text.size();
  }
  return Complete(entry);
}

}  // namespace mlos
