// Guards the runner on ONNX Runtime's C ABI against the library itself: every dtype bit for bit,
// names, strings, bound and copied outputs, wrong guesses.
#include "ort/ort_runner.h"

#include <string>
#include <vector>

#include "check.h"
#include "onnx_model.h"
#include "ort_fixture.h"
#include "ort_graphs.h"

namespace mlos {
namespace {

using test::Dims;
using test::HeapSink;
using test::Identity;
using test::LoadedModel;
using test::Mlp;
using test::MlpByHand;
using test::OneNode;
using test::Pack;
using test::Ramp;
using test::RawBytes;
using test::ShapeOf;
using test::ViewOf;
using test::onnx::Graph;
using test::onnx::Tensor;

struct DtypeCase {
  Dtype dtype;
  size_t element_bytes;
};

constexpr DtypeCase kNumbers[] = {{Dtype::kFloat32, 4}, {Dtype::kUint8, 1},  {Dtype::kInt8, 1},
                                  {Dtype::kUint16, 2},  {Dtype::kInt16, 2},  {Dtype::kInt32, 4},
                                  {Dtype::kInt64, 8},   {Dtype::kBool, 1},   {Dtype::kFloat16, 2},
                                  {Dtype::kFloat64, 8}, {Dtype::kUint32, 4}, {Dtype::kUint64, 8},
                                  {Dtype::kBfloat16, 2}};

/// Bit patterns, NaNs among them; for bool 0 and 1.
std::vector<uint8_t> Pattern(Dtype dtype, size_t byte_length) {
  std::vector<uint8_t> bytes(byte_length);
  for (size_t i = 0; i < byte_length; ++i) {
    bytes[i] = static_cast<uint8_t>(dtype == Dtype::kBool ? i % 2 : 0xff - i * 7);
  }
  return bytes;
}

}  // namespace

MLOS_TEST(ort_library_that_cannot_be_used_says_why) {
  for (const char* path : {"/nonexistent/libonnxruntime.so.1", "libc.so.6"}) {
    const auto library = OrtLibrary::Open(path);
    REQUIRE(!library.ok());
    CHECK_EQ(library.error().code, "UNIMPLEMENTED");
    CHECK(!library.error().message.empty());
  }
}

MLOS_TEST(ort_mlp_gives_exact_numbers_for_every_batch) {
  LoadedModel model(Mlp());
  REQUIRE(model.context != nullptr);
  CHECK(model.runner->description().starts_with("onnxruntime 1."));
  CHECK(model.runner->description().ends_with(" (C ABI)"));
  // Each batch first copied, then bound; then all again in another order.
  for (const int64_t rows : {1, 1, 4, 4, 2, 1, 4, 2, 300, 300}) {
    const std::vector<float> x = Ramp(static_cast<size_t>(rows) * 16, -1.0F, 0.25F);
    HeapSink sink;
    CHECK_EQ(model.Run({ViewOf(0, Dtype::kFloat32, ShapeOf({rows, 16}), x)}, sink), "");
    CHECK_EQ(sink.outputs[0].shape, ShapeOf({rows, 16}));
    CHECK(sink.Elements<float>(0) == MlpByHand(x));
  }
}

MLOS_TEST(ort_carries_every_dtype_bit_for_bit) {
  for (const DtypeCase& number : kNumbers) {
    for (const bool is_static : {true, false}) {
      const auto dims = is_static ? Dims{2, 3} : Dims{"rows", "columns"};
      LoadedModel model(Identity(number.dtype, dims));
      REQUIRE(model.context != nullptr);
      CHECK(model.runner->signature().inputs[0].dtype == number.dtype);
      CHECK(model.runner->signature().outputs[0].dtype == number.dtype);
      const std::vector<uint8_t> bytes = Pattern(number.dtype, 6 * number.element_bytes);
      for (int run = 0; run < 3; ++run) {
        HeapSink sink;
        CHECK_EQ(model.Run({ViewOf(0, number.dtype, ShapeOf({2, 3}), bytes)}, sink), "");
        CHECK(sink.outputs[0].dtype == number.dtype);
        CHECK_EQ(sink.outputs[0].shape, ShapeOf({2, 3}));
        CHECK(sink.Elements<uint8_t>(0) == bytes);
        CHECK_EQ(sink.outputs[0].allocations, 1);
      }
    }
  }
}

MLOS_TEST(ort_carries_scalars_and_empty_tensors) {
  LoadedModel scalar(Identity(Dtype::kFloat32, {}));
  REQUIRE(scalar.context != nullptr);
  const std::vector<float> one = {1.5F};
  HeapSink sink;
  CHECK_EQ(scalar.Run({ViewOf(0, Dtype::kFloat32, ShapeOf({}), one)}, sink), "");
  CHECK_EQ(sink.outputs[0].shape, ShapeOf({}));
  CHECK(sink.Elements<float>(0) == one);
  const std::vector<float> none;
  for (const auto& dims : {Dims{0, 3}, Dims{"N", 3}}) {
    LoadedModel empty(
        OneNode("Neg", Tensor("x", Dtype::kFloat32, dims), Tensor("y", Dtype::kFloat32, dims)));
    REQUIRE(empty.context != nullptr);
    for (int run = 0; run < 2; ++run) {
      HeapSink nothing;
      CHECK_EQ(empty.Run({ViewOf(0, Dtype::kFloat32, ShapeOf({0, 3}), none)}, nothing), "");
      CHECK_EQ(nothing.outputs[0].shape, ShapeOf({0, 3}));
      CHECK_EQ(nothing.outputs[0].bytes.size(), size_t{0});
    }
  }
}

MLOS_TEST(ort_signature_knows_a_scalar_from_an_open_rank) {
  const test::onnx::Value open = {"open", test::onnx::TensorType(1)};
  LoadedModel model({{open, Tensor("scalar", Dtype::kFloat32, {}),
                      Tensor("named", Dtype::kInt64, {"batch", 7, ""})},
                     {{"open_out", test::onnx::TensorType(1)},
                      Tensor("scalar_out", Dtype::kFloat32, {}),
                      Tensor("named_out", Dtype::kInt64, {"batch", 7, ""})},
                     {{"Neg", {"open"}, {"open_out"}},
                      {"Neg", {"scalar"}, {"scalar_out"}},
                      {"Neg", {"named"}, {"named_out"}}}});
  REQUIRE(model.runner != nullptr);
  const ModelSignature& signature = model.runner->signature();
  for (const auto& side : {signature.inputs, signature.outputs}) {
    REQUIRE(side.size() == 3);
    CHECK(!side[0].has_shape && side[0].dims.empty());
    CHECK(side[1].has_shape && side[1].dims.empty());
    CHECK(side[2].has_shape && side[2].dims == (std::vector<int64_t>{-1, 7, -1}));
    CHECK(side[2].dim_names == (std::vector<std::string>{"batch", "", ""}));
  }
  // An open rank takes any.
  const std::vector<float> four = {1, 2, 3, 4};
  for (const Shape& shape : {ShapeOf({4}), ShapeOf({2, 2}), ShapeOf({4})}) {
    HeapSink sink;
    const std::vector<int64_t> named(7);
    CHECK_EQ(model.Run({ViewOf(0, Dtype::kFloat32, shape, four),
                        ViewOf(1, Dtype::kFloat32, ShapeOf({}), std::vector<float>{1}),
                        ViewOf(2, Dtype::kInt64, ShapeOf({1, 7, 1}), named)},
                       sink),
             "");
    CHECK_EQ(sink.outputs[0].shape, shape);
    CHECK(sink.Elements<float>(0) == (std::vector<float>{-1, -2, -3, -4}));
  }
}

MLOS_TEST(ort_names_may_be_odd) {
  for (const std::string name : {"__proto__", "a \"b\"\n\\", "名前", "x:0"}) {
    LoadedModel model(OneNode("Neg", Tensor(name, Dtype::kFloat32, {1}),
                              Tensor(name + ".out", Dtype::kFloat32, {1})));
    REQUIRE(model.context != nullptr);
    CHECK_EQ(model.runner->signature().inputs[0].name, name);
    HeapSink sink;
    const std::vector<float> x = {2};
    CHECK_EQ(model.Run({ViewOf(0, Dtype::kFloat32, ShapeOf({1}), x)}, sink), "");
    CHECK(sink.Elements<float>(0) == std::vector<float>{-2});
  }
}

MLOS_TEST(ort_strings_keep_every_byte) {
  LoadedModel model(Identity(Dtype::kString, {"rows", "columns"}));
  REQUIRE(model.context != nullptr);
  const std::vector<std::string> words = {"",  std::string("a\0b", 3), "größer",
                                          "x", std::string(100, 'y'),  "\xff"};
  for (const Shape& shape : {ShapeOf({2, 3}), ShapeOf({3, 2})}) {
    HeapSink sink;
    const std::vector<std::byte> packed = Pack(words);
    CHECK_EQ(model.Run({ViewOf(0, Dtype::kString, shape, packed)}, sink), "");
    CHECK_EQ(sink.outputs[0].shape, shape);
    CHECK(sink.Elements<std::byte>(0) == packed);
  }
  HeapSink none;
  const std::vector<std::byte> nothing;
  CHECK_EQ(model.Run({ViewOf(0, Dtype::kString, ShapeOf({0, 2}), nothing)}, none), "");
  CHECK_EQ(none.outputs[0].shape, ShapeOf({0, 2}));
}

MLOS_TEST(ort_refuses_strings_that_do_not_fit_their_lengths) {
  LoadedModel model(Identity(Dtype::kString, {"n"}));
  REQUIRE(model.context != nullptr);
  std::vector<std::byte> too_long = Pack({"ab", "cd"});
  too_long[4] = std::byte{3};
  std::vector<std::byte> huge = too_long;
  std::fill_n(huge.begin() + 4, 4, std::byte{0xff});
  std::vector<std::byte> rest = Pack({"ab", "cd"});
  rest.push_back(std::byte{'e'});
  std::vector<std::byte> cut = Pack({"ab", "cd"});
  cut.resize(7);
  for (const auto& packed : {too_long, huge, rest, cut}) {
    HeapSink sink;
    CHECK_EQ(model.Run({ViewOf(0, Dtype::kString, ShapeOf({2}), packed)}, sink), "INVALID_VALUE");
  }
  HeapSink sink;
  const TensorView many = ViewOf(0, Dtype::kString, ShapeOf({int64_t{1} << 39}), rest);
  CHECK_EQ(model.Run({many}, sink), "INVALID_VALUE");
}

MLOS_TEST(ort_recovers_when_a_shape_depends_on_values) {
  // Once with a shape that the model leaves open, once with one that it states wrongly.
  for (const auto& dims : {Dims{1, "n"}, Dims{1, 2}}) {
    LoadedModel model(
        OneNode("NonZero", Tensor("x", Dtype::kFloat32, {4}), Tensor("y", Dtype::kInt64, dims)));
    REQUIRE(model.context != nullptr);
    const std::vector<std::vector<float>> inputs = {
        {1, 0, 1, 0}, {1, 1, 1, 0}, {0, 0, 0, 0}, {1, 1, 1, 1}, {0, 1, 0, 0}};
    int allocations = 0;
    for (const std::vector<float>& x : inputs) {
      std::vector<int64_t> expected;
      for (int64_t i = 0; i < 4; ++i) {
        if (x[static_cast<size_t>(i)] != 0) expected.push_back(i);
      }
      HeapSink sink;
      CHECK_EQ(model.Run({ViewOf(0, Dtype::kFloat32, ShapeOf({4}), x)}, sink), "");
      CHECK_EQ(sink.outputs[0].shape, ShapeOf({1, static_cast<int64_t>(expected.size())}));
      CHECK(sink.Elements<int64_t>(0) == expected);
      allocations += sink.outputs[0].allocations;
    }
    // One wrong guess, and no other after it.
    CHECK_EQ(allocations, static_cast<int>(inputs.size()) + 1);
  }
}

MLOS_TEST(ort_outputs_may_be_weights_or_inputs) {
  const std::vector<float> weight = {5, 6};
  LoadedModel model({{Tensor("x", Dtype::kFloat32, {2})},
                     {Tensor("w", Dtype::kFloat32, {2}), Tensor("y", Dtype::kFloat32, {2}),
                      Tensor("x", Dtype::kFloat32, {2})},
                     {{"Add", {"x", "w"}, {"y"}}},
                     {test::onnx::Weight("w", Dtype::kFloat32, {2}, RawBytes(weight))}});
  REQUIRE(model.context != nullptr);
  for (int run = 0; run < 3; ++run) {
    const std::vector<float> x = {static_cast<float>(run), 1};
    HeapSink sink;
    CHECK_EQ(model.Run({ViewOf(0, Dtype::kFloat32, ShapeOf({2}), x)}, sink, {0, 1, 2}), "");
    CHECK(sink.Elements<float>(0) == weight);
    CHECK(sink.Elements<float>(1) == (std::vector<float>{x[0] + 5, 7}));
    CHECK(sink.Elements<float>(2) == x);
    HeapSink some;
    CHECK_EQ(model.Run({ViewOf(0, Dtype::kFloat32, ShapeOf({2}), x)}, some, {1}), "");
    CHECK_EQ(some.outputs.size(), size_t{1});
    CHECK(some.Elements<float>(1) == (std::vector<float>{x[0] + 5, 7}));
  }
}

// Where the runtime could hand back other memory than what was bound: views, copies, branches.
MLOS_TEST(ort_bound_outputs_hold_views_and_branches) {
  const auto branch = [](const char* type, const char* name) {
    const Graph graph{{}, {Tensor(name, Dtype::kFloat32, {2})}, {{type, {"x"}, {name}}}};
    return test::onnx::Write(graph);
  };
  LoadedModel model(
      {{Tensor("x", Dtype::kFloat32, {2}), Tensor("which", Dtype::kBool, {})},
       {Tensor("view", Dtype::kFloat32, {1, 2}), Tensor("same", Dtype::kFloat32, {2}),
        Tensor("again", Dtype::kFloat32, {2}), Tensor("chosen", Dtype::kFloat32, {2})},
       {{"Flatten", {"x"}, {"view"}, {test::onnx::IntAttribute("axis", 0)}},
        {"Identity", {"x"}, {"same"}},
        {"Identity", {"same"}, {"again"}},
        {"If",
         {"which"},
         {"chosen"},
         {test::onnx::GraphAttribute("then_branch", branch("Identity", "yes")),
          test::onnx::GraphAttribute("else_branch", branch("Neg", "no"))}}}});
  CHECK_EQ(model.error.message, "");
  REQUIRE(model.context != nullptr);
  for (uint8_t run = 0; run < 4; ++run) {
    const std::vector<float> x = {static_cast<float>(run), 1};
    const std::vector<uint8_t> which = {static_cast<uint8_t>(run % 2)};
    HeapSink sink;
    CHECK_EQ(model.Run({ViewOf(0, Dtype::kFloat32, ShapeOf({2}), x),
                        ViewOf(1, Dtype::kBool, ShapeOf({}), which)},
                       sink, {0, 1, 2, 3}),
             "");
    for (const uint32_t output : {0U, 1U, 2U}) CHECK(sink.Elements<float>(output) == x);
    const float sign = which[0] != 0 ? 1.0F : -1.0F;
    CHECK(sink.Elements<float>(3) == (std::vector<float>{sign * x[0], sign * x[1]}));
    for (const auto& [index, output] : sink.outputs) CHECK_EQ(output.allocations, 1);
  }
}

}  // namespace mlos
