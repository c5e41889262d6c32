#include "ort/strings.h"

#include <cstring>
#include <limits>
#include <vector>

#include "base/checked.h"

namespace mlos {
namespace {

constexpr uint64_t kLengthBytes = sizeof(uint32_t);

Error Invalid(const TensorView& input) {
  return Error{.code = "INVALID_VALUE",
               .message = "The packed strings of input " + std::to_string(input.index) +
                          " do not fit their lengths."};
}

/// Copies the strings into `tensor`, which has `count` empty ones.
Status Fill(const OrtApi& api, const TensorView& input, uint64_t count, OrtValue* tensor) {
  const std::span<const std::byte> bytes = input.data.subspan(count * kLengthBytes);
  uint64_t offset = 0;
  for (uint64_t i = 0; i < count; ++i) {
    uint32_t length = 0;
    std::memcpy(&length, input.data.data() + i * kLengthBytes, sizeof length);
    if (!RangeFits(offset, length, bytes.size())) return Invalid(input);
    char* text = nullptr;
    OrtStatus* failure = api.resize_string(tensor, i, length, &text);
    if (failure != nullptr) return TakeOrtStatus(api, failure, "INFERENCE_FAILED");
    if (length > 0) std::memcpy(text, bytes.data() + offset, length);
    offset += length;
  }
  return offset == bytes.size() ? Status() : Invalid(input);
}

/// Writes `count` lengths in front of `total` bytes that begin at `offsets`.
Status WriteLengths(std::span<const size_t> offsets, size_t total, std::byte* packed) {
  for (size_t i = 0; i < offsets.size(); ++i) {
    const size_t end = i + 1 < offsets.size() ? offsets[i + 1] : total;
    const size_t length = end - offsets[i];
    if (length > std::numeric_limits<uint32_t>::max()) {
      return Error{.code = "PAYLOAD_TOO_LARGE", .message = "A string of the answer is too long."};
    }
    const auto word = static_cast<uint32_t>(length);
    std::memcpy(packed + i * kLengthBytes, &word, sizeof word);
  }
  return {};
}

}  // namespace

Result<OrtOwned<OrtValue>> UnpackStrings(const OrtLibrary& library, const TensorView& input) {
  const OrtApi& api = library.api();
  const std::optional<uint64_t> count = ElementCount(input.shape);
  // Before anything of that size is made: a length takes four bytes, so there are no more strings.
  if (!count || *count > input.data.size() / kLengthBytes) return Invalid(input);
  OrtValue* raw = nullptr;
  OrtStatus* failure = api.create_tensor(library.allocator(), input.shape.dims.data(),
                                         input.shape.rank, static_cast<int>(Dtype::kString), &raw);
  if (failure != nullptr) return TakeOrtStatus(api, failure, "INFERENCE_FAILED").error();
  OrtOwned<OrtValue> tensor(raw, {api.release_value});
  if (Status status = Fill(api, input, *count, raw); !status.ok()) return status.error();
  return tensor;
}

Status PackStrings(const OrtApi& api, const OrtValue* value, uint32_t index, const Shape& shape,
                   OutputSink& sink) {
  const std::optional<uint64_t> count = ElementCount(shape);
  size_t total = 0;
  if (Status status = TakeOrtStatus(api, api.get_string_bytes(value, &total), "INFERENCE_FAILED");
      !status.ok()) {
    return status;
  }
  if (!count) return Error{.code = "INFERENCE_FAILED", .message = "Too many strings."};
  const uint64_t byte_length = *count * kLengthBytes + total;
  const std::span<std::byte> packed = sink.Allocate(index, Dtype::kString, shape, byte_length);
  if (packed.size() < byte_length) {
    return Error{.code = "PAYLOAD_TOO_LARGE", .message = "The answer does not fit its arena."};
  }
  if (*count == 0) return {};
  std::vector<size_t> offsets(*count);
  OrtStatus* failure = api.get_string_content(value, packed.data() + *count * kLengthBytes, total,
                                              offsets.data(), offsets.size());
  if (failure != nullptr) return TakeOrtStatus(api, failure, "INFERENCE_FAILED");
  return WriteLengths(offsets, total, packed.data());
}

}  // namespace mlos
