#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <span>
#include <string_view>
#include <vector>

#include "shm/descriptor_decoder.h"
#include "shm/packed_strings.h"

/// Feeds the decoder of descriptors, whose input comes from processes that are not trusted.
///
/// An input is 16 bytes that say what the rest is, then the rest:
///
///     0      0 request, 1 answer, 2 packed strings; + 128: make the length fit the tensor count
///     4..7   of an answer: offset of its block, in units of kBlockAlignment
///     8..15  of an answer: length of its block; of strings: how many
///
/// Whatever is accepted has to be what descriptor_decoder.h promises; anything else aborts.

namespace mlos {
namespace {

constexpr size_t kPrefixBytes = 16;

/// Its size is exact, so that AddressSanitizer sees a step beside it.
std::span<const std::byte> Arena() {
  static const std::vector<std::byte> arena(size_t{1} << 16);
  return arena;
}

void Must(bool condition) {
  if (!condition) std::abort();
}

void CheckViews(const std::vector<TensorView>& views, std::span<const std::byte> bounds) {
  std::array<bool, layout::kMaxTensors> seen{};
  unsigned sum = 0;
  for (const TensorView& view : views) {
    Must(view.index < layout::kMaxTensors && !seen[view.index]);
    seen[view.index] = true;
    Must(view.shape.rank <= layout::kMaxRank);
    const auto count = ElementCount(view.shape);
    const auto size = ElementBytes(static_cast<uint16_t>(view.dtype));
    Must(count.has_value() && size.has_value());
    Must(*size == 0 ? view.data.size() >= *count * 4 : view.data.size() == *count * *size);
    Must(view.data.data() >= bounds.data());
    Must(view.data.data() + view.data.size() <= bounds.data() + bounds.size());
    Must(static_cast<size_t>(view.data.data() - Arena().data()) % layout::kBlockAlignment == 0);
    for (const std::byte b : view.data) sum += static_cast<unsigned>(b);
  }
  Must(sum == 0);
}

void FuzzStrings(std::span<const std::byte> bytes, uint64_t count) {
  std::vector<std::string_view> strings;
  if (!UnpackStrings(bytes, count, strings).ok()) return;
  Must(strings.size() == count && PackedBytes(strings) == bytes.size());
  std::vector<std::byte> again(bytes.size());
  PackStrings(strings, again);
  Must(std::equal(again.begin(), again.end(), bytes.begin(), bytes.end()));
}

/// As long as the number of tensors in it asks for, where that is a number that may be.
void FitLength(std::vector<std::byte>& bytes, size_t count_at) {
  uint32_t count = 0;
  if (bytes.size() < count_at + sizeof count) return;
  std::memcpy(&count, bytes.data() + count_at, sizeof count);
  if (count <= layout::kMaxTensors) bytes.resize(DescriptorBytes(count));
}

/// The same for a request, which may have a sequence behind its tensors.
void FitRequest(std::vector<std::byte>& bytes) {
  layout::RequestDescriptor fixed{};
  if (bytes.size() < sizeof fixed) return;
  std::memcpy(&fixed, bytes.data(), sizeof fixed);
  if (fixed.input_count > layout::kMaxTensors) return;
  bytes.resize(fixed.has_sequence != 0 ? SequenceRequestBytes(fixed.input_count)
                                       : DescriptorBytes(fixed.input_count));
}

void Fuzz(std::span<const std::byte> input) {
  if (input.size() < kPrefixBytes) return;
  const auto what = static_cast<unsigned>(input[0]);
  uint32_t units = 0;
  uint64_t length = 0;
  std::memcpy(&units, input.data() + 4, sizeof units);
  std::memcpy(&length, input.data() + 8, sizeof length);
  // A copy of exact size, as the channel's ends make one.
  std::vector<std::byte> bytes(input.begin() + kPrefixBytes, input.end());
  if ((what & 127U) == 2) return FuzzStrings(bytes, length);
  const bool is_answer = (what & 127U) == 1;
  if (what >= 128) {
    if (is_answer) {
      FitLength(bytes, offsetof(layout::ResultDescriptor, output_count));
    } else {
      FitRequest(bytes);
    }
  }
  if (is_answer) {
    const Block block{.offset = uint64_t{units} * layout::kBlockAlignment, .byte_length = length};
    std::vector<TensorView> outputs;
    if (!DecodeResult(bytes, block, Arena(), outputs).ok()) return;
    CheckViews(outputs, Arena().subspan(block.offset, block.byte_length));
  } else {
    CheckedRequest request;
    if (!DecodeRequest(bytes, Arena(), request).ok()) return;
    Must(request.priority < layout::kPriorities);
    if (request.sequence) {
      const size_t id_length = request.sequence->id().size();
      Must(id_length > 0 && id_length <= layout::kMaxSequenceIdBytes);
    }
    CheckViews(request.inputs, Arena());
  }
}

}  // namespace
}  // namespace mlos

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  mlos::Fuzz(std::as_bytes(std::span(data, size)));
  return 0;
}
