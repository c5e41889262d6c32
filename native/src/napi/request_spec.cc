#include "napi/request_spec.h"

#include <cstring>

#include "napi/bounds.h"
#include "shm/tensor_view.h"

namespace mlos::binding {
namespace {

/// Reads whole numbers one after another; the first that is none, or too large, spoils all.
class WordReader {
 public:
  explicit WordReader(std::span<const double> words) : words_(words) {}

  uint64_t Next(double max) {
    const double word = at_ < words_.size() ? words_[at_++] : double{-1};
    // NaN fails the comparison.
    if (!(word >= 0 && word <= max)) {
      ok_ = false;
      return 0;
    }
    const auto number = static_cast<uint64_t>(word);
    if (static_cast<double>(number) != word) ok_ = false;
    return number;
  }

  bool ok() const { return ok_; }

 private:
  const std::span<const double> words_;
  size_t at_ = 0;
  bool ok_ = true;
};

layout::TensorDescriptor ReadTensor(WordReader& words) {
  layout::TensorDescriptor tensor{};
  tensor.index = static_cast<uint32_t>(words.Next(layout::kMaxTensors - 1));
  tensor.dtype = static_cast<uint16_t>(words.Next(UINT16_MAX));
  tensor.byte_length = words.Next(double{layout::kMaxArenaBytes});
  tensor.rank = static_cast<uint16_t>(words.Next(layout::kMaxRank));
  for (uint16_t axis = 0; axis < tensor.rank; ++axis) {
    tensor.dims[axis] = static_cast<int64_t>(words.Next(static_cast<double>(kMaxDim)));
  }
  return tensor;
}

uint64_t Align(uint64_t offset) {
  return (offset + layout::kBlockAlignment - 1) & ~uint64_t{layout::kBlockAlignment - 1};
}

}  // namespace

std::optional<RequestSpec> RequestSpec::Read(std::span<const double> words) {
  WordReader reader(words);
  RequestSpec spec;
  spec.head_.priority = static_cast<uint32_t>(reader.Next(layout::kPriorities - 1));
  const uint64_t wanted = reader.Next(layout::kMaxTensors);
  for (uint64_t i = 0; i < wanted; ++i) {
    const uint64_t output = reader.Next(layout::kMaxTensors - 1);
    spec.head_.wanted[output / 64] |= uint64_t{1} << (output % 64);
  }
  spec.head_.input_count = static_cast<uint32_t>(reader.Next(layout::kMaxTensors));
  if (!reader.ok()) return std::nullopt;
  spec.inputs_.reserve(spec.head_.input_count);
  for (uint32_t i = 0; i < spec.head_.input_count && reader.ok(); ++i) {
    spec.inputs_.push_back(ReadTensor(reader));
  }
  if (!reader.ok()) return std::nullopt;
  spec.LayOut();
  return spec;
}

uint64_t RequestSpec::descriptor_bytes() const { return DescriptorBytes(head_.input_count); }

void RequestSpec::LayOut() {
  // With room for a sequence, whether it will belong to one or not.
  uint64_t at = Align(SequenceRequestBytes(head_.input_count));
  for (layout::TensorDescriptor& input : inputs_) {
    input.offset = at;
    // At most kMaxTensors times kMaxArenaBytes: 64 bits hold it.
    at = Align(at + input.byte_length);
  }
  byte_length_ = at;
}

void RequestSpec::Write(std::byte* block, uint64_t block_offset) {
  for (layout::TensorDescriptor& input : inputs_) input.offset += block_offset;
  std::memcpy(block, &head_, sizeof(head_));
  std::memcpy(block + sizeof(head_), inputs_.data(),
              inputs_.size() * sizeof(layout::TensorDescriptor));
}

}  // namespace mlos::binding
