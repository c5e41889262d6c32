#include "capi/signature.h"

#include <algorithm>
#include <array>
#include <utility>

#include "capi/error_codes.h"

namespace mlos::capi {
namespace {

constexpr size_t kMaxNameBytes = 4096;

constexpr std::array<std::pair<std::string_view, Dtype>, 14> kDtypes = {{
    {"float32", Dtype::kFloat32},
    {"uint8", Dtype::kUint8},
    {"int8", Dtype::kInt8},
    {"uint16", Dtype::kUint16},
    {"int16", Dtype::kInt16},
    {"int32", Dtype::kInt32},
    {"int64", Dtype::kInt64},
    {"string", Dtype::kString},
    {"bool", Dtype::kBool},
    {"float16", Dtype::kFloat16},
    {"float64", Dtype::kFloat64},
    {"uint32", Dtype::kUint32},
    {"uint64", Dtype::kUint64},
    {"bfloat16", Dtype::kBfloat16},
}};

bool ReadDims(const msgpack::Value& shape, TensorSpec& spec) {
  if (shape.IsNil()) return true;
  if (!shape.IsList() || shape.items.size() > layout::kMaxRank) return false;
  spec.has_shape = true;
  for (const msgpack::Value& item : shape.items) {
    const std::optional<int64_t> dim = item.AsInteger();
    if (!dim.has_value() || *dim < -1) return false;
    spec.dims.push_back(*dim);
  }
  return true;
}

bool ReadSpec(const msgpack::Value& value, TensorSpec& spec) {
  const msgpack::Value* name = value.Find("name");
  const msgpack::Value* dtype = value.Find("dtype");
  const msgpack::Value* shape = value.Find("shape");
  if (name == nullptr || dtype == nullptr || shape == nullptr) return false;
  const std::optional<std::string_view> text = name->AsText();
  // The C API hands names out as NUL-terminated texts.
  if (!text.has_value() || text->size() > kMaxNameBytes || text->find('\0') != text->npos) {
    return false;
  }
  const auto* found = std::find_if(kDtypes.begin(), kDtypes.end(), [&](const auto& entry) {
    return dtype->AsText() == entry.first;
  });
  if (found == kDtypes.end()) return false;
  spec.name = *text;
  spec.dtype = found->second;
  return ReadDims(*shape, spec);
}

bool ReadSpecs(const msgpack::Value* list, std::vector<TensorSpec>& specs) {
  if (list == nullptr || !list->IsList() || list->items.size() > layout::kMaxTensors) return false;
  specs.reserve(list->items.size());
  return std::all_of(list->items.begin(), list->items.end(), [&](const msgpack::Value& item) {
    return ReadSpec(item, specs.emplace_back());
  });
}

std::string Listed(std::span<const int64_t> dims) {
  std::string text = "[";
  for (const int64_t dim : dims) {
    if (text.size() > 1) text += ", ";
    text += dim == -1 ? "any" : std::to_string(dim);
  }
  return text + "]";
}

}  // namespace

std::optional<Signature> ReadSignature(const msgpack::Value& value) {
  Signature signature;
  if (!ReadSpecs(value.Find("inputs"), signature.inputs)) return std::nullopt;
  if (!ReadSpecs(value.Find("outputs"), signature.outputs)) return std::nullopt;
  return signature;
}

std::optional<uint32_t> FindSpec(const std::vector<TensorSpec>& specs, std::string_view name) {
  for (uint32_t i = 0; i < specs.size(); ++i) {
    if (specs[i].name == name) return i;
  }
  return std::nullopt;
}

Result<uint64_t> CheckShape(const TensorSpec& spec, std::span<const int64_t> dims) {
  Shape shape;
  if (dims.size() > layout::kMaxRank) {
    return CodedError("INVALID_SHAPE", "A tensor has at most " + std::to_string(layout::kMaxRank) +
                                           " dimensions, not " + std::to_string(dims.size()) + ".");
  }
  shape.rank = static_cast<uint32_t>(dims.size());
  std::copy(dims.begin(), dims.end(), shape.dims.begin());
  const std::optional<uint64_t> count = ElementCount(shape);
  const bool fits =
      !spec.has_shape || std::equal(dims.begin(), dims.end(), spec.dims.begin(), spec.dims.end(),
                                    [](int64_t given, int64_t declared) {
                                      return declared == -1 || given == declared;
                                    });
  if (count.has_value() && fits) return *count;
  return CodedError("INVALID_SHAPE", "Input \"" + spec.name + "\" cannot have the shape " +
                                         Listed(dims) + "; the model takes " +
                                         (spec.has_shape ? Listed(spec.dims) : "any shape") + ".");
}

}  // namespace mlos::capi
