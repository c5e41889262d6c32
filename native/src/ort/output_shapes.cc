#include "ort/output_shapes.h"

#include <algorithm>

namespace mlos {
namespace {

/// Combinations of input shapes that are remembered: batch sizes times sequence lengths in use.
constexpr size_t kMaxEntries = 128;

bool IsStatic(const ValueSpec& value) {
  return value.has_shape &&
         std::all_of(value.dims.begin(), value.dims.end(), [](int64_t dim) { return dim >= 0; });
}

/// The runtime gives back the input itself for an output that is one, not memory bound to it.
bool IsInput(const ModelSignature& signature, const ValueSpec& output) {
  return std::any_of(signature.inputs.begin(), signature.inputs.end(),
                     [&](const ValueSpec& input) { return input.name == output.name; });
}

}  // namespace

OutputShapes::OutputShapes(const ModelSignature& signature) {
  for (const ValueSpec& output : signature.outputs) {
    // Strings are no memory that could be bound.
    foretold_.push_back(output.dtype != Dtype::kString && !IsInput(signature, output));
    Guess guess;
    if (IsStatic(output)) {
      guess.known = true;
      guess.shape.rank = static_cast<uint32_t>(output.dims.size());
      std::copy(output.dims.begin(), output.dims.end(), guess.shape.dims.begin());
    }
    if (!guess.known && foretold_.back()) all_static_ = false;
    static_.push_back(guess);
  }
}

void OutputShapes::WriteKey(std::span<const TensorView> inputs) {
  key_.clear();
  uint64_t hash = inputs.size();
  const auto add = [&](int64_t number) {
    key_.push_back(number);
    hash = (hash ^ static_cast<uint64_t>(number)) * 0x9e3779b97f4a7c15;
    hash ^= hash >> 32;
  };
  for (const TensorView& input : inputs) {
    add(input.shape.rank);
    for (const int64_t dim : input.shape.span()) add(dim);
  }
  hash_ = hash;
}

void OutputShapes::Select(std::span<const TensorView> inputs) {
  if (all_static_) return;
  WriteKey(inputs);
  const auto same = [&](const Entry& entry) { return entry.hash == hash_ && entry.key == key_; };
  if (current_ < entries_.size() && same(entries_[current_])) return;
  const auto found = std::find_if(entries_.begin(), entries_.end(), same);
  if (found != entries_.end()) {
    current_ = static_cast<size_t>(found - entries_.begin());
    return;
  }
  Entry& entry = Place();
  entry.hash = hash_;
  entry.key = key_;
  entry.guesses.assign(static_.size(), {});
}

OutputShapes::Entry& OutputShapes::Place() {
  if (entries_.size() < kMaxEntries) {
    current_ = entries_.size();
    return entries_.emplace_back();
  }
  current_ = oldest_;
  oldest_ = (oldest_ + 1) % kMaxEntries;
  return entries_[current_];
}

const Shape* OutputShapes::Foretell(uint32_t output) const {
  if (!foretold_[output]) return nullptr;
  const Guess& fixed = static_[output];
  const Guess& guess = fixed.known ? fixed : entries_[current_].guesses[output];
  return guess.known ? &guess.shape : nullptr;
}

void OutputShapes::Learn(uint32_t output, const Shape& shape) {
  if (!foretold_[output]) return;
  const Shape* guess = Foretell(output);
  if (guess != nullptr) {
    if (!(*guess == shape)) foretold_[output] = false;
    return;
  }
  entries_[current_].guesses[output] = {.known = true, .shape = shape};
}

}  // namespace mlos
