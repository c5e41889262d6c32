#include "shm/descriptor_decoder.h"

#include <bitset>
#include <cstring>
#include <string>

#include "base/checked.h"

namespace mlos {
namespace {

using layout::kBlockAlignment;
using layout::kMaxRank;
using layout::kMaxTensors;
using layout::TensorDescriptor;

Error TensorRefusal(const char* code, const TensorDescriptor& tensor, const char* what) {
  return CodedError(code, "tensor " + std::to_string(tensor.index) + " " + what);
}

Status CheckByteLength(const TensorDescriptor& tensor, const TensorView& view) {
  const std::optional<uint32_t> element_bytes = ElementBytes(tensor.dtype);
  if (!element_bytes) return TensorRefusal("INVALID_DTYPE", tensor, "has an unknown dtype");
  const std::optional<uint64_t> count = ElementCount(view.shape);
  if (!count) {
    return TensorRefusal("INVALID_SHAPE", tensor, "has a negative dimension or too many elements");
  }
  if (*element_bytes == 0) {
    // Strings begin with a table of lengths. 2^40 elements of 4 bytes cannot overflow.
    if (tensor.byte_length >= *count * sizeof(uint32_t)) return {};
    return TensorRefusal("INVALID_SHAPE", tensor, "is shorter than its table of lengths");
  }
  if (tensor.byte_length == *count * *element_bytes) return {};
  return TensorRefusal("INVALID_SHAPE", tensor, "has not as many bytes as its shape asks for");
}

Status DecodeTensor(const TensorDescriptor& tensor, const Block& bounds,
                    std::span<const std::byte> arena, TensorView& view) {
  if (tensor.rank > kMaxRank) {
    return TensorRefusal("INVALID_SHAPE", tensor, "has more than 16 dimensions");
  }
  view.index = tensor.index;
  view.dtype = static_cast<Dtype>(tensor.dtype);
  view.shape.rank = tensor.rank;
  std::copy_n(std::begin(tensor.dims), kMaxRank, view.shape.dims.begin());
  const Status sized = CheckByteLength(tensor, view);
  if (!sized.ok()) return sized;
  if (tensor.offset % kBlockAlignment != 0) {
    return TensorRefusal("INVALID_ARGUMENT", tensor, "is not aligned to 64 bytes");
  }
  if (tensor.offset < bounds.offset ||
      !RangeFits(tensor.offset - bounds.offset, tensor.byte_length, bounds.byte_length)) {
    return TensorRefusal("INVALID_ARGUMENT", tensor, "does not lie where it may");
  }
  view.data = arena.subspan(tensor.offset, tensor.byte_length);
  return {};
}

Status DecodeTensors(std::span<const std::byte> descriptors, const Block& bounds,
                     std::span<const std::byte> arena, std::vector<TensorView>& views) {
  std::bitset<kMaxTensors> seen;
  views.resize(descriptors.size() / sizeof(TensorDescriptor));
  for (size_t i = 0; i < views.size(); ++i) {
    TensorDescriptor tensor{};
    std::memcpy(&tensor, descriptors.data() + i * sizeof tensor, sizeof tensor);
    if (tensor.index >= kMaxTensors || seen.test(tensor.index)) {
      return TensorRefusal("INVALID_ARGUMENT", tensor, "is there twice, or its index is too large");
    }
    seen.set(tensor.index);
    const Status decoded = DecodeTensor(tensor, bounds, arena, views[i]);
    if (!decoded.ok()) return decoded;
  }
  return {};
}

/// The tensors behind the fixed part, whose size has been checked.
Result<std::span<const std::byte>> TensorsOf(std::span<const std::byte> descriptor,
                                             uint32_t count) {
  if (count > kMaxTensors) return CodedError("INVALID_ARGUMENT", "more than 256 tensors");
  if (descriptor.size() != DescriptorBytes(count)) {
    return CodedError("INVALID_ARGUMENT", "the descriptor's length does not fit its tensors");
  }
  return descriptor.subspan(DescriptorBytes(0));
}

/// Takes the sequence off the end of the descriptor, where there is one.
Status DecodeSequence(uint32_t has_sequence, std::span<const std::byte>& descriptor,
                      std::optional<SequenceMark>& sequence) {
  sequence.reset();
  if (has_sequence == 0) return {};
  layout::SequenceDescriptor given{};
  if (has_sequence != 1 || descriptor.size() < DescriptorBytes(0) + sizeof given) {
    return CodedError("INVALID_ARGUMENT", "the descriptor's sequence is cut off");
  }
  descriptor = descriptor.first(descriptor.size() - sizeof given);
  std::memcpy(&given, descriptor.data() + descriptor.size(), sizeof given);
  constexpr uint32_t kFlags = layout::kSequenceStart | layout::kSequenceEnd;
  if (given.id_length == 0 || given.id_length > sizeof given.id || (given.flags & ~kFlags) != 0) {
    return CodedError("INVALID_ARGUMENT", "a sequence has an id of 1 to 128 bytes");
  }
  SequenceMark& mark = sequence.emplace();
  mark.starts = (given.flags & layout::kSequenceStart) != 0;
  mark.ends = (given.flags & layout::kSequenceEnd) != 0;
  mark.id_length = given.id_length;
  std::copy_n(std::begin(given.id), given.id_length, mark.bytes.begin());
  return {};
}

}  // namespace

Status DecodeRequest(std::span<const std::byte> descriptor, std::span<const std::byte> arena,
                     CheckedRequest& request) {
  layout::RequestDescriptor fixed{};
  if (descriptor.size() < sizeof fixed) {
    return CodedError("INVALID_ARGUMENT", "the descriptor is cut off");
  }
  std::memcpy(&fixed, descriptor.data(), sizeof fixed);
  const Status marked = DecodeSequence(fixed.has_sequence, descriptor, request.sequence);
  if (!marked.ok()) return marked;
  const auto tensors = TensorsOf(descriptor, fixed.input_count);
  if (!tensors.ok()) return tensors.error();
  if (fixed.priority >= layout::kPriorities) {
    return CodedError("INVALID_ARGUMENT", "there is no such priority");
  }
  request.deadline_ns = fixed.deadline_ns;
  request.priority = static_cast<layout::Priority>(fixed.priority);
  std::copy(std::begin(fixed.wanted), std::end(fixed.wanted), request.wanted.begin());
  const Block whole{.offset = 0, .byte_length = arena.size()};
  return DecodeTensors(tensors.value(), whole, arena, request.inputs);
}

Status DecodeResult(std::span<const std::byte> descriptor, const Block& block,
                    std::span<const std::byte> arena, std::vector<TensorView>& outputs) {
  layout::ResultDescriptor fixed{};
  if (descriptor.size() < sizeof fixed) {
    return CodedError("INVALID_ARGUMENT", "the descriptor is cut off");
  }
  if (!RangeFits(block.offset, block.byte_length, arena.size())) {
    return CodedError("INVALID_ARGUMENT", "the answer does not lie in the arena");
  }
  std::memcpy(&fixed, descriptor.data(), sizeof fixed);
  const auto tensors = TensorsOf(descriptor, fixed.output_count);
  if (!tensors.ok()) return tensors.error();
  return DecodeTensors(tensors.value(), block, arena, outputs);
}

}  // namespace mlos
