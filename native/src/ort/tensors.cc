#include "ort/tensors.h"

#include "base/checked.h"

namespace mlos {
namespace {

Error Failed(std::string message) {
  return Error{.code = "INFERENCE_FAILED", .message = std::move(message)};
}

/// What an empty tensor points at: the runtime wants an address.
alignas(layout::kBlockAlignment) std::byte nothing[layout::kBlockAlignment];

}  // namespace

Status TensorsInPlace::Find(std::span<std::byte> memory, Dtype dtype, const Shape& shape,
                            OrtValue** out) {
  std::byte* data = memory.empty() ? nothing : memory.data();
  // The dtype of an input or output never changes.
  for (const Kept& kept : kept_) {
    if (kept.data == data && kept.shape == shape) {
      *out = kept.value.get();
      return {};
    }
  }
  const OrtApi& api = library_.api();
  OrtStatus* failure =
      api.create_tensor_with_data(library_.cpu_memory(), data, memory.size(), shape.dims.data(),
                                  shape.rank, static_cast<int>(dtype), out);
  if (failure != nullptr) return TakeOrtStatus(api, failure, "INFERENCE_FAILED");
  kept_[next_] = {.data = data, .shape = shape, .value = {*out, {api.release_value}}};
  next_ = (next_ + 1) % kKept;
  return {};
}

Status ReadTensorShape(const OrtApi& api, const OrtValue* value, Dtype dtype, Shape* out) {
  int is_tensor = 0;
  OrtStatus* failure = api.is_tensor(value, &is_tensor);
  if (failure != nullptr) return TakeOrtStatus(api, failure, "INFERENCE_FAILED");
  if (is_tensor == 0) return Failed("The model gave no tensor.");
  OrtTensorInfo* raw = nullptr;
  failure = api.get_tensor_info(value, &raw);
  if (failure != nullptr) return TakeOrtStatus(api, failure, "INFERENCE_FAILED");
  const OrtOwned<OrtTensorInfo> info(raw, {api.release_tensor_info});
  int element = 0;
  size_t rank = 0;
  failure = api.get_element_type(raw, &element);
  if (failure == nullptr) failure = api.get_dimension_count(raw, &rank);
  if (failure != nullptr) return TakeOrtStatus(api, failure, "INFERENCE_FAILED");
  if (element != static_cast<int>(dtype)) {
    return Failed("The model gave elements of ONNX type " + std::to_string(element) + ".");
  }
  if (rank > layout::kMaxRank) {
    return Failed("The model gave a tensor of " + std::to_string(rank) + " dimensions.");
  }
  out->rank = static_cast<uint32_t>(rank);
  return TakeOrtStatus(api, api.get_dimensions(raw, out->dims.data(), rank), "INFERENCE_FAILED");
}

Result<uint64_t> TensorBytes(Dtype dtype, const Shape& shape) {
  const std::optional<uint32_t> element = ElementBytes(static_cast<uint16_t>(dtype));
  const std::optional<uint64_t> count = ElementCount(shape);
  const std::optional<uint64_t> bytes =
      element && count ? CheckedMul(*element, *count) : std::nullopt;
  if (!bytes) return Failed("The tensor has more elements than can be counted.");
  return *bytes;
}

}  // namespace mlos
