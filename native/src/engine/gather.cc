#include "engine/gather.h"

#include <algorithm>
#include <cstring>

#include "engine/batch_plan.h"
#include "engine/request_check.h"
#include "shm/packed_strings.h"

namespace mlos {
namespace {

void CopyElements(Dtype dtype, std::span<const std::byte> from, std::byte* to) {
  if (dtype != Dtype::kBool) {
    if (!from.empty()) std::memcpy(to, from.data(), from.size());
    return;
  }
  // A bool that is neither 0 nor 1 is undefined behaviour in whoever reads it as one.
  for (size_t i = 0; i < from.size(); ++i) to[i] = std::byte{from[i] != std::byte{0}};
}

}  // namespace

std::optional<RequestError> InputGatherer::Single(const Request& request) {
  inputs_.assign(request.inputs.begin(), request.inputs.end());
  if (buffers_.size() < inputs_.size()) buffers_.resize(inputs_.size());
  for (size_t i = 0; i < inputs_.size(); ++i) {
    TensorView& input = inputs_[i];
    if (IsReadInPlace(input.dtype)) continue;
    const std::span<std::byte> copy = buffers_[i].Reserve(input.data.size());
    CopyElements(input.dtype, input.data, copy.data());
    input.data = copy;
    if (input.dtype != Dtype::kString) continue;
    const Status unpacked = UnpackStrings(copy, ElementCount(input.shape).value_or(0), strings_);
    if (!unpacked.ok()) {
      return RequestError{layout::kInvalidValue,
                          "Input number " + std::to_string(i) + ": " + unpacked.error().message};
    }
  }
  return std::nullopt;
}

void InputGatherer::Join(const ModelSignature& signature, std::span<Request* const> requests) {
  const Request& first = *requests.front();
  inputs_.assign(first.inputs.begin(), first.inputs.end());
  if (buffers_.size() < inputs_.size()) buffers_.resize(inputs_.size());
  for (size_t i = 0; i < inputs_.size(); ++i) {
    if (IsSingle(signature.inputs[i])) {
      const std::span<std::byte> copy = buffers_[i].Reserve(inputs_[i].data.size());
      CopyElements(inputs_[i].dtype, inputs_[i].data, copy.data());
      inputs_[i].data = copy;
      continue;
    }
    uint64_t rows = 0;
    uint64_t byte_length = 0;
    for (const Request* request : requests) {
      rows += request->rows;
      byte_length += request->inputs[i].data.size();
    }
    const std::span<std::byte> joined = buffers_[i].Reserve(byte_length);
    std::byte* to = joined.data();
    for (const Request* request : requests) {
      CopyElements(inputs_[i].dtype, request->inputs[i].data, to);
      to += request->inputs[i].data.size();
    }
    inputs_[i].shape.dims[0] = static_cast<int64_t>(rows);
    inputs_[i].data = joined;
  }
}

void InputGatherer::Trim() {
  inputs_.clear();
  for (AlignedBuffer& buffer : buffers_) buffer.Trim(AlignedBuffer::kKeptBytes);
}

JoinedOutputs::JoinedOutputs(size_t output_count) : outputs_(output_count) {}

std::span<std::byte> JoinedOutputs::Allocate(uint32_t index, Dtype dtype, const Shape& shape,
                                             uint64_t byte_length) {
  if (index >= outputs_.size() || byte_length > layout::kMaxArenaBytes) return {};
  Output& output = outputs_[index];
  const std::span<std::byte> bytes = output.buffer.Reserve(byte_length);
  output.present = true;
  output.view = TensorView{.index = index, .dtype = dtype, .shape = shape, .data = bytes};
  return bytes;
}

void JoinedOutputs::Clear() {
  for (Output& output : outputs_) output.present = false;
}

bool JoinedOutputs::HasRows(std::span<const uint32_t> wanted, uint64_t rows) const {
  return std::all_of(wanted.begin(), wanted.end(), [&](uint32_t index) {
    const Output& output = outputs_[index];
    const Shape& shape = output.view.shape;
    return output.present && output.view.dtype != Dtype::kString && shape.rank > 0 &&
           shape.dims[0] == static_cast<int64_t>(rows) && output.view.data.size() % rows == 0;
  });
}

bool JoinedOutputs::Scatter(std::span<const uint32_t> wanted, uint64_t first, uint64_t rows,
                            OutputSink& answer) const {
  for (const uint32_t index : wanted) {
    const TensorView& all = outputs_[index].view;
    const uint64_t row_bytes = all.data.size() / static_cast<uint64_t>(all.shape.dims[0]);
    Shape shape = all.shape;
    shape.dims[0] = static_cast<int64_t>(rows);
    const std::span<std::byte> to = answer.Allocate(index, all.dtype, shape, row_bytes * rows);
    if (to.size() < row_bytes * rows) return false;
    if (!to.empty()) std::memcpy(to.data(), all.data.data() + first * row_bytes, to.size());
  }
  return true;
}

void JoinedOutputs::Trim() {
  for (Output& output : outputs_) output.buffer.Trim(AlignedBuffer::kKeptBytes);
}

}  // namespace mlos
