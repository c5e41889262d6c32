#include "ort/signature.h"

#include <string_view>
#include <utility>

namespace mlos {
namespace {

/// Bytes of a dimension's name that are kept.
constexpr size_t kDimNameBytes = 256;

/// Inputs and outputs are asked for alike.
struct Side {
  const char* what;
  decltype(OrtApi::session_input_count) count;
  decltype(OrtApi::session_input_name) name;
  decltype(OrtApi::session_input_type) type;
};

Error Unimplemented(std::string message) {
  return Error{.code = "UNIMPLEMENTED", .message = std::move(message)};
}

/// A name as it can be shown: in quotes, with what would break the line escaped.
std::string Quoted(std::string_view name) {
  constexpr char kHex[] = "0123456789abcdef";
  std::string text = "\"";
  for (const char c : name) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') text += '\\';
    if (byte >= 0x20) {
      text += c;
    } else {
      text += {'\\', 'u', '0', '0', kHex[byte >> 4], kHex[byte & 15]};
    }
  }
  return text + '"';
}

/// At most kDimNameBytes of a name, cut between characters.
std::string DimName(const char* name) {
  std::string_view text = name == nullptr ? "" : name;
  if (text.size() <= kDimNameBytes) return std::string(text);
  size_t end = kDimNameBytes;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) --end;
  return std::string(text.substr(0, end));
}

class Reader {
 public:
  Reader(const OrtLibrary& library, const OrtSession* session)
      : library_(library), api_(library.api()), session_(session) {}

  Result<std::vector<ValueSpec>> Values(const Side& side) const {
    size_t count = 0;
    if (Status status = Check(side.count(session_, &count)); !status.ok()) return status.error();
    if (count > layout::kMaxTensors) {
      return Unimplemented("The model has " + std::to_string(count) + " " + side.what +
                           "s; at most " + std::to_string(layout::kMaxTensors) + " are carried.");
    }
    std::vector<ValueSpec> values;
    for (size_t i = 0; i < count; ++i) {
      Result<ValueSpec> value = Value(side, i);
      if (!value.ok()) return value.error();
      values.push_back(std::move(value).value());
    }
    return values;
  }

 private:
  Status Check(OrtStatus* status) const { return TakeOrtStatus(api_, status, "MODEL_LOAD_FAILED"); }

  Result<ValueSpec> Value(const Side& side, size_t index) const {
    char* name = nullptr;
    if (Status status = Check(side.name(session_, index, library_.allocator(), &name));
        !status.ok()) {
      return status.error();
    }
    ValueSpec value;
    value.name = name;
    if (Status status = Check(api_.allocator_free(library_.allocator(), name)); !status.ok()) {
      return status.error();
    }
    OrtTypeInfo* raw = nullptr;
    if (Status status = Check(side.type(session_, index, &raw)); !status.ok()) {
      return status.error();
    }
    const OrtOwned<OrtTypeInfo> type(raw, {api_.release_type_info});
    const std::string label = std::string(side.what) + " " + Quoted(value.name);
    if (Status status = ReadType(label, type.get(), value); !status.ok()) return status.error();
    return value;
  }

  Status ReadType(const std::string& label, const OrtTypeInfo* type, ValueSpec& value) const {
    int kind = 0;
    if (Status status = Check(api_.get_onnx_type(type, &kind)); !status.ok()) return status;
    const OrtTensorInfo* info = nullptr;
    if (Status status = Check(api_.cast_to_tensor_info(type, &info)); !status.ok()) return status;
    if (kind != kOrtTypeTensor || info == nullptr) {
      return Unimplemented(label + " is a sequence, map or optional; this plugin runs models " +
                           "whose inputs and outputs are tensors.");
    }
    int element = 0;
    if (Status status = Check(api_.get_element_type(info, &element)); !status.ok()) return status;
    if (element <= 0 || element > UINT16_MAX || !ElementBytes(static_cast<uint16_t>(element))) {
      return Unimplemented(label + " has elements of ONNX type " + std::to_string(element) +
                           ", which this plugin does not carry.");
    }
    value.dtype = static_cast<Dtype>(element);
    value.has_shape = api_.has_shape(info);
    return value.has_shape ? ReadShape(label, info, value) : Status();
  }

  Status ReadShape(const std::string& label, const OrtTensorInfo* info, ValueSpec& value) const {
    size_t rank = 0;
    if (Status status = Check(api_.get_dimension_count(info, &rank)); !status.ok()) return status;
    if (rank > layout::kMaxRank) {
      return Unimplemented(label + " has " + std::to_string(rank) + " dimensions; at most " +
                           std::to_string(layout::kMaxRank) + " are carried.");
    }
    value.dims.resize(rank);
    value.dim_names.resize(rank);
    std::vector<const char*> names(rank);
    if (Status status = Check(api_.get_dimensions(info, value.dims.data(), rank)); !status.ok()) {
      return status;
    }
    if (Status status = Check(api_.get_symbolic_dimensions(info, names.data(), rank));
        !status.ok()) {
      return status;
    }
    for (size_t i = 0; i < rank; ++i) {
      if (value.dims[i] >= 0) continue;
      value.dims[i] = -1;
      value.dim_names[i] = DimName(names[i]);
    }
    return {};
  }

  const OrtLibrary& library_;
  const OrtApi& api_;
  const OrtSession* session_;
};

}  // namespace

Result<ModelSignature> ReadOrtSignature(const OrtLibrary& library, const OrtSession* session) {
  const OrtApi& api = library.api();
  const Reader reader(library, session);
  Result<std::vector<ValueSpec>> inputs = reader.Values(
      {"Input", api.session_input_count, api.session_input_name, api.session_input_type});
  if (!inputs.ok()) return inputs.error();
  Result<std::vector<ValueSpec>> outputs = reader.Values(
      {"Output", api.session_output_count, api.session_output_name, api.session_output_type});
  if (!outputs.ok()) return outputs.error();
  return ModelSignature{std::move(inputs).value(), std::move(outputs).value()};
}

}  // namespace mlos
