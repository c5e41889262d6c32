#include "engine/sample_rows.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "engine/batch_plan.h"
#include "engine/request_check.h"

namespace mlos {
namespace {

constexpr double kTolerance = 1e-5;
constexpr double kHalfTolerance = 2e-3;
constexpr double kBrainTolerance = 1.6e-2;
constexpr float kScaleStep = 0.03F;

template <typename T>
T Load(const std::byte* from) {
  T value;
  std::memcpy(&value, from, sizeof value);
  return value;
}

double HalfToDouble(uint16_t bits) {
  const int exponent = bits >> 10 & 0x1f;
  const int mantissa = bits & 0x3ff;
  const double sign = (bits & 0x8000) != 0 ? -1 : 1;
  if (exponent == 0x1f) return mantissa != 0 ? NAN : sign * INFINITY;
  if (exponent == 0) return sign * std::ldexp(mantissa, -24);
  return sign * std::ldexp(mantissa + 0x400, exponent - 25);
}

double BrainToDouble(uint16_t bits) {
  const uint32_t wide = static_cast<uint32_t>(bits) << 16;
  return Load<float>(reinterpret_cast<const std::byte*>(&wide));
}

double ReadFloat(Dtype dtype, const std::byte* from) {
  switch (dtype) {
    case Dtype::kFloat32:
      return Load<float>(from);
    case Dtype::kFloat64:
      return Load<double>(from);
    case Dtype::kFloat16:
      return HalfToDouble(Load<uint16_t>(from));
    default:
      return BrainToDouble(Load<uint16_t>(from));
  }
}

double ToleranceOf(Dtype dtype) {
  if (dtype == Dtype::kFloat16) return kHalfTolerance;
  return dtype == Dtype::kBfloat16 ? kBrainTolerance : kTolerance;
}

/// `variant` of a number between 0 and 1, spread over the row; each differs from its neighbours.
double MadeUp(uint64_t position, uint32_t variant) {
  constexpr uint64_t kModulus = 1009;
  const uint64_t mixed = (position + 1) * 7919 + uint64_t{variant} * 2741 + position * variant * 31;
  return static_cast<double>(mixed % kModulus) / kModulus;
}

uint16_t HalfOf(double value) {
  // Between 0 and 1 with steps of 2^-10: 1 + value, less 1, loses nothing that matters here.
  constexpr uint16_t kOne = 0x3c00;
  return static_cast<uint16_t>(kOne + static_cast<uint16_t>(value * 0x3ff));
}

uint16_t BrainOf(double value) {
  const auto narrow = static_cast<float>(value);
  uint32_t bits = 0;
  std::memcpy(&bits, &narrow, sizeof bits);
  return static_cast<uint16_t>(bits >> 16);
}

void WriteMadeUp(Dtype dtype, uint64_t position, uint32_t variant, std::byte* to) {
  const double value = MadeUp(position, variant);
  const uint64_t whole = (position + variant) % 2;
  if (dtype == Dtype::kFloat32) {
    const auto narrow = static_cast<float>(value);
    std::memcpy(to, &narrow, sizeof narrow);
  } else if (dtype == Dtype::kFloat64) {
    std::memcpy(to, &value, sizeof value);
  } else if (dtype == Dtype::kFloat16 || dtype == Dtype::kBfloat16) {
    const uint16_t bits = dtype == Dtype::kFloat16 ? HalfOf(value) : BrainOf(value);
    std::memcpy(to, &bits, sizeof bits);
  } else {
    // Little-endian: the low bytes come first, whatever the width.
    std::memcpy(to, &whole, ElementBytes(static_cast<uint16_t>(dtype)).value_or(1));
  }
}

template <typename T>
void ScaleRow(std::span<std::byte> row, uint32_t variant) {
  const T factor = 1 + static_cast<T>(kScaleStep) * static_cast<T>(variant);
  for (size_t at = 0; at + sizeof(T) <= row.size(); at += sizeof(T)) {
    const T value = Load<T>(row.data() + at) * factor;
    std::memcpy(row.data() + at, &value, sizeof value);
  }
}

}  // namespace

void SampleRows::Add(const TensorView& row, uint64_t row_bytes) {
  Input input;
  input.row = row;
  input.row.shape.dims[0] = 1;
  input.row.data = {};
  input.row_bytes = row_bytes;
  input.variants.resize(row_bytes * kVariants);
  inputs_.push_back(std::move(input));
}

void SampleRows::MakeUp(const ModelSignature& signature) {
  inputs_.clear();
  for (uint32_t i = 0; i < signature.inputs.size(); ++i) {
    const ValueSpec& spec = signature.inputs[i];
    TensorView row{.index = i, .dtype = spec.dtype, .shape = {}, .data = {}};
    row.shape.rank = static_cast<uint32_t>(spec.dims.size());
    std::copy(spec.dims.begin(), spec.dims.end(), row.shape.dims.begin());
    row.shape.dims[0] = 1;
    const uint64_t count = ElementCount(row.shape).value_or(0);
    const uint32_t width = ElementBytes(static_cast<uint16_t>(spec.dtype)).value_or(1);
    Add(row, count * width);
    std::byte* to = inputs_.back().variants.data();
    for (uint32_t variant = 0; variant < kVariants; ++variant) {
      for (uint64_t at = 0; at < count; ++at, to += width) {
        WriteMadeUp(spec.dtype, at, variant, to);
      }
    }
  }
}

void SampleRows::AddSingle(const TensorView& view) {
  Input& input = inputs_.emplace_back();
  input.row = view;
  input.row.data = {};
  input.is_single = true;
  input.variants.assign(view.data.begin(), view.data.end());
}

void SampleRows::TakeFrom(const ModelSignature& signature, std::span<const TensorView> inputs) {
  inputs_.clear();
  for (size_t i = 0; i < inputs.size(); ++i) {
    const TensorView& view = inputs[i];
    if (IsSingle(signature.inputs[i])) {
      AddSingle(view);
      continue;
    }
    const uint64_t row_bytes = view.data.size() / static_cast<uint64_t>(view.shape.dims[0]);
    Add(view, row_bytes);
    if (row_bytes == 0) continue;
    const uint32_t width = ElementBytes(static_cast<uint16_t>(view.dtype)).value_or(1);
    for (uint32_t variant = 0; variant < kVariants; ++variant) {
      const std::span row(inputs_.back().variants.data() + variant * row_bytes, row_bytes);
      std::memcpy(row.data(), view.data.data(), row_bytes);
      if (view.dtype == Dtype::kFloat32) {
        ScaleRow<float>(row, variant);
      } else if (view.dtype == Dtype::kFloat64) {
        ScaleRow<double>(row, variant);
      } else {
        const auto middle = static_cast<ptrdiff_t>(uint64_t{variant} * width % row_bytes);
        std::rotate(row.begin(), row.begin() + middle, row.end());
      }
    }
  }
}

std::span<const TensorView> SampleRows::Inputs(uint32_t first, uint32_t rows) {
  views_.clear();
  for (Input& input : inputs_) {
    if (input.is_single) {
      views_.push_back(input.row);
      views_.back().data = input.variants;
      continue;
    }
    const std::span<std::byte> all = input.buffer.Reserve(input.row_bytes * rows);
    for (uint32_t row = 0; row < rows && input.row_bytes > 0; ++row) {
      const std::byte* from = input.variants.data() + (first + row) % kVariants * input.row_bytes;
      std::memcpy(all.data() + row * input.row_bytes, from, input.row_bytes);
    }
    TensorView view = input.row;
    view.shape.dims[0] = rows;
    view.data = all;
    views_.push_back(view);
  }
  return views_;
}

uint64_t SampleRows::row_bytes() const {
  uint64_t total = 0;
  for (const Input& input : inputs_) total += input.row_bytes;
  return total;
}

bool SameValues(Dtype dtype, std::span<const std::byte> a, std::span<const std::byte> b) {
  if (a.size() != b.size()) return false;
  if (a.empty() || std::memcmp(a.data(), b.data(), a.size()) == 0) return true;
  if (!IsReadInPlace(dtype)) return false;
  const uint32_t width = ElementBytes(static_cast<uint16_t>(dtype)).value_or(1);
  double largest = 0;
  for (size_t at = 0; at < a.size(); at += width) {
    const double value = std::fabs(ReadFloat(dtype, a.data() + at));
    if (std::isfinite(value)) largest = std::max(largest, value);
  }
  const double tolerance = ToleranceOf(dtype) * largest;
  for (size_t at = 0; at < a.size(); at += width) {
    const double left = ReadFloat(dtype, a.data() + at);
    const double right = ReadFloat(dtype, b.data() + at);
    const bool same = left == right || (std::isnan(left) && std::isnan(right)) ||
                      std::fabs(left - right) <= tolerance;
    if (!same) return false;
  }
  return true;
}

}  // namespace mlos
