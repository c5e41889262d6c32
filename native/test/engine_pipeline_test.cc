// Pipelines: models of one engine as steps of another one.
#include <algorithm>

#include "check.h"
#include "engine_client.h"

namespace mlos {
namespace {

using test::EngineClient;
using test::FakeDaemon;
using test::FakeLog;
using test::FakeModel;

const ModelOptions kUnbatched{.batching = {.mode = BatchOptions::Mode::kOff}};

PipelineSpec::Step Step(uint32_t handle, const std::string& a, const std::string& b,
                        const std::string& y) {
  return {.handle = handle, .name = "sum", .inputs = {{"a", a}, {"b", b}}, .outputs = {{"y", y}}};
}

/// mid = p + q; out = mid + q, and mid is an answer, too. In the wrong order.
PipelineSpec Chain(uint32_t model) {
  return {.inputs = {"p", "q"},
          .outputs = {"mid", "out"},
          .steps = {Step(model, "mid", "q", "out"), Step(model, "p", "q", "mid")}};
}

float FirstOf(const TensorView& view) {
  float first = 0;
  std::memcpy(&first, view.data.data(), sizeof first);
  return first;
}

}  // namespace

MLOS_TEST(pipeline_runs_its_steps_in_the_order_of_their_tensors) {
  FakeDaemon daemon;
  REQUIRE(daemon.ok());
  const uint32_t step = daemon.Add({}, kUnbatched);
  const auto added = daemon.engine().AddPipeline(Chain(step), kUnbatched);
  REQUIRE(added.ok());
  CHECK_EQ(added.value().signature.inputs[1].name, std::string("q"));
  CHECK_EQ(added.value().signature.outputs.size(), 2U);
  EngineClient client = daemon.Attach(added.value().handle);
  EngineClient alone = daemon.Attach(step);
  REQUIRE(client.ok() && alone.ok());
  for (int i = 1; i < 500; ++i) {
    const auto value = static_cast<float>(i);
    REQUIRE(client.Send(value, {.rows = 3}) != 0);  // p = value, q = 2 * value
    const Completion completion = client.Receive();
    REQUIRE(completion.status == layout::kOk);
    REQUIRE(completion.outputs.size() == 2);
    CHECK_EQ(FirstOf(completion.outputs[0]), 3 * value);
    CHECK_EQ(FirstOf(completion.outputs[1]), 5 * value);
    client.channel().Release(*completion.offset);
    CHECK(alone.Ask(value));
  }
}

MLOS_TEST(pipeline_joins_requests_as_its_steps_could) {
  FakeDaemon daemon;
  REQUIRE(daemon.ok());
  auto log = std::make_shared<FakeLog>();
  FakeModel slow;
  slow.run_us = 300;
  const uint32_t step = daemon.Add(slow, kUnbatched, log);
  ModelOptions options;
  options.batching = {.mode = BatchOptions::Mode::kAuto, .max_batch = 8};
  const auto added = daemon.engine().AddPipeline(Chain(step), options);
  REQUIRE(added.ok());
  CHECK_EQ(daemon.Stats(added.value().handle).batch_verdict.load(), layout::kBatchGains);
}

MLOS_TEST(pipeline_outlives_the_unloading_of_a_step) {
  FakeDaemon daemon;
  REQUIRE(daemon.ok());
  const uint32_t step = daemon.Add({}, kUnbatched);
  const auto added = daemon.engine().AddPipeline(Chain(step), kUnbatched);
  REQUIRE(added.ok());
  CHECK(daemon.engine().RemoveModel(step, layout::kShuttingDown).ok());
  EngineClient client = daemon.Attach(added.value().handle);
  REQUIRE(client.Send(2) != 0);
  CHECK_EQ(client.Receive().status, layout::kOk);
}

MLOS_TEST(pipeline_says_which_step_failed) {
  FakeDaemon daemon;
  REQUIRE(daemon.ok());
  FakeModel model;
  model.refuses_below = 8;
  const auto added = daemon.engine().AddPipeline(Chain(daemon.Add(model, kUnbatched)), kUnbatched);
  REQUIRE(added.ok());
  EngineClient client = daemon.Attach(added.value().handle);
  REQUIRE(client.Send(2) != 0);
  const Completion completion = client.Receive();
  CHECK_EQ(completion.status, layout::kInferenceFailed);
  CHECK_EQ(completion.message, std::string("Step 2 (sum): no such element"));
}

MLOS_TEST(pipeline_of_a_wrong_graph_is_refused) {
  FakeDaemon daemon;
  REQUIRE(daemon.ok());
  const uint32_t step = daemon.Add({}, kUnbatched);
  FakeModel one_row;
  one_row.dynamic_rows = false;
  const auto says = [&](PipelineSpec spec, const std::string& what) {
    const auto added = daemon.engine().AddPipeline(spec, kUnbatched);
    return !added.ok() && added.error().code == "MODEL_LOAD_FAILED" &&
           added.error().message.find(what) != std::string::npos;
  };
  PipelineSpec spec = Chain(step);
  spec.steps[1].inputs[0].second = "out";
  CHECK(says(spec, "no step takes input \"p\"") || says(spec, "a cycle"));
  spec.inputs = {"q"};
  CHECK(says(spec, "a cycle"));
  spec = Chain(step);
  spec.steps[0].inputs[0].second = "nothing";
  CHECK(says(spec, "takes \"nothing\", which is no input and which no step makes"));
  spec = Chain(step);
  spec.steps[0].inputs.pop_back();
  CHECK(says(spec, "gets no input \"b\""));
  spec = Chain(step);
  spec.steps[0].outputs[0].first = "z";
  CHECK(says(spec, "has no output \"z\""));
  spec = Chain(step);
  spec.steps[0].outputs[0].second = "mid";
  CHECK(says(spec, "made twice"));
  spec = Chain(step);
  spec.outputs = {"p"};
  CHECK(says(spec, "output \"p\""));
  spec = Chain(step);
  spec.steps[0].handle = 999;
  CHECK(says(spec, "not loaded"));
  CHECK(says({.inputs = {}, .outputs = {}, .steps = {}}, "at least one step"));
}

}  // namespace mlos
