#include "engine/request_check.h"

#include <algorithm>
#include <array>

namespace mlos {
namespace {

struct DtypeRow {
  Dtype dtype;
  std::string_view name;
};

constexpr std::array<DtypeRow, 14> kDtypes{{
    {Dtype::kFloat32, "float32"},
    {Dtype::kUint8, "uint8"},
    {Dtype::kInt8, "int8"},
    {Dtype::kUint16, "uint16"},
    {Dtype::kInt16, "int16"},
    {Dtype::kInt32, "int32"},
    {Dtype::kInt64, "int64"},
    {Dtype::kString, "string"},
    {Dtype::kBool, "bool"},
    {Dtype::kFloat16, "float16"},
    {Dtype::kFloat64, "float64"},
    {Dtype::kUint32, "uint32"},
    {Dtype::kUint64, "uint64"},
    {Dtype::kBfloat16, "bfloat16"},
}};

constexpr uint32_t kWordBits = 64;

std::string Quote(std::string_view name) {
  std::string quoted = "\"";
  quoted.append(name);
  return quoted + "\"";
}

RequestError Mismatch(layout::StatusCode status, const ValueSpec& spec, const std::string& came) {
  return {status, "Input " + Quote(spec.name) + ": expected " + FormatSpec(spec) + ", but " + came +
                      " came."};
}

bool ShapeFits(const ValueSpec& spec, const Shape& shape) {
  if (!spec.has_shape) return true;
  if (shape.rank != spec.dims.size()) return false;
  for (size_t axis = 0; axis < spec.dims.size(); ++axis) {
    if (spec.dims[axis] >= 0 && spec.dims[axis] != shape.dims.at(axis)) return false;
  }
  return true;
}

std::string Missing(const char* what, uint32_t index, size_t count) {
  return "The model has no " + std::string(what) + " number " + std::to_string(index) +
         "; it has " + std::to_string(count) + ", counted from 0.";
}

std::optional<RequestError> PlaceInput(const ModelSignature& signature, const TensorView& input,
                                       Request& request) {
  if (input.index >= signature.inputs.size()) {
    return RequestError{layout::kUnknownInput,
                        Missing("input", input.index, signature.inputs.size())};
  }
  const ValueSpec& spec = signature.inputs[input.index];
  TensorView& place = request.inputs[input.index];
  if (place.index == input.index) {
    return RequestError{layout::kInvalidArgument, "Input " + Quote(spec.name) + " is given twice."};
  }
  if (input.dtype != spec.dtype) {
    return Mismatch(layout::kInvalidDtype, spec, "dtype " + Quote(DtypeName(input.dtype)));
  }
  if (!ShapeFits(spec, input.shape)) {
    return Mismatch(layout::kInvalidShape, spec, "shape " + FormatShape(input.shape));
  }
  place = input;
  request.input_bytes += input.data.size();
  return std::nullopt;
}

std::optional<RequestError> ListOutputs(size_t count,
                                        std::span<const uint64_t, layout::kMaxTensors / 64> wanted,
                                        Request& request) {
  request.outputs.clear();
  const bool all = std::all_of(wanted.begin(), wanted.end(), [](uint64_t w) { return w == 0; });
  for (uint32_t index = 0; index < layout::kMaxTensors; ++index) {
    const bool asked = (wanted[index / kWordBits] >> (index % kWordBits) & 1) != 0;
    if (asked && index >= count) {
      return RequestError{layout::kUnknownInput, Missing("output", index, count)};
    }
    if (asked || (all && index < count)) request.outputs.push_back(index);
    if (all && index + 1 >= count) break;
  }
  return std::nullopt;
}

}  // namespace

std::string FormatShape(const Shape& shape) {
  std::string text = "[";
  for (uint32_t axis = 0; axis < shape.rank; ++axis) {
    if (axis > 0) text += ',';
    text += std::to_string(shape.dims.at(axis));
  }
  return text + "]";
}

std::string_view DtypeName(Dtype dtype) {
  for (const DtypeRow& row : kDtypes) {
    if (row.dtype == dtype) return row.name;
  }
  return {};
}

std::string FormatSpec(const ValueSpec& spec) {
  std::string text(DtypeName(spec.dtype));
  if (!spec.has_shape) return text + "[…]";
  text += '[';
  for (size_t axis = 0; axis < spec.dims.size(); ++axis) {
    if (axis > 0) text += ',';
    const bool named = spec.dims[axis] < 0 && axis < spec.dim_names.size();
    const bool has_name = named && !spec.dim_names[axis].empty();
    text += has_name ? spec.dim_names[axis] : std::to_string(spec.dims[axis]);
  }
  return text + "]";
}

bool IsReadInPlace(Dtype dtype) {
  return dtype == Dtype::kFloat32 || dtype == Dtype::kFloat64 || dtype == Dtype::kFloat16 ||
         dtype == Dtype::kBfloat16;
}

std::optional<RequestError> CheckAgainstSignature(
    const ModelSignature& signature, std::span<const TensorView> inputs,
    std::span<const uint64_t, layout::kMaxTensors / 64> wanted, Request& request) {
  request.input_bytes = 0;
  // An index that no input has marks the places that nothing came for.
  TensorView absent;
  absent.index = UINT32_MAX;
  request.inputs.assign(signature.inputs.size(), absent);
  for (const TensorView& input : inputs) {
    if (auto error = PlaceInput(signature, input, request)) return error;
  }
  for (size_t i = 0; i < signature.inputs.size(); ++i) {
    if (request.inputs[i].index == i) continue;
    const ValueSpec& spec = signature.inputs[i];
    return RequestError{layout::kMissingInput, "The model needs input " + Quote(spec.name) + " " +
                                                   FormatSpec(spec) + ", which is missing."};
  }
  return ListOutputs(signature.outputs.size(), wanted, request);
}

}  // namespace mlos
