#include "engine/state_plan.h"

#include <algorithm>
#include <cstring>
#include <string>

#include "engine/request_check.h"
#include "engine/sequence.h"

namespace mlos {
namespace {

Error Refusal(const StateSpec& state, const std::string& what) {
  return CodedError("MODEL_LOAD_FAILED",
                    "The manifest's spec.state \"" + state.input + "\": " + what);
}

std::optional<uint32_t> Find(const std::vector<ValueSpec>& specs, const std::string& name) {
  const auto found = std::find_if(specs.begin(), specs.end(),
                                  [&](const ValueSpec& spec) { return spec.name == name; });
  if (found == specs.end()) return std::nullopt;
  return static_cast<uint32_t>(found - specs.begin());
}

std::vector<ValueSpec> Pick(const std::vector<ValueSpec>& from,
                            const std::vector<uint32_t>& which) {
  std::vector<ValueSpec> picked;
  picked.reserve(which.size());
  for (const uint32_t index : which) picked.push_back(from[index]);
  return picked;
}

bool CanHold(const std::vector<int64_t>& open, const std::vector<int64_t>& dims) {
  return std::equal(open.begin(), open.end(), dims.begin(), dims.end(),
                    [](int64_t may, int64_t is) { return may < 0 || may == is; });
}

template <typename T>
void Fill(std::span<std::byte> bytes, double value) {
  const T element = static_cast<T>(value);
  for (size_t at = 0; at + sizeof element <= bytes.size(); at += sizeof element) {
    std::memcpy(bytes.data() + at, &element, sizeof element);
  }
}

bool IsHalf(Dtype dtype) { return dtype == Dtype::kFloat16 || dtype == Dtype::kBfloat16; }

/// Whether every element of the dtype can be this number.
bool CanBe(Dtype dtype, double value) {
  if (value == 0 || dtype == Dtype::kFloat32 || dtype == Dtype::kFloat64) return true;
  // In all other dtypes; how 16-bit floats are written is the runtime's knowledge.
  return !IsHalf(dtype) && (value == 1 || (dtype != Dtype::kBool && value > 0 && value <= 127 &&
                                           value == static_cast<double>(static_cast<int>(value))));
}

void FillWith(Dtype dtype, std::span<std::byte> bytes, double value) {
  switch (dtype) {
    case Dtype::kFloat32:
      return Fill<float>(bytes, value);
    case Dtype::kFloat64:
      return Fill<double>(bytes, value);
    case Dtype::kInt64:
    case Dtype::kUint64:
      return Fill<int64_t>(bytes, value);
    case Dtype::kInt32:
    case Dtype::kUint32:
      return Fill<int32_t>(bytes, value);
    case Dtype::kInt16:
    case Dtype::kUint16:
      return Fill<int16_t>(bytes, value);
    case Dtype::kInt8:
    case Dtype::kUint8:
    case Dtype::kBool:
      return Fill<int8_t>(bytes, value);
    default:
      // CanBe(): nothing but 0, whose bytes are 0 in every dtype.
      std::fill(bytes.begin(), bytes.end(), std::byte{0});
  }
}

uint64_t BytesOf(Dtype dtype, const Shape& shape) {
  const uint64_t element = ElementBytes(static_cast<uint16_t>(dtype)).value_or(0);
  return ElementCount(shape).value_or(0) * element;
}

}  // namespace

Result<StatePlan> StatePlan::Make(const ModelSignature& full, std::span<const StateSpec> states) {
  StatePlan plan;
  plan.slot_of_output_.assign(full.outputs.size(), kHidden);
  for (const StateSpec& state : states) {
    const Status added = plan.Add(full, state);
    if (!added.ok()) return added.error();
  }
  plan.TakeApart(full);
  return plan;
}

Status StatePlan::Add(const ModelSignature& full, const StateSpec& state) {
  const std::optional<uint32_t> input = Find(full.inputs, state.input);
  const std::optional<uint32_t> output = Find(full.outputs, state.output);
  if (!input) return Refusal(state, "the model has no such input.");
  if (!output) return Refusal(state, "the model has no output \"" + state.output + "\".");
  const ValueSpec& in = full.inputs[*input];
  const ValueSpec& out = full.outputs[*output];
  const bool taken = std::any_of(slots_.begin(), slots_.end(), [&](const StateSlot& slot) {
    return slot.input == *input || slot.output == *output;
  });
  if (taken) return Refusal(state, "an input and an output belong to one state each.");
  if (in.dtype == Dtype::kString || in.dtype != out.dtype) {
    return Refusal(state, "input and output have to be of one dtype that is not string; they are " +
                              FormatSpec(in) + " and " + FormatSpec(out) + ".");
  }
  if (!CanBe(in.dtype, state.initial)) {
    return Refusal(state, "initial has to be a number that every dtype can hold, 0 to 127.");
  }
  StateSlot slot{.input = *input,
                 .output = *output,
                 .dtype = in.dtype,
                 .dims = in.dims,
                 .initial_dims = state.shape.value_or(in.dims),
                 .rows_axis = std::nullopt,
                 .initial = state.initial};
  if (!in.has_shape) {
    if (!state.shape) return Refusal(state, "the model does not say its shape; give one.");
    slot.dims.assign(state.shape->size(), -1);
  }
  if (slot.dims.size() != slot.initial_dims.size() || slot.dims.size() > layout::kMaxRank ||
      !CanHold(slot.dims, slot.initial_dims)) {
    return Refusal(state, "the shape does not fit the input, which is " + FormatSpec(in) + ".");
  }
  const auto open = std::count(slot.initial_dims.begin(), slot.initial_dims.end(), -1);
  if (open > 1) {
    return Refusal(state, "the input is " + FormatSpec(in) +
                              "; give a shape that is open (-1) in the batch dimension only.");
  }
  if (open == 1) {
    has_rows_ = true;
    const auto axis = std::find(slot.initial_dims.begin(), slot.initial_dims.end(), -1);
    slot.rows_axis = static_cast<uint32_t>(axis - slot.initial_dims.begin());
  } else {
    joins_ = false;
  }
  slot_of_output_[*output] = static_cast<uint32_t>(slots_.size());
  slots_.push_back(std::move(slot));
  if (ElementCount(InitialShape(slots_.back(), 1))) return {};
  return Refusal(state, "the shape has too many elements.");
}

void StatePlan::TakeApart(const ModelSignature& full) {
  for (uint32_t i = 0; i < full.inputs.size(); ++i) {
    const bool hidden = std::any_of(slots_.begin(), slots_.end(),
                                    [i](const StateSlot& slot) { return slot.input == i; });
    if (!hidden) inputs_.push_back(i);
  }
  visible_of_output_.assign(full.outputs.size(), kHidden);
  for (uint32_t i = 0; i < full.outputs.size(); ++i) {
    if (slot_of_output_[i] != kHidden) continue;
    visible_of_output_[i] = static_cast<uint32_t>(outputs_.size());
    outputs_.push_back(i);
  }
  visible_ = {.inputs = Pick(full.inputs, inputs_), .outputs = Pick(full.outputs, outputs_)};
}

uint64_t StatePlan::RowsOf(std::span<const TensorView> inputs) const {
  for (size_t i = 0; has_rows_ && i < inputs.size(); ++i) {
    const ValueSpec& spec = visible_.inputs[i];
    if (!spec.has_shape || spec.dims.empty() || spec.dims[0] >= 0) continue;
    return static_cast<uint64_t>(inputs[i].shape.dims[0]);
  }
  return 1;
}

Shape StatePlan::InitialShape(const StateSlot& slot, uint64_t rows) const {
  Shape shape;
  shape.rank = static_cast<uint32_t>(slot.initial_dims.size());
  std::copy(slot.initial_dims.begin(), slot.initial_dims.end(), shape.dims.begin());
  if (slot.rows_axis) shape.dims.at(*slot.rows_axis) = static_cast<int64_t>(rows);
  return shape;
}

std::optional<uint64_t> StatePlan::InitialBytes(uint64_t rows) const {
  uint64_t bytes = 0;
  for (const StateSlot& slot : slots_) {
    const Shape shape = InitialShape(slot, rows);
    if (!ElementCount(shape)) return std::nullopt;
    // At most kMaxTensors times 2^43.
    bytes += BytesOf(slot.dtype, shape);
  }
  return bytes;
}

void StatePlan::MakeInitial(const StateSlot& slot, uint64_t rows, StateTensor& state) const {
  const Shape shape = InitialShape(slot, rows);
  FillWith(slot.dtype, state.Resize(slot.dtype, shape, BytesOf(slot.dtype, shape)), slot.initial);
}

bool StatePlan::Fits(const StateSlot& slot, const Shape& shape, uint64_t rows) const {
  const std::vector<int64_t> dims(shape.dims.begin(), shape.dims.begin() + shape.rank);
  if (!CanHold(slot.dims, dims)) return false;
  return !slot.rows_axis || dims[*slot.rows_axis] == static_cast<int64_t>(rows);
}

Shape StatePlan::ShapeFor(const StateSlot& slot, const Request& request) const {
  if (request.starts) return InitialShape(slot, 1);
  Shape shape = request.sequence->states[static_cast<size_t>(&slot - slots_.data())].shape;
  shape.dims.at(*slot.rows_axis) = 1;
  return shape;
}

bool StatePlan::CanJoinStates(const Request& a, const Request& b) const {
  return std::all_of(slots_.begin(), slots_.end(),
                     [&](const StateSlot& slot) { return ShapeFor(slot, a) == ShapeFor(slot, b); });
}

}  // namespace mlos
