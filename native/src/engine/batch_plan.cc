#include "engine/batch_plan.h"

#include <algorithm>
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

BatchPlan PlanBatches(const ModelSignature& signature) {
  if (signature.inputs.empty() || signature.outputs.empty()) return {};
  const std::string rows = DimName(signature.inputs[0], 0);
  for (const ValueSpec& input : signature.inputs) {
    if (!HasRows(input) || DimName(input, 0) != rows || NamesInnerDim(input, rows)) return {};
  }
  for (const ValueSpec& output : signature.outputs) {
    if (!OutputFits(signature, output, rows)) return {};
  }
  BatchPlan plan{.fits = true, .shapes_known = true};
  for (const ValueSpec& input : signature.inputs) {
    for (size_t axis = 1; axis < input.dims.size(); ++axis) {
      if (input.dims[axis] < 0) plan.shapes_known = false;
    }
  }
  return plan;
}

uint64_t RowsOf(const BatchPlan& plan, const Request& request) {
  if (!plan.fits) return 0;
  const int64_t rows = request.inputs[0].shape.dims[0];
  for (const TensorView& input : request.inputs) {
    if (input.shape.dims[0] != rows) return 0;
  }
  return rows > 0 ? static_cast<uint64_t>(rows) : 0;
}

bool CanJoin(const Request& a, const Request& b) {
  if (a.rows == 0 || b.rows == 0 || a.outputs != b.outputs) return false;
  for (size_t i = 0; i < a.inputs.size(); ++i) {
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
