#include "engine/batch_plan.h"

#include <algorithm>
#include <cstring>
#include <string>

namespace mlos {
namespace {

std::string DimName(const ValueSpec& spec, size_t axis) {
  return axis < spec.dim_names.size() ? spec.dim_names[axis] : std::string();
}

bool HasRows(const ValueSpec& spec) {
  return spec.has_shape && !spec.dims.empty() && spec.dims[0] < 0 && spec.dtype != Dtype::kString;
}

bool NamesInnerDim(const ValueSpec& spec, const std::string& name) {
  for (size_t axis = 1; axis < spec.dims.size(); ++axis) {
    if (!name.empty() && spec.dims[axis] < 0 && DimName(spec, axis) == name) return true;
  }
  return false;
}

bool OutputFits(const ModelSignature& signature, const ValueSpec& output, const std::string& rows) {
  if (!HasRows(output) || NamesInnerDim(output, rows)) return false;
  const std::string name = DimName(output, 0);
  return std::none_of(signature.inputs.begin(), signature.inputs.end(),
                      [&](const ValueSpec& input) { return NamesInnerDim(input, name); });
}

}  // namespace

bool IsSingle(const ValueSpec& input) {
  if (!input.has_shape || input.dtype == Dtype::kString) return false;
  return input.dims.empty() || (input.dims.size() == 1 && input.dims[0] == 1);
}

BatchPlan PlanBatches(const ModelSignature& signature) {
  if (signature.inputs.empty() || signature.outputs.empty()) return {};
  const std::vector<ValueSpec>& inputs = signature.inputs;
  const auto first = std::find_if_not(inputs.begin(), inputs.end(), IsSingle);
  if (first == inputs.end()) return {};
  const std::string rows = DimName(*first, 0);
  BatchPlan plan{.fits = true, .shapes_known = true, .has_singles = false};
  for (const ValueSpec& input : inputs) {
    if (IsSingle(input)) {
      plan.has_singles = true;
      plan.shapes_known = false;
      continue;
    }
    if (!HasRows(input) || DimName(input, 0) != rows || NamesInnerDim(input, rows)) return {};
  }
  for (const ValueSpec& output : signature.outputs) {
    if (!OutputFits(signature, output, rows)) return {};
  }
  for (const ValueSpec& input : signature.inputs) {
    for (size_t axis = 1; axis < input.dims.size(); ++axis) {
      if (input.dims[axis] < 0) plan.shapes_known = false;
    }
  }
  return plan;
}

uint64_t RowsOf(const BatchPlan& plan, const ModelSignature& signature, const Request& request) {
  if (!plan.fits) return 0;
  int64_t rows = -1;
  for (size_t i = 0; i < request.inputs.size(); ++i) {
    if (IsSingle(signature.inputs[i])) continue;
    const int64_t own = request.inputs[i].shape.dims[0];
    if (rows >= 0 && own != rows) return 0;
    rows = own;
  }
  return rows > 0 ? static_cast<uint64_t>(rows) : 0;
}

void KeepSingles(const ModelSignature& signature, Request& request) {
  request.singles.assign(signature.inputs.size(), 0);
  for (size_t i = 0; i < signature.inputs.size(); ++i) {
    if (!IsSingle(signature.inputs[i])) continue;
    std::span<const std::byte>& data = request.inputs[i].data;
    auto* const kept = reinterpret_cast<std::byte*>(&request.singles[i]);
    std::memcpy(kept, data.data(), data.size());
    data = {kept, data.size()};
  }
}

bool CanJoin(const ModelSignature& signature, const Request& a, const Request& b) {
  if (a.rows == 0 || b.rows == 0 || a.outputs != b.outputs) return false;
  for (size_t i = 0; i < a.inputs.size(); ++i) {
    if (IsSingle(signature.inputs[i])) {
      if (a.singles[i] != b.singles[i]) return false;
      continue;
    }
    const Shape& left = a.inputs[i].shape;
    const Shape& right = b.inputs[i].shape;
    if (left.rank != right.rank) return false;
    if (!std::equal(left.dims.begin() + 1, left.dims.begin() + left.rank, right.dims.begin() + 1)) {
      return false;
    }
  }
  return true;
}

}  // namespace mlos
