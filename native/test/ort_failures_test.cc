// Guards the same runner where something goes wrong: what it refuses, runs that fail or are ended,
// and many threads.
#include "ort/ort_runner.h"

#include <atomic>
#include <chrono>
#include <limits>
#include <string>
#include <thread>
#include <vector>

#include "check.h"
#include "onnx_model.h"
#include "ort_fixture.h"
#include "ort_graphs.h"

namespace mlos {
namespace {

using test::HeapSink;
using test::Identity;
using test::LoadedModel;
using test::Mlp;
using test::MlpByHand;
using test::OneNode;
using test::Pack;
using test::Ramp;
using test::ShapeOf;
using test::ViewOf;
using test::onnx::Graph;
using test::onnx::Tensor;

/// A counter that loops `count` times; a run of it can be as long as one likes.
Graph Counter() {
  const Graph body{{Tensor("i", Dtype::kInt64, {}), Tensor("go", Dtype::kBool, {}),
                    Tensor("sum", Dtype::kInt64, {})},
                   {Tensor("go_on", Dtype::kBool, {}), Tensor("next", Dtype::kInt64, {})},
                   {{"Identity", {"go"}, {"go_on"}}, {"Add", {"sum", "i"}, {"next"}}}};
  return {{Tensor("count", Dtype::kInt64, {}), Tensor("start", Dtype::kInt64, {})},
          {Tensor("total", Dtype::kInt64, {})},
          {{"Loop",
            {"count", "", "start"},
            {"total"},
            {test::onnx::GraphAttribute("body", test::onnx::Write(body))}}}};
}

TensorView Int64Scalar(uint32_t index, const std::vector<int64_t>& number) {
  return ViewOf(index, Dtype::kInt64, ShapeOf({}), number);
}

}  // namespace

MLOS_TEST(ort_refuses_what_is_no_tensor_of_ours) {
  const auto tensor = test::onnx::TensorType(1, {2});
  LoadedModel sequence({{Tensor("x", Dtype::kFloat32, {2})},
                        {{"many \"of\" them", test::onnx::SequenceType(tensor)}},
                        {{"SequenceConstruct", {"x"}, {"many \"of\" them"}}}});
  CHECK(sequence.runner == nullptr);
  CHECK_EQ(sequence.error.code, "UNIMPLEMENTED");
  CHECK(sequence.error.message.starts_with("Output \"many \\\"of\\\" them\" is a sequence"));
  constexpr int kFloat8 = 17;
  LoadedModel float8(OneNode("Identity", {"x", test::onnx::TensorType(kFloat8, {2})},
                             {"y", test::onnx::TensorType(kFloat8, {2})}));
  CHECK(float8.runner == nullptr);
  CHECK_EQ(float8.error.code, "UNIMPLEMENTED");
  CHECK(float8.error.message.find("ONNX type 17") != std::string::npos);
}

MLOS_TEST(ort_load_failures_have_the_runtimes_text) {
  const std::shared_ptr<OrtLibrary> library = test::TestedOrt();
  REQUIRE(library != nullptr);
  const test::TempFolder folder;
  folder.Write("garbage.onnx", "this is no model");
  for (const char* file : {"/garbage.onnx", "/absent.onnx"}) {
    OrtSessionSettings settings;
    settings.model_path = folder.path() + file;
    const auto opened = OpenOrtRunner(library, settings);
    REQUIRE(!opened.ok());
    CHECK_EQ(opened.error().code, "MODEL_LOAD_FAILED");
    CHECK(opened.error().message.find(file) != std::string::npos);
  }
}

MLOS_TEST(ort_settings_reach_the_session) {
  OrtSessionSettings settings;
  settings.intra_op_threads = 2;
  settings.inter_op_threads = 2;
  settings.graph_optimization = OrtGraphOptimization::kLayout;
  settings.execution_mode = OrtExecutionMode::kParallel;
  settings.cpu_mem_arena = false;
  settings.mem_pattern = false;
  settings.free_dimensions = {{"N", 3}};
  LoadedModel model(Mlp(), settings);
  REQUIRE(model.context != nullptr);
  CHECK(model.runner->signature().inputs[0].dims == (std::vector<int64_t>{3, 16}));
  const std::vector<float> x = Ramp(48, -1.0F, 0.25F);
  HeapSink sink;
  CHECK_EQ(model.Run({ViewOf(0, Dtype::kFloat32, ShapeOf({3, 16}), x)}, sink), "");
  CHECK(sink.Elements<float>(0) == MlpByHand(x));
  settings.intra_op_threads = kMaxOrtThreads + 1;
  LoadedModel refused(Mlp(), settings);
  CHECK_EQ(refused.error.code, "INVALID_ARGUMENT");
}

MLOS_TEST(ort_a_failed_run_says_why_and_harms_no_other) {
  LoadedModel model({{Tensor("data", Dtype::kFloat32, {3}), Tensor("at", Dtype::kInt64, {1})},
                     {Tensor("y", Dtype::kFloat32, {1})},
                     {{"Gather", {"data", "at"}, {"y"}}}});
  REQUIRE(model.context != nullptr);
  const std::vector<float> data = {1, 2, 3};
  for (const int64_t at : {1, 9, 2, -9, 0}) {
    const std::vector<int64_t> where = {at};
    HeapSink sink;
    const std::string code = model.Run({ViewOf(0, Dtype::kFloat32, ShapeOf({3}), data),
                                        ViewOf(1, Dtype::kInt64, ShapeOf({1}), where)},
                                       sink);
    if (at >= 0 && at < 3) {
      CHECK_EQ(code, "");
      CHECK(sink.Elements<float>(0) == std::vector<float>{data[static_cast<size_t>(at)]});
    } else {
      CHECK_EQ(code, "INFERENCE_FAILED");
      CHECK(model.error.message.find("Gather") != std::string::npos);
    }
  }
}

MLOS_TEST(ort_checks_what_it_is_given) {
  LoadedModel model(Mlp());
  REQUIRE(model.context != nullptr);
  const std::vector<float> x(16);
  HeapSink sink;
  CHECK_EQ(model.Run({}, sink), "MISSING_INPUT");
  CHECK_EQ(model.Run({ViewOf(0, Dtype::kFloat64, ShapeOf({1, 8}), x)}, sink), "INVALID_DTYPE");
  for (const Shape& shape :
       {ShapeOf({2, 16}), ShapeOf({1, 15}), ShapeOf({-1, 16}), ShapeOf({int64_t{1} << 62, 16})}) {
    CHECK_EQ(model.Run({ViewOf(0, Dtype::kFloat32, shape, x)}, sink), "INVALID_SHAPE");
  }
  const TensorView right = ViewOf(0, Dtype::kFloat32, ShapeOf({1, 16}), x);
  CHECK_EQ(model.Run({right}, sink, {1}), "INVALID_ARGUMENT");
  CHECK_EQ(model.Run({right}, sink, {0, 0}), "INVALID_ARGUMENT");
  CHECK_EQ(model.Run({right}, sink), "");
}

MLOS_TEST(ort_says_when_the_answer_finds_no_room) {
  LoadedModel model(Mlp());
  LoadedModel strings(Identity(Dtype::kString, {"n"}));
  REQUIRE(model.context != nullptr && strings.context != nullptr);
  const std::vector<float> x(16);
  const TensorView input = ViewOf(0, Dtype::kFloat32, ShapeOf({1, 16}), x);
  HeapSink room;
  // Before the shape is known, and after.
  for (int run = 0; run < 2; ++run) {
    HeapSink full(63);
    CHECK_EQ(model.Run({input}, full), "PAYLOAD_TOO_LARGE");
    CHECK_EQ(model.Run({input}, room), "");
  }
  HeapSink full(9);
  const std::vector<std::byte> packed = Pack({"abcdef"});
  CHECK_EQ(strings.Run({ViewOf(0, Dtype::kString, ShapeOf({1}), packed)}, full),
           "PAYLOAD_TOO_LARGE");
}

MLOS_TEST(ort_terminate_ends_a_run_and_reset_allows_the_next) {
  LoadedModel model(Counter());
  REQUIRE(model.context != nullptr);
  const std::vector<int64_t> start = {5};
  const std::vector<int64_t> endless = {std::numeric_limits<int64_t>::max()};
  for (int round = 0; round < 2; ++round) {
    std::thread other([&] {
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
      model.context->Terminate();
    });
    HeapSink sink;
    CHECK_EQ(model.Run({Int64Scalar(0, endless), Int64Scalar(1, start)}, sink), "CANCELLED");
    // It holds until it is taken back.
    CHECK_EQ(model.Run({Int64Scalar(0, endless), Int64Scalar(1, start)}, sink), "CANCELLED");
    other.join();
    model.context->Reset();
    const std::vector<int64_t> four = {4};
    CHECK_EQ(model.Run({Int64Scalar(0, four), Int64Scalar(1, start)}, sink), "");
    CHECK(sink.Elements<int64_t>(0) == std::vector<int64_t>{11});
  }
}

MLOS_TEST(ort_many_threads_run_one_model_at_once) {
  LoadedModel model(Mlp());
  REQUIRE(model.runner != nullptr);
  std::atomic<int> right = 0;
  constexpr int kThreads = 4;
  constexpr int kRuns = 100;
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      const std::unique_ptr<RunContext> context = model.NewContext();
      const std::vector<uint32_t> outputs = {0};
      for (int run = 0; run < kRuns; ++run) {
        const int64_t rows = 1 + (t + run) % 3;
        const auto x = Ramp(static_cast<size_t>(rows) * 16, static_cast<float>(t), 0.25F);
        const TensorView input = ViewOf(0, Dtype::kFloat32, ShapeOf({rows, 16}), x);
        HeapSink sink;
        const Status status = context->Run({{&input, 1}, outputs}, sink);
        if (status.ok() && sink.Elements<float>(0) == MlpByHand(x)) ++right;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK_EQ(right.load(), kThreads * kRuns);
}

MLOS_TEST(ort_a_context_outlives_its_runner) {
  LoadedModel model(Mlp());
  REQUIRE(model.runner != nullptr);
  model.runner.reset();
  const std::vector<float> x = Ramp(16, -1.0F, 0.25F);
  HeapSink sink;
  CHECK_EQ(model.Run({ViewOf(0, Dtype::kFloat32, ShapeOf({1, 16}), x)}, sink), "");
  CHECK(sink.Elements<float>(0) == MlpByHand(x));
}

}  // namespace mlos
