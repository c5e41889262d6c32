#include "engine/answer_block.h"

#include <algorithm>
#include <cstring>

namespace mlos {
namespace {

constexpr uint64_t kKeptSpillBytes = uint64_t{1} << 20;

RequestError TooLarge(uint64_t needed, uint64_t room) {
  return {layout::kPayloadTooLarge, "The answer needs " + std::to_string(needed) +
                                        " bytes, and the channel has room for " +
                                        std::to_string(room) + "; attach with more output bytes."};
}

}  // namespace

void AnswerBlock::Begin(HostChannel& channel, uint64_t max_bytes,
                        std::span<const uint32_t> wanted) {
  channel_ = &channel;
  max_bytes_ = max_bytes;
  wanted_ = wanted;
  outputs_.clear();
  spilled_count_ = 0;
  block_.reset();
  tried_ = false;
  output_bytes_ = 0;
  used_ = HeaderBytes();
  error_ = {layout::kOk, ""};
}

uint64_t AnswerBlock::HeaderBytes() const {
  return AlignBlock(sizeof(layout::ResultDescriptor) +
                    wanted_.size() * sizeof(layout::TensorDescriptor));
}

bool AnswerBlock::MakeRoom(uint64_t byte_length) {
  if (!block_ && !tried_) {
    tried_ = true;
    // With one output its length is the answer's; with more, what the last answers had.
    const uint64_t least = used_ + byte_length;
    const uint64_t guess = wanted_.size() == 1 ? least : std::max(least, expected_bytes_);
    block_ = channel_->AllocateResult(std::min(guess, max_bytes_));
    if (!block_ && guess > least) block_ = channel_->AllocateResult(least);
  }
  return block_ && used_ + byte_length <= block_->bytes.size();
}

void AnswerBlock::Spill(Output& output, uint64_t byte_length) {
  if (spilled_count_ == spilled_.size()) spilled_.emplace_back();
  output.offset = kSpilled;
  output.buffer = spilled_count_++;
  output.view.data = spilled_[output.buffer].Reserve(byte_length);
}

std::span<std::byte> AnswerBlock::Allocate(uint32_t index, Dtype dtype, const Shape& shape,
                                           uint64_t byte_length) {
  if (byte_length > max_bytes_ || HeaderBytes() + byte_length > max_bytes_) {
    error_ = TooLarge(HeaderBytes() + byte_length, max_bytes_);
    return {};
  }
  const auto same = [&](const Output& output) { return output.view.index == index; };
  outputs_.erase(std::remove_if(outputs_.begin(), outputs_.end(), same), outputs_.end());
  Output output;
  output.view = TensorView{.index = index, .dtype = dtype, .shape = shape, .data = {}};
  if (MakeRoom(byte_length)) {
    output.offset = used_;
    output.view.data = block_->bytes.subspan(used_, byte_length);
    used_ += AlignBlock(byte_length);
  } else {
    Spill(output, byte_length);
  }
  outputs_.push_back(output);
  std::byte* const bytes = output.offset == kSpilled ? spilled_[output.buffer].data()
                                                     : block_->bytes.data() + output.offset;
  return {bytes, byte_length};
}

bool AnswerBlock::Rebuild() {
  uint64_t needed = HeaderBytes();
  for (const Output& output : outputs_) needed += AlignBlock(output.view.data.size());
  if (needed > max_bytes_) {
    error_ = TooLarge(needed, max_bytes_);
    return false;
  }
  const std::optional<ResultBlock> longer = channel_->AllocateResult(needed);
  if (!longer) {
    error_ = {layout::kTooManyRequests, "The channel has no room for an answer of " +
                                            std::to_string(needed) +
                                            " bytes: release answers before you ask for more."};
    return false;
  }
  used_ = HeaderBytes();
  for (Output& output : outputs_) {
    const std::span<const std::byte> from = output.view.data;
    if (!from.empty()) std::memcpy(longer->bytes.data() + used_, from.data(), from.size());
    output.offset = used_;
    used_ += AlignBlock(from.size());
  }
  if (block_) channel_->FreeResult(*block_);
  block_ = longer;
  return true;
}

void AnswerBlock::WriteDescriptors() {
  std::sort(outputs_.begin(), outputs_.end(),
            [](const Output& a, const Output& b) { return a.view.index < b.view.index; });
  layout::ResultDescriptor head{};
  head.output_count = static_cast<uint32_t>(outputs_.size());
  std::byte* to = block_->bytes.data();
  std::memcpy(to, &head, sizeof head);
  to += sizeof head;
  for (const Output& output : outputs_) {
    layout::TensorDescriptor descriptor{};
    descriptor.index = output.view.index;
    descriptor.dtype = static_cast<uint16_t>(output.view.dtype);
    descriptor.rank = static_cast<uint16_t>(output.view.shape.rank);
    descriptor.offset = block_->offset + output.offset;
    descriptor.byte_length = output.view.data.size();
    std::copy_n(output.view.shape.dims.begin(), layout::kMaxRank, descriptor.dims);
    std::memcpy(to, &descriptor, sizeof descriptor);
    to += sizeof descriptor;
  }
}

std::optional<ResultBlock> AnswerBlock::Finish() {
  if (outputs_.size() != wanted_.size()) {
    error_ = {layout::kInternal, "The runtime gave " + std::to_string(outputs_.size()) + " of " +
                                     std::to_string(wanted_.size()) + " outputs."};
    Drop();
    return std::nullopt;
  }
  const bool spilled = spilled_count_ > 0;
  if ((spilled || !block_) && !Rebuild()) {
    Drop();
    return std::nullopt;
  }
  for (const Output& output : outputs_) output_bytes_ += output.view.data.size();
  WriteDescriptors();
  expected_bytes_ = std::max(used_, expected_bytes_ - expected_bytes_ / 8);
  if (used_ < block_->bytes.size()) channel_->ShrinkResult(*block_, used_);
  for (size_t i = 0; i < spilled_count_; ++i) spilled_[i].Trim(kKeptSpillBytes);
  return std::exchange(block_, std::nullopt);
}

void AnswerBlock::Drop() {
  if (block_) channel_->FreeResult(*block_);
  block_.reset();
  outputs_.clear();
}

}  // namespace mlos
