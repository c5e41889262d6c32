#include "napi/channel_client.h"

#include <cmath>
#include <cstring>
#include <utility>

#include "base/clock.h"
#include "napi/request_spec.h"

namespace mlos::binding {
namespace {

constexpr uint64_t kNanosPerMicro = 1000;
constexpr double kNanosPerMilli = 1e6;
/// Beyond it a number of nanoseconds is no time that will come: 292 years.
constexpr double kMaxNanos = 9.2e18;

bool IsTime(double nanos) { return nanos >= 0 && nanos < kMaxNanos; }

}  // namespace

Result<std::unique_ptr<ChannelClient>> ChannelClient::Open(ClientChannel::Files files,
                                                           uint32_t spin_us) {
  auto channel = ClientChannel::Open(std::move(files), spin_us);
  if (!channel.ok()) return channel.error();
  auto view = AnswerView::Create(channel.value()->response_region_fd(),
                                 channel.value()->response_arena(), layout::kResponseArenaOffset);
  if (!view.ok()) return view.error();
  return std::unique_ptr<ChannelClient>(
      new ChannelClient(std::move(channel).value(), std::move(view).value()));
}

ChannelClient::ChannelClient(std::unique_ptr<ClientChannel> channel,
                             std::unique_ptr<AnswerView> view)
    : channel_(std::move(channel)), view_(std::move(view)) {}

void ChannelClient::Close() {
  kept_.clear();
  channel_.reset();
  view_.reset();
}

double ChannelClient::Prepare() {
  if (channel_ == nullptr) return kChannelClosed;
  double* const body = mailbox_->words.data() + mailbox::kBody;
  auto spec = RequestSpec::Read({body, mailbox::kBodyWords});
  if (!spec) return kInvalid;
  const auto block = channel_->Allocate(spec->byte_length());
  if (!block) return kNoRoom;
  std::byte* const bytes = channel_->request_arena().data() + block->offset;
  spec->Write(bytes, block->offset);
  for (size_t i = 0; i < spec->inputs().size(); ++i) {
    body[i] = static_cast<double>(layout::kRequestArenaOffset + spec->inputs()[i].offset);
  }
  return Store({.block = *block, .descriptor_bytes = spec->descriptor_bytes(), .in_use = true});
}

uint32_t ChannelClient::Store(const Prepared& prepared) {
  if (unused_.empty()) {
    prepared_.push_back(prepared);
    return static_cast<uint32_t>(prepared_.size() - 1);
  }
  const uint32_t index = unused_.back();
  unused_.pop_back();
  prepared_[index] = prepared;
  return index;
}

ChannelClient::Prepared* ChannelClient::Find(double prepared) {
  // NaN fails the comparison.
  if (!(prepared >= 0 && prepared < static_cast<double>(prepared_.size()))) return nullptr;
  Prepared& found = prepared_[static_cast<size_t>(prepared)];
  return found.in_use && !found.freed ? &found : nullptr;
}

void ChannelClient::Free(double prepared) {
  if (channel_ == nullptr) return;
  Prepared* const found = Find(prepared);
  if (found == nullptr) return;
  found->freed = true;  // rule 1: a busy block is recycled when its completion comes
  if (found->request_id == 0) Recycle(static_cast<uint32_t>(found - prepared_.data()));
}

double ChannelClient::SetSequence(double prepared, std::string_view id, uint32_t flags) {
  if (channel_ == nullptr) return kChannelClosed;
  Prepared* const found = Find(prepared);
  if (found == nullptr) return kFreed;
  if (found->request_id != 0) return kBusy;
  if (id.size() > layout::kMaxSequenceIdBytes) return kInvalid;
  std::byte* const descriptor = channel_->request_arena().data() + found->block.offset;
  found->has_sequence = !id.empty();
  const uint32_t has = found->has_sequence ? 1 : 0;
  std::memcpy(descriptor + offsetof(layout::RequestDescriptor, has_sequence), &has, sizeof has);
  if (!found->has_sequence) return 0;
  layout::SequenceDescriptor sequence{};
  sequence.flags = flags;
  sequence.id_length = static_cast<uint32_t>(id.size());
  std::memcpy(sequence.id, id.data(), id.size());
  std::memcpy(descriptor + found->descriptor_bytes, &sequence, sizeof sequence);
  return 0;
}

void ChannelClient::Recycle(uint32_t index) {
  channel_->Free(prepared_[index].block);
  prepared_[index] = {};
  unused_.push_back(index);
}

void ChannelClient::Flush() {
  double* const words = mailbox_->words.data();
  const double count = std::exchange(words[mailbox::kReleaseCount], 0);
  if (channel_ == nullptr || !(count > 0)) return;
  const auto arena_bytes = static_cast<double>(channel_->response_arena().size());
  for (size_t i = 0; i < mailbox::kMaxReleases && static_cast<double>(i) < count; ++i) {
    const double offset = words[mailbox::kReleases + i];
    if (offset >= 0 && offset < arena_bytes) channel_->Release(static_cast<uint64_t>(offset));
  }
}

double ChannelClient::Submit(double prepared, double deadline_ns) {
  if (channel_ == nullptr) return kChannelClosed;
  Flush();
  Prepared* const found = Find(prepared);
  if (found == nullptr) return kFreed;
  if (!IsTime(deadline_ns)) return kInvalid;
  return Publish(*found, static_cast<uint64_t>(deadline_ns));
}

double ChannelClient::Publish(Prepared& prepared, uint64_t deadline_ns) {
  if (prepared.request_id != 0) return kBusy;
  std::byte* const descriptor = channel_->request_arena().data() + prepared.block.offset;
  std::memcpy(descriptor + offsetof(layout::RequestDescriptor, deadline_ns), &deadline_ns,
              sizeof(deadline_ns));
  const uint64_t more = prepared.has_sequence ? sizeof(layout::SequenceDescriptor) : 0;
  const auto id = channel_->Submit(prepared.block, prepared.descriptor_bytes + more);
  if (!id.ok()) {
    return channel_->state() == layout::kClosed ? kChannelClosed : kSlotsTaken;
  }
  const auto slot = channel_->SlotOf(id.value());
  prepared.request_id = id.value();
  if (slot) owners_[*slot] = static_cast<uint32_t>(&prepared - prepared_.data());
  return static_cast<double>(id.value());
}

bool ChannelClient::Account(const Completion& completion) {
  const uint32_t index = owners_[completion.slot];
  Prepared& owner = prepared_[index];
  owner.request_id = 0;
  const bool wanted = !std::exchange(owner.abandoned, false);
  if (owner.freed) Recycle(index);
  if (!wanted && completion.offset) channel_->Release(*completion.offset);  // rule 3
  return wanted;
}

bool ChannelClient::TakeUntil(uint64_t request_id) {
  while (channel_->PollInto(current_)) {
    if (!Account(current_)) continue;
    if (current_.request_id == request_id) return true;
    kept_.push_back(std::exchange(current_, {}));  // rule 2
  }
  return false;
}

double ChannelClient::RunSync(double prepared, double timeout_ms) {
  if (channel_ == nullptr) return kChannelClosed;
  if (!IsTime(timeout_ms * kNanosPerMilli)) return kInvalid;
  Flush();
  Prepared* const found = Find(prepared);
  if (found == nullptr) return kFreed;
  const uint64_t deadline_ns =
      timeout_ms > 0 ? MonotonicNanos() + static_cast<uint64_t>(timeout_ms * kNanosPerMilli) : 0;
  const double submitted = Publish(*found, deadline_ns);
  if (submitted < 0) return submitted;
  const uint64_t id = found->request_id;
  while (true) {
    const auto waited = channel_->Wait(deadline_ns);
    if (TakeUntil(id)) {
      Show();
      return 0;
    }
    if (waited == ClientChannel::WaitResult::kClosed) return kChannelClosed;
    if (waited == ClientChannel::WaitResult::kTimeout) {
      found->abandoned = true;
      channel_->Cancel(id);
      return kTimedOut;
    }
  }
}

double ChannelClient::SubmitAndSpin(double prepared, double spin_us, double deadline_ns) {
  if (!(spin_us >= 0 && spin_us <= kMaxSpinMicros)) return kInvalid;
  const double submitted = Submit(prepared, deadline_ns);
  if (submitted < 0) return submitted;
  const auto id = static_cast<uint64_t>(submitted);
  const auto spin_ns = static_cast<uint64_t>(spin_us) * kNanosPerMicro;
  const uint64_t end = MonotonicNanos() + spin_ns;
  uint64_t left_ns = spin_ns;
  while (channel_->SpinFor(static_cast<uint32_t>(left_ns / kNanosPerMicro))) {
    if (TakeUntil(id)) {
      Show();
      return 0;
    }
    // What came was another's answer.
    const uint64_t now = MonotonicNanos();
    if (now >= end) break;
    left_ns = end - now;
  }
  return submitted;
}

double ChannelClient::Poll() {
  if (channel_ == nullptr) return 0;
  Flush();
  if (!kept_.empty()) {
    current_ = std::move(kept_.front());
    kept_.pop_front();
    Show();
    return 1;
  }
  while (channel_->PollInto(current_)) {
    if (!Account(current_)) continue;
    Show();
    return 1;
  }
  return 0;
}

double ChannelClient::Spin(double spin_us) {
  if (!(spin_us >= 0 && spin_us <= kMaxSpinMicros)) return kInvalid;
  if (channel_ == nullptr) return 0;
  Flush();
  return !kept_.empty() || channel_->SpinFor(static_cast<uint32_t>(spin_us)) ? 1 : 0;
}

bool ChannelClient::Listen() {
  Flush();
  return kept_.empty() && channel_->state() != layout::kClosed && channel_->ListenOnSocket();
}

void ChannelClient::Show() {
  double* const words = mailbox_->words.data();
  words[mailbox::kRequestId] = static_cast<double>(current_.request_id);
  words[mailbox::kStatus] = current_.status;
  words[mailbox::kOutputCount] = static_cast<double>(current_.outputs.size());
  words[mailbox::kReleaseOffset] =
      current_.offset ? static_cast<double>(*current_.offset) : double{-1};
  words[mailbox::kQueueNs] = static_cast<double>(current_.queue_ns);
  words[mailbox::kRunNs] = static_cast<double>(current_.run_ns);
  words[mailbox::kBatch] = current_.batch;
  double* at = words + mailbox::kBody;
  for (const TensorView& output : current_.outputs) {
    *at++ = output.index;
    *at++ = static_cast<double>(output.dtype);
    *at++ = static_cast<double>(view_->Show(output.data));
    *at++ = static_cast<double>(output.data.size());
    *at++ = output.shape.rank;
    for (const int64_t dim : output.shape.span()) *at++ = static_cast<double>(dim);
  }
  words[mailbox::kOutputWords] = static_cast<double>(at - (words + mailbox::kBody));
}

}  // namespace mlos::binding
