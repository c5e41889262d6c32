// Whether joined runs are found to pay, not to pay, or to change the answers.
#include "check.h"
#include "engine/auto_tuner.h"
#include "engine_fakes.h"

namespace mlos {
namespace {

using test::FakeModel;
using test::FakeRunner;

struct Outcome {
  layout::BatchVerdict verdict;
  uint32_t limit;
};

Outcome Tune(FakeRunner& runner, BatchOptions options) {
  AutoTuner tuner(runner.signature(), options);
  const auto context = runner.CreateContext();
  if (!tuner.done()) tuner.UseMadeUp();
  while (tuner.can_step()) tuner.Step(*context.value());
  CHECK(tuner.done());
  return {tuner.verdict(), tuner.batch_limit()};
}

constexpr BatchOptions kAuto{.mode = BatchOptions::Mode::kAuto, .max_batch = 16, .max_delay_us = 0};

}  // namespace

MLOS_TEST(engine_tuner_finds_that_a_constant_cost_pays) {
  FakeModel model;
  model.run_us = 500;
  FakeRunner runner(model);
  const Outcome outcome = Tune(runner, kAuto);
  CHECK_EQ(outcome.verdict, layout::kBatchGains);
  CHECK_EQ(outcome.limit, 16U);
}

MLOS_TEST(engine_tuner_takes_no_larger_batch_than_pays) {
  FakeModel model;
  model.run_us = 1000;
  model.row_us = 1000;
  FakeRunner runner(model);
  BatchOptions large = kAuto;
  large.max_batch = 64;
  const Outcome outcome = Tune(runner, large);
  CHECK_EQ(outcome.verdict, layout::kBatchGains);
  CHECK(outcome.limit > 1);
  CHECK(outcome.limit < 64);
}

MLOS_TEST(engine_tuner_finds_that_a_cost_per_row_does_not_pay) {
  FakeModel model;
  model.row_us = 300;
  FakeRunner runner(model);
  const Outcome outcome = Tune(runner, kAuto);
  CHECK_EQ(outcome.verdict, layout::kBatchNoGain);
  CHECK_EQ(outcome.limit, 1U);
}

MLOS_TEST(engine_tuner_finds_rows_that_disturb_each_other) {
  FakeModel model;
  model.mixes_rows = true;
  FakeRunner runner(model);
  CHECK_EQ(Tune(runner, kAuto).verdict, layout::kBatchUnfit);
  BatchOptions fixed = kAuto;
  fixed.mode = BatchOptions::Mode::kFixed;
  CHECK_EQ(Tune(runner, fixed).verdict, layout::kBatchUnfit);
}

MLOS_TEST(engine_tuner_takes_a_fixed_size_when_answers_stay_the_same) {
  FakeRunner runner(FakeModel{});
  BatchOptions fixed = kAuto;
  fixed.mode = BatchOptions::Mode::kFixed;
  fixed.max_batch = 12;
  const Outcome outcome = Tune(runner, fixed);
  CHECK_EQ(outcome.verdict, layout::kBatchFixed);
  CHECK_EQ(outcome.limit, 12U);
}

MLOS_TEST(engine_tuner_waits_for_a_request_when_made_up_inputs_are_refused) {
  FakeModel model;
  model.refuses_below = 5;
  model.run_us = 300;
  FakeRunner runner(model);
  const auto context = runner.CreateContext();
  AutoTuner tuner(runner.signature(), kAuto);
  tuner.UseMadeUp();
  while (tuner.can_step()) tuner.Step(*context.value());
  CHECK(!tuner.done());
  REQUIRE(tuner.wants_request());
  const std::vector<float> a(4, 7.0F);
  const std::vector<float> b(4, 9.0F);
  const std::vector<TensorView> inputs{test::View(0, Dtype::kFloat32, {1, 4}, test::Bytes(a)),
                                       test::View(1, Dtype::kFloat32, {1, 4}, test::Bytes(b))};
  tuner.UseRequest(inputs);
  while (tuner.can_step()) tuner.Step(*context.value());
  CHECK(tuner.done());
  CHECK_EQ(tuner.verdict(), layout::kBatchGains);
}

MLOS_TEST(engine_tuner_is_done_at_once_when_off_or_unfit) {
  FakeRunner runner(FakeModel{});
  BatchOptions off = kAuto;
  off.mode = BatchOptions::Mode::kOff;
  CHECK_EQ(Tune(runner, off).verdict, layout::kBatchOff);
  FakeModel fixed_shape;
  fixed_shape.dynamic_rows = false;
  FakeRunner fixed(fixed_shape);
  CHECK_EQ(Tune(fixed, kAuto).verdict, layout::kBatchUnfit);
}

}  // namespace mlos
