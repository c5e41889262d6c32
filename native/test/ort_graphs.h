#ifndef MLOS_TEST_ORT_GRAPHS_H_
#define MLOS_TEST_ORT_GRAPHS_H_

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "onnx_model.h"

/// Graphs that the tests of the runner share, and what they compute.
namespace mlos::test {

using onnx::Graph;
using onnx::Tensor;
using Dims = std::vector<onnx::Dim>;

inline Graph OneNode(const std::string& type, const onnx::Value& input, const onnx::Value& output) {
  return {{input}, {output}, {{type, {input.name}, {output.name}}}};
}

inline Graph Identity(Dtype dtype, const Dims& dims) {
  return OneNode("Identity", Tensor("x", dtype, dims), Tensor("y", dtype, dims));
}

inline std::string_view RawBytes(const std::vector<float>& numbers) {
  return {reinterpret_cast<const char*>(numbers.data()), numbers.size() * sizeof(float)};
}

inline std::vector<float> Ramp(size_t count, float start, float step) {
  std::vector<float> numbers(count);
  for (size_t i = 0; i < count; ++i) numbers[i] = start + step * static_cast<float>(i % 13);
  return numbers;
}

/// relu(x·w1 + b1)·w2 + b2 on rows of 16.
inline Graph Mlp() {
  static const std::vector<float> w1 = Ramp(256, -0.5F, 0.125F);
  static const std::vector<float> w2 = Ramp(256, 0.25F, -0.0625F);
  static const std::vector<float> bias = Ramp(16, 0.5F, 0.25F);
  const auto weight = [](const char* name, const std::vector<float>& numbers,
                         const std::vector<int64_t>& dims) {
    return onnx::Weight(name, Dtype::kFloat32, dims, RawBytes(numbers));
  };
  return {{Tensor("x", Dtype::kFloat32, {"N", 16})},
          {Tensor("y", Dtype::kFloat32, {"N", 16})},
          {{"MatMul", {"x", "w1"}, {"a"}},
           {"Add", {"a", "b"}, {"c"}},
           {"Relu", {"c"}, {"d"}},
           {"MatMul", {"d", "w2"}, {"e"}},
           {"Add", {"e", "b"}, {"y"}}},
          {weight("w1", w1, {16, 16}), weight("w2", w2, {16, 16}), weight("b", bias, {16})}};
}

/// All numbers are small multiples of a power of two, so that every order of sums is exact.
inline std::vector<float> MlpByHand(const std::vector<float>& x) {
  const std::vector<float> w1 = Ramp(256, -0.5F, 0.125F);
  const std::vector<float> w2 = Ramp(256, 0.25F, -0.0625F);
  const std::vector<float> bias = Ramp(16, 0.5F, 0.25F);
  const auto layer = [&](const std::vector<float>& rows, const std::vector<float>& weights) {
    std::vector<float> out(rows.size());
    for (size_t i = 0; i < rows.size(); ++i) {
      float sum = bias[i % 16];
      for (size_t k = 0; k < 16; ++k) sum += rows[i / 16 * 16 + k] * weights[k * 16 + i % 16];
      out[i] = sum;
    }
    return out;
  };
  std::vector<float> hidden = layer(x, w1);
  for (float& number : hidden) number = std::max(number, 0.0F);
  return layer(hidden, w2);
}

}  // namespace mlos::test

#endif  // MLOS_TEST_ORT_GRAPHS_H_
