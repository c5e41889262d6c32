// What the engine is made of: check against the signature, batch plan, gathering, statistics,
// kernel side. No channel, no thread.
#include <algorithm>
#include <cstring>
#include <string>
#include <thread>

#include "check.h"
#include "engine/batch_plan.h"
#include "engine/gather.h"
#include "engine/kernel_side.h"
#include "engine/request_check.h"
#include "engine/sample_rows.h"
#include "engine/stats_writer.h"
#include "engine_fakes.h"

namespace mlos {
namespace {

using test::Spec;
using test::View;

constexpr std::array<uint64_t, layout::kMaxTensors / 64> kAll{};

ModelSignature TwoInputs() {
  return {.inputs = {Spec("ids", Dtype::kInt64, {-1, 4}, {"batch", ""}),
                     Spec("x", Dtype::kFloat32, {-1, 3}, {"batch", ""})},
          .outputs = {Spec("y", Dtype::kFloat32, {-1, 2}, {"batch", ""}),
                      Spec("z", Dtype::kFloat32, {-1}, {"batch"})}};
}

std::string CheckText(const std::vector<TensorView>& inputs, layout::StatusCode status,
                      std::array<uint64_t, layout::kMaxTensors / 64> wanted = kAll) {
  const ModelSignature signature = TwoInputs();
  Request request;
  const auto error = CheckAgainstSignature(signature, inputs, wanted, request);
  if (!error) return "fits";
  CHECK_EQ(error->status, status);
  return error->text;
}

}  // namespace

MLOS_TEST(engine_check_names_what_is_wrong) {
  const std::vector<std::byte> bytes(256);
  const TensorView ids = View(0, Dtype::kInt64, {1, 4}, bytes);
  const TensorView x = View(1, Dtype::kFloat32, {1, 3}, bytes);
  CHECK_EQ(CheckText({x, ids}, layout::kOk), std::string("fits"));
  CHECK_EQ(CheckText({ids}, layout::kMissingInput),
           std::string("The model needs input \"x\" float32[batch,3], which is missing."));
  CHECK_EQ(CheckText({ids, ids, x}, layout::kInvalidArgument),
           std::string("Input \"ids\" is given twice."));
  CHECK_EQ(CheckText({ids, x, View(2, Dtype::kBool, {1}, bytes)}, layout::kUnknownInput),
           std::string("The model has no input number 2; it has 2, counted from 0."));
  CHECK_EQ(CheckText({View(0, Dtype::kInt32, {1, 4}, bytes), x}, layout::kInvalidDtype),
           std::string("Input \"ids\": expected int64[batch,4], but dtype \"int32\" came."));
  CHECK_EQ(CheckText({ids, View(1, Dtype::kFloat32, {1, 5}, bytes)}, layout::kInvalidShape),
           std::string("Input \"x\": expected float32[batch,3], but shape [1,5] came."));
  CHECK_EQ(CheckText({ids, View(1, Dtype::kFloat32, {3}, bytes)}, layout::kInvalidShape),
           std::string("Input \"x\": expected float32[batch,3], but shape [3] came."));
  auto wanted = kAll;
  wanted[3] = uint64_t{1} << 63;
  CHECK_EQ(CheckText({ids, x}, layout::kUnknownInput, wanted),
           std::string("The model has no output number 255; it has 2, counted from 0."));
}

MLOS_TEST(engine_check_sorts_inputs_and_lists_outputs) {
  const ModelSignature signature = TwoInputs();
  const std::vector<std::byte> bytes(256);
  const std::vector<TensorView> inputs{View(1, Dtype::kFloat32, {1, 3}, bytes),
                                       View(0, Dtype::kInt64, {1, 4}, bytes)};
  Request request;
  REQUIRE(!CheckAgainstSignature(signature, inputs, kAll, request));
  CHECK_EQ(request.inputs[0].dtype, Dtype::kInt64);
  CHECK_EQ(request.outputs, (std::vector<uint32_t>{0, 1}));
  auto wanted = kAll;
  wanted[0] = 2;
  REQUIRE(!CheckAgainstSignature(signature, inputs, wanted, request));
  CHECK_EQ(request.outputs, (std::vector<uint32_t>{1}));
}

MLOS_TEST(engine_batch_plan_wants_one_meaning_of_the_first_dimension) {
  CHECK(PlanBatches(TwoInputs()).fits);
  CHECK(PlanBatches(TwoInputs()).shapes_known);

  ModelSignature other = TwoInputs();
  other.inputs[0].dim_names[0] = "sequence";
  CHECK(!PlanBatches(other).fits);

  ModelSignature fixed = TwoInputs();
  fixed.inputs[0].dims[0] = 1;
  CHECK(!PlanBatches(fixed).fits);

  ModelSignature square = TwoInputs();
  square.outputs[0] = Spec("y", Dtype::kFloat32, {-1, -1}, {"batch", "batch"});
  CHECK(!PlanBatches(square).fits);

  ModelSignature scalar = TwoInputs();
  scalar.outputs[1] = Spec("z", Dtype::kFloat32, {}, {});
  CHECK(!PlanBatches(scalar).fits);

  ModelSignature text = TwoInputs();
  text.inputs[0].dtype = Dtype::kString;
  CHECK(!PlanBatches(text).fits);

  ModelSignature sequence = TwoInputs();
  sequence.inputs[0] = Spec("ids", Dtype::kInt64, {-1, -1}, {"batch", "sequence"});
  CHECK(PlanBatches(sequence).fits);
  CHECK(!PlanBatches(sequence).shapes_known);
  sequence.outputs[0] = Spec("y", Dtype::kFloat32, {-1, 2}, {"sequence", ""});
  CHECK(!PlanBatches(sequence).fits);
}

MLOS_TEST(engine_gather_copies_integers_and_joins_ragged_rows) {
  std::vector<int64_t> ids_a{1, 2, 3, 4};
  std::vector<float> x_a{0.5F, 1.5F, 2.5F};
  std::vector<int64_t> ids_b{5, 6, 7, 8, 9, 10, 11, 12};
  std::vector<float> x_b{3, 4, 5, 6, 7, 8};
  Request a;
  a.inputs = {View(0, Dtype::kInt64, {1, 4}, test::Bytes(ids_a)),
              View(1, Dtype::kFloat32, {1, 3}, test::Bytes(x_a))};
  a.outputs = {0};
  Request b;
  b.inputs = {View(0, Dtype::kInt64, {2, 4}, test::Bytes(ids_b)),
              View(1, Dtype::kFloat32, {2, 3}, test::Bytes(x_b))};
  b.outputs = {0};
  const BatchPlan plan = PlanBatches(TwoInputs());
  a.rows = RowsOf(plan, TwoInputs(), a);
  b.rows = RowsOf(plan, TwoInputs(), b);
  CHECK_EQ(a.rows, 1U);
  CHECK_EQ(b.rows, 2U);
  CHECK(CanJoin(TwoInputs(), a, b));

  InputGatherer gatherer;
  REQUIRE(!gatherer.Single(a));
  CHECK(gatherer.inputs()[0].data.data() != test::Bytes(ids_a).data());
  CHECK(gatherer.inputs()[1].data.data() == test::Bytes(x_a).data());
  ids_a[0] = 99;  // the client changes its mind too late
  int64_t seen = 0;
  std::memcpy(&seen, gatherer.inputs()[0].data.data(), sizeof seen);
  CHECK_EQ(seen, 1);

  const std::vector<Request*> both{&a, &b};
  gatherer.Join(TwoInputs(), both);
  CHECK_EQ(gatherer.inputs()[1].shape.dims[0], 3);
  const float* joined = reinterpret_cast<const float*>(gatherer.inputs()[1].data.data());
  CHECK(std::equal(joined, joined + 9,
                   std::vector<float>{0.5F, 1.5F, 2.5F, 3, 4, 5, 6, 7, 8}.begin()));

  b.outputs = {0, 1};
  CHECK(!CanJoin(TwoInputs(), a, b));
}

MLOS_TEST(engine_joins_requests_with_the_same_single_number) {
  ModelSignature signature;
  signature.inputs = {Spec("rate", Dtype::kInt64, {}, {}),
                      Spec("x", Dtype::kFloat32, {-1, 2}, {"batch", ""})};
  signature.outputs = {Spec("y", Dtype::kFloat32, {-1, 2}, {"batch", ""})};
  const BatchPlan plan = PlanBatches(signature);
  CHECK(plan.fits && plan.has_singles && !plan.shapes_known);
  std::vector<int64_t> rate_a{8000};
  const std::vector<int64_t> rate_b{8000};
  const std::vector<float> x{1, 2, 3, 4};
  Request a;
  a.inputs = {View(0, Dtype::kInt64, {}, test::Bytes(rate_a)),
              View(1, Dtype::kFloat32, {2, 2}, test::Bytes(x))};
  Request b;
  b.inputs = {View(0, Dtype::kInt64, {}, test::Bytes(rate_b)),
              View(1, Dtype::kFloat32, {1, 2}, test::Bytes(x))};
  for (Request* request : {&a, &b}) {
    request->outputs = {0};
    request->rows = RowsOf(plan, signature, *request);
    KeepSingles(signature, *request);
  }
  CHECK_EQ(a.rows, 2U);
  rate_a[0] = 16000;  // what has been compared does not change
  CHECK(CanJoin(signature, a, b));
  InputGatherer gatherer;
  const std::vector<Request*> both{&a, &b};
  gatherer.Join(signature, both);
  int64_t rate = 0;
  std::memcpy(&rate, gatherer.inputs()[0].data.data(), sizeof rate);
  CHECK_EQ(rate, 8000);
  CHECK_EQ(gatherer.inputs()[0].shape.rank, 0U);
  CHECK_EQ(gatherer.inputs()[1].shape.dims[0], 3);
  KeepSingles(signature, b);
  b.singles[0] = 16000;
  CHECK(!CanJoin(signature, a, b));

  ModelSignature only = signature;
  only.inputs.pop_back();
  CHECK(!PlanBatches(only).fits);
}

MLOS_TEST(engine_gather_makes_bools_zero_or_one_and_checks_strings) {
  const std::vector<uint8_t> raw{0, 1, 2, 255};
  Request request;
  request.inputs = {View(0, Dtype::kBool, {4}, test::Bytes(raw))};
  InputGatherer gatherer;
  REQUIRE(!gatherer.Single(request));
  const auto bools = gatherer.inputs()[0].data;
  CHECK_EQ(std::to_integer<int>(bools[2]), 1);
  CHECK_EQ(std::to_integer<int>(bools[3]), 1);

  std::vector<uint8_t> packed{2, 0, 0, 0, 1, 0, 0, 0, 'a', 'b', 'c'};
  request.inputs = {View(0, Dtype::kString, {2}, test::Bytes(packed))};
  CHECK(!gatherer.Single(request));
  packed[0] = 200;
  const auto error = gatherer.Single(request);
  REQUIRE(error.has_value());
  CHECK_EQ(error->status, layout::kInvalidValue);
  request.inputs = {View(0, Dtype::kString, {9}, test::Bytes(packed))};
  CHECK(gatherer.Single(request).has_value());
}

MLOS_TEST(engine_same_values_allows_rounding_and_nothing_more) {
  const std::vector<float> a{1.0F, 1000.0F, 0.0F, std::numeric_limits<float>::quiet_NaN()};
  std::vector<float> b = a;
  CHECK(SameValues(Dtype::kFloat32, test::Bytes(a), test::Bytes(b)));
  b[1] = 1000.001F;
  CHECK(SameValues(Dtype::kFloat32, test::Bytes(a), test::Bytes(b)));
  b[1] = 1000.1F;
  CHECK(!SameValues(Dtype::kFloat32, test::Bytes(a), test::Bytes(b)));
  b = a;
  b[3] = 0;
  CHECK(!SameValues(Dtype::kFloat32, test::Bytes(a), test::Bytes(b)));
  const std::vector<int64_t> c{1};
  const std::vector<int64_t> d{2};
  CHECK(!SameValues(Dtype::kInt64, test::Bytes(c), test::Bytes(d)));
}

MLOS_TEST(engine_stats_buckets_have_the_bounds_of_the_layout) {
  CHECK_EQ(TimeBucket(0), 0U);
  CHECK_EQ(TimeBucket(1000), 0U);
  CHECK_EQ(TimeBucket(1001), 1U);
  CHECK_EQ(TimeBucket(50'000'000'000), 23U);
  CHECK_EQ(TimeBucket(UINT64_MAX), 24U);
  CHECK_EQ(BatchBucket(1), 0U);
  CHECK_EQ(BatchBucket(2), 1U);
  CHECK_EQ(BatchBucket(3), 2U);
  CHECK_EQ(BatchBucket(1024), 10U);
  CHECK_EQ(BatchBucket(5000), 11U);

  layout::ModelStats first{};
  layout::ModelStats second{};
  StatsWriter stats(&first);
  stats.CountTaken(10);
  stats.SetHandle(7);
  stats.MoveTo(&second);
  stats.CountTaken(5);
  CHECK_EQ(second.requests.load(), 2U);
  CHECK_EQ(second.input_bytes.load(), 15U);
  CHECK_EQ(second.handle.load(), 7U);
  CHECK_EQ(first.requests.load(), 1U);
}

MLOS_TEST(engine_kernel_side_reports_each_measure) {
  std::thread([] {
    const KernelSide kernel({}, true, ReadCpuTopology(""));
    for (const layout::Priority priority :
         {layout::kNormal, layout::kBatch, layout::kHigh, layout::kRealtime}) {
      const auto measures = kernel.ApplyToThisThread(priority, {});
      for (const char* name : {"affinity", "policy", "nice", "numa", "mlock"}) {
        const auto found = std::find_if(measures.begin(), measures.end(),
                                        [&](const auto& m) { return m.name == name; });
        REQUIRE(found != measures.end());
        CHECK(!found->outcome.empty() && !found->detail.empty());
      }
    }
    // A CPU that no host has: refused, said, and nothing else is disturbed.
    const auto measures = kernel.ApplyToThisThread(layout::kNormal, {60'000});
    CHECK_EQ(measures[0].outcome, std::string("refused"));
  }).join();
}

}  // namespace mlos
