// The engine whole, with real channels and a fake runner: answers, batches, queues, statistics.
#include <algorithm>
#include <map>
#include <random>
#include <thread>

#include "check.h"
#include "engine_client.h"

namespace mlos {
namespace {

using test::EngineClient;
using test::Eventually;
using test::FakeDaemon;
using test::FakeLog;
using test::FakeModel;
using test::Wish;

const ModelOptions kUnbatched{.batching = {.mode = BatchOptions::Mode::kOff}};
const ModelOptions kBatched{.batching = {.mode = BatchOptions::Mode::kFixed, .max_batch = 8}};

}  // namespace

MLOS_TEST(engine_answers_a_client) {
  FakeDaemon daemon;
  REQUIRE(daemon.ok());
  const uint32_t model = daemon.Add({}, kUnbatched);
  REQUIRE(model != 0);
  EngineClient client = daemon.Attach(model);
  REQUIRE(client.ok());
  for (int i = 0; i < 2000; ++i) CHECK(client.Ask(static_cast<float>(i)));
  CHECK(client.Ask(5, {.rows = 7}));
  const layout::ModelStats& stats = daemon.Stats(model);
  CHECK(Eventually([&] { return stats.succeeded.load() == 2001; }));
  CHECK_EQ(stats.requests.load(), 2001U);
  CHECK_EQ(stats.batches.load(), 2001U);
  CHECK_EQ(stats.batch_sizes[0].load(), 2001U);
  CHECK_EQ(stats.channels.load(), 1U);
  CHECK_EQ(stats.queued.load(), 0U);
  CHECK_EQ(stats.worker_count.load(), 1U);
  CHECK(stats.workers[0].thread_id.load() != 0);
  CHECK_EQ(stats.workers[0].run_started_ns.load(), 0U);
  uint64_t timed = 0;
  for (const auto& bucket : stats.run_times) timed += bucket.load();
  CHECK_EQ(timed, 2001U);
}

MLOS_TEST(engine_says_what_is_wrong_with_a_request) {
  FakeDaemon daemon;
  REQUIRE(daemon.ok());
  FakeModel model;
  model.refuses_below = 0;
  model.dynamic_rows = false;
  EngineClient client = daemon.Attach(daemon.Add(model, kUnbatched));
  REQUIRE(client.ok());
  REQUIRE(client.Send(1, {.rows = 2}) != 0);
  Completion completion = client.Receive();
  CHECK_EQ(completion.status, layout::kInvalidShape);
  CHECK_EQ(completion.message,
           std::string("Input \"a\": expected float32[1,4], but shape [2,4] came."));
  REQUIRE(client.Send(-1) != 0);
  completion = client.Receive();
  CHECK_EQ(completion.status, layout::kInferenceFailed);
  CHECK_EQ(completion.message, std::string("no such element"));
  CHECK(client.Ask(1));
}

MLOS_TEST(engine_turns_what_a_runtime_throws_into_an_answer) {
  FakeDaemon daemon;
  REQUIRE(daemon.ok());
  FakeModel model;
  model.throws = true;
  EngineClient client = daemon.Attach(daemon.Add(model, kUnbatched));
  REQUIRE(client.ok());
  REQUIRE(client.Send(1) != 0);
  const Completion completion = client.Receive();
  CHECK_EQ(completion.status, layout::kInternal);
  CHECK_EQ(completion.message, std::string("The runtime failed: the runtime threw"));
}

MLOS_TEST(engine_says_how_much_an_answer_needs) {
  FakeDaemon daemon;
  REQUIRE(daemon.ok());
  const uint32_t model = daemon.Add({}, kUnbatched);
  EngineClient client = daemon.Attach(model, layout::kRealtime, uint64_t{1} << 20);
  REQUIRE(client.ok());
  // Answers that the client keeps fill the arena; then there is room again.
  std::vector<uint64_t> kept;
  Completion last;
  for (int i = 0; i < 10; ++i) {
    REQUIRE(client.Send(1, {.rows = 10'000}) != 0);
    last = client.Receive();
    if (last.status != layout::kOk) break;
    kept.push_back(*last.offset);
  }
  CHECK_EQ(last.status, layout::kTooManyRequests);
  CHECK(last.message.find("release answers") != std::string::npos);
  for (const uint64_t offset : kept) client.channel().Release(offset);
  CHECK(client.Ask(2, {.rows = 10'000}));
}

MLOS_TEST(engine_joins_ragged_rows_and_answers_as_if_alone) {
  FakeDaemon daemon;
  REQUIRE(daemon.ok());
  auto log = std::make_shared<FakeLog>();
  const uint32_t model = daemon.Add({}, kBatched, log);
  CHECK_EQ(daemon.Stats(model).batch_verdict.load(), layout::kBatchFixed);
  EngineClient a = daemon.Attach(model);
  EngineClient b = daemon.Attach(model);
  REQUIRE(a.ok() && b.ok());
  const int runs_before = log->runs;
  log->gate.Close();
  REQUIRE(a.Send(100) != 0);
  log->gate.WaitForArrivals(runs_before + 1);
  for (const uint32_t rows : {1U, 2U, 3U}) {
    REQUIRE(a.Send(static_cast<float>(rows), {.rows = rows}) != 0);
    REQUIRE(b.Send(static_cast<float>(10 * rows), {.rows = rows}) != 0);
  }
  CHECK(Eventually([&] { return daemon.Stats(model).queued.load() == 6; }));
  log->gate.Open();
  CHECK(a.IsAnswer(a.Receive(), 100));
  for (const uint32_t rows : {1U, 2U, 3U}) {
    const Completion of_a = a.Receive();
    CHECK(a.IsAnswer(of_a, static_cast<float>(rows), rows));
    CHECK(b.IsAnswer(b.Receive(), static_cast<float>(10 * rows), rows));
  }
  // 12 rows in batches of at most 8.
  CHECK_EQ(log->runs - runs_before, 3);
  CHECK(log->largest <= 8);
  CHECK(Eventually([&] { return daemon.Stats(model).batch_sizes[2].load() >= 1; }));
}

MLOS_TEST(engine_runs_the_others_when_one_of_a_batch_fails) {
  FakeDaemon daemon;
  REQUIRE(daemon.ok());
  auto log = std::make_shared<FakeLog>();
  FakeModel model;
  model.refuses_below = 0;
  const uint32_t handle = daemon.Add(model, kBatched, log);
  EngineClient client = daemon.Attach(handle);
  REQUIRE(client.ok());
  const int before = log->runs;
  log->gate.Close();
  REQUIRE(client.Send(50) != 0);
  log->gate.WaitForArrivals(before + 1);
  std::map<uint64_t, float> sent;
  for (const float value : {1.0F, -1.0F, 2.0F}) sent[client.Send(value)] = value;
  CHECK(Eventually([&] { return daemon.Stats(handle).queued.load() == 3; }));
  log->gate.Open();
  CHECK(client.IsAnswer(client.Receive(), 50));
  for (int i = 0; i < 3; ++i) {
    const Completion completion = client.Receive();
    const float value = sent[completion.request_id];
    if (value < 0) {
      CHECK_EQ(completion.status, layout::kInferenceFailed);
    } else {
      CHECK(client.IsAnswer(completion, value));
    }
  }
}

MLOS_TEST(engine_measures_at_load_and_joins_what_gains) {
  FakeDaemon daemon;
  REQUIRE(daemon.ok());
  FakeModel gains;
  gains.run_us = 400;
  const ModelOptions options{.batching = {.mode = BatchOptions::Mode::kAuto, .max_batch = 8}};
  const uint32_t first = daemon.Add(gains, options);
  CHECK_EQ(daemon.Stats(first).batch_verdict.load(), layout::kBatchGains);
  CHECK_EQ(daemon.Stats(first).batch_limit.load(), 8U);
  FakeModel costs;
  costs.row_us = 300;
  const uint32_t second = daemon.Add(costs, options);
  CHECK_EQ(daemon.Stats(second).batch_verdict.load(), layout::kBatchNoGain);
  CHECK_EQ(daemon.Stats(second).batch_limit.load(), 1U);
  FakeModel mixes;
  mixes.mixes_rows = true;
  CHECK_EQ(daemon.Stats(daemon.Add(mixes, options)).batch_verdict.load(), layout::kBatchUnfit);
}

MLOS_TEST(engine_measures_after_the_first_request_where_shapes_are_unknown) {
  FakeDaemon daemon;
  REQUIRE(daemon.ok());
  FakeModel model;
  model.run_us = 300;
  model.refuses_below = 5;
  const ModelOptions options{.batching = {.mode = BatchOptions::Mode::kAuto, .max_batch = 4}};
  const uint32_t handle = daemon.Add(model, options);
  CHECK_EQ(daemon.Stats(handle).batch_verdict.load(), layout::kBatchPending);
  EngineClient client = daemon.Attach(handle);
  REQUIRE(client.ok());
  CHECK(client.Ask(7));
  CHECK(
      Eventually([&] { return daemon.Stats(handle).batch_verdict.load() == layout::kBatchGains; }));
  CHECK(client.Ask(8));
}

MLOS_TEST(engine_waits_for_others_when_told_to) {
  FakeDaemon daemon;
  REQUIRE(daemon.ok());
  auto log = std::make_shared<FakeLog>();
  ModelOptions options = kBatched;
  options.batching.max_batch = 2;
  options.batching.max_delay_us = 10'000'000;
  const uint32_t model = daemon.Add({}, options, log);
  EngineClient client = daemon.Attach(model);
  REQUIRE(client.ok());
  const int before = log->runs;
  // Each waits for the other, and not for the ten seconds.
  REQUIRE(client.Send(1) != 0);
  CHECK(Eventually([&] { return daemon.Stats(model).queued.load() == 1; }));
  CHECK_EQ(log->runs - before, 0);
  REQUIRE(client.Send(2) != 0);
  Completion completion = client.Receive();
  CHECK_EQ(completion.batch, 2U);
  CHECK(client.IsAnswer(completion, 1));
  CHECK(client.IsAnswer(client.Receive(), 2));
  // One alone is run before its deadline.
  CHECK(client.Ask(3, {.deadline_ns = test::InMilliseconds(100)}));
}

MLOS_TEST(engine_eight_clients_get_their_own_answers) {
  for (const bool batched : {false, true}) {
    FakeDaemon daemon;
    REQUIRE(daemon.ok());
    ModelOptions options = batched ? kBatched : kUnbatched;
    options.instances = 3;
    const uint32_t model = daemon.Add({}, options);
    std::atomic<int> wrong{0};
    std::vector<std::thread> threads;
    for (uint32_t n = 0; n < 8; ++n) {
      threads.emplace_back([&wrong, n, client = daemon.Attach(model)]() mutable {
        std::mt19937 random(n);
        std::map<uint64_t, std::pair<float, uint32_t>> open;
        for (int i = 0; i < 2000 || !open.empty();) {
          const bool full = open.size() >= 1 + random() % 30;
          if (i < 2000 && !full) {
            const uint32_t rows = 1 + random() % 4;
            const auto value = static_cast<float>(random() % 100'000);
            const uint64_t id = client.Send(value, {.rows = rows});
            if (id == 0) ++wrong;
            open[id] = {value, rows};
            ++i;
          } else {
            const Completion completion = client.Receive();
            const auto found = open.find(completion.request_id);
            if (found == open.end()) {
              ++wrong;
              return;
            }
            if (!client.IsAnswer(completion, found->second.first, found->second.second)) ++wrong;
            open.erase(found);
          }
        }
      });
    }
    for (std::thread& thread : threads) thread.join();
    CHECK_EQ(wrong.load(), 0);
    CHECK(Eventually([&] { return daemon.Stats(model).succeeded.load() == 16'000; }));
  }
}

MLOS_TEST(engine_reports_measures_and_the_errors_of_loading) {
  FakeDaemon daemon;
  REQUIRE(daemon.ok());
  ModelOptions options = kUnbatched;
  options.priority = layout::kBatch;
  const auto added = daemon.engine().AddModel(
      []() -> Result<std::unique_ptr<Runner>> {
        return std::unique_ptr<Runner>(std::make_unique<test::FakeRunner>(FakeModel{}));
      },
      options);
  REQUIRE(added.ok());
  CHECK_EQ(added.value().runner, std::string("fake"));
  CHECK_EQ(added.value().signature.inputs.size(), 2U);
  CHECK_EQ(added.value().measures.size(), 5U);
  const auto failed = daemon.engine().AddModel(
      []() -> Result<std::unique_ptr<Runner>> { return CodedError("INVALID_MODEL", "no"); }, {});
  REQUIRE(!failed.ok());
  CHECK_EQ(failed.error().code, std::string("INVALID_MODEL"));
  const auto thrown = daemon.engine().AddModel(
      []() -> Result<std::unique_ptr<Runner>> { throw std::runtime_error("broken"); }, {});
  REQUIRE(!thrown.ok());
  CHECK_EQ(thrown.error().code, std::string("INTERNAL"));
}

}  // namespace mlos
