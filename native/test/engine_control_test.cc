// What interrupts the engine: deadlines, cancellations, floods, deaths, unloading, nonsense.
#include <algorithm>
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
using test::InMilliseconds;

const ModelOptions kUnbatched{.batching = {.mode = BatchOptions::Mode::kOff}};

/// A model whose runs wait at a gate, one run of which is under way.
struct BusyModel {
  explicit BusyModel(const ModelOptions& options = kUnbatched, const FakeModel& model = {})
      : handle(daemon.ok() ? daemon.Add(model, options, log) : 0),
        first(daemon.Attach(handle)),
        client(daemon.Attach(handle)) {
    if (!ok()) return;
    runs_before = log->runs;
    log->gate.Close();
    first.Send(1000);
    log->gate.WaitForArrivals(runs_before + 1);
  }
  bool ok() const { return handle != 0 && first.ok() && client.ok(); }
  bool Queued(uint32_t count) {
    return Eventually([&] { return daemon.Stats(handle).queued.load() == count; });
  }

  FakeDaemon daemon;
  std::shared_ptr<FakeLog> log = std::make_shared<FakeLog>();
  uint32_t handle;
  EngineClient first;
  EngineClient client;
  int runs_before = 0;
};

}  // namespace

MLOS_TEST(engine_serves_by_priority) {
  BusyModel busy;
  REQUIRE(busy.ok());
  busy.client.Send(4, {.priority = layout::kBatch});
  busy.client.Send(3, {.priority = layout::kNormal});
  busy.client.Send(2, {.priority = layout::kHigh});
  busy.client.Send(1, {.priority = layout::kRealtime});
  // What may ask for no more than normal gets no more.
  EngineClient modest = busy.daemon.Attach(busy.handle, layout::kBatch);
  REQUIRE(modest.ok());
  modest.Send(5, {.priority = layout::kRealtime});
  CHECK(busy.Queued(5));
  busy.log->gate.Open();
  for (int i = 1; i <= 4; ++i) {
    CHECK(busy.client.IsAnswer(busy.client.Receive(), static_cast<float>(i)));
  }
  CHECK(modest.IsAnswer(modest.Receive(), 5));
  CHECK_EQ(busy.log->Order(), (std::vector<float>{1000, 1, 2, 3, 4, 5}));
}

MLOS_TEST(engine_answers_deadlines_while_a_run_goes_on) {
  BusyModel busy;
  REQUIRE(busy.ok());
  busy.client.Send(1, {.deadline_ns = 1});
  CHECK_EQ(busy.client.Receive().status, layout::kDeadlineExceeded);
  busy.client.Send(2, {.deadline_ns = InMilliseconds(20)});
  CHECK_EQ(busy.client.Receive().status, layout::kDeadlineExceeded);
  busy.log->gate.Open();
  CHECK(busy.first.IsAnswer(busy.first.Receive(), 1000));
  CHECK(busy.client.Ask(3, {.deadline_ns = InMilliseconds(60'000)}));
  // What expired never ran.
  CHECK_EQ(busy.log->Order(), (std::vector<float>{1000, 3}));
  CHECK(Eventually([&] { return busy.daemon.Stats(busy.handle).expired.load() == 2; }));
}

MLOS_TEST(engine_uses_its_second_worker_when_a_short_run_turns_out_long) {
  ModelOptions options;
  options.instances = 2;
  // Measured at load: a run is expected to be over at once.
  options.batching = {.mode = BatchOptions::Mode::kFixed, .max_batch = 2};
  BusyModel busy(options);
  REQUIRE(busy.ok());
  busy.client.Send(1);
  busy.log->gate.WaitForArrivals(busy.runs_before + 2);
  busy.log->gate.Open();
  CHECK(busy.client.IsAnswer(busy.client.Receive(), 1));
  CHECK(busy.first.IsAnswer(busy.first.Receive(), 1000));
}

MLOS_TEST(engine_ends_a_run_that_nobody_waits_for) {
  FakeDaemon daemon;
  REQUIRE(daemon.ok());
  auto log = std::make_shared<FakeLog>();
  const uint32_t model = daemon.Add({}, kUnbatched, log);
  EngineClient client = daemon.Attach(model);
  REQUIRE(client.ok());
  log->gate.Close();
  client.Send(1, {.deadline_ns = InMilliseconds(30)});
  CHECK_EQ(client.Receive().status, layout::kDeadlineExceeded);
  CHECK(Eventually([&] { return log->terminations == 1; }));
  const uint64_t id = client.Send(2);
  log->gate.WaitForArrivals(2);
  client.channel().Cancel(id);
  CHECK_EQ(client.Receive().status, layout::kCancelled);
  CHECK(Eventually([&] { return log->terminations == 2; }));
  log->gate.Open();
  CHECK(client.Ask(3));
  CHECK(Eventually([&] { return daemon.Stats(model).cancelled.load() == 1; }));
  CHECK_EQ(daemon.Stats(model).workers[0].terminate_asked_ns.load(), 0U);
}

MLOS_TEST(engine_says_when_a_run_was_asked_to_end) {
  FakeDaemon daemon;
  REQUIRE(daemon.ok());
  auto log = std::make_shared<FakeLog>();
  FakeModel model;
  model.run_us = 300'000;  // does not listen
  const uint32_t handle = daemon.Add(model, kUnbatched, log);
  EngineClient client = daemon.Attach(handle);
  REQUIRE(client.ok());
  client.Send(1, {.deadline_ns = InMilliseconds(20)});
  const Completion completion = client.Receive();
  CHECK_EQ(completion.status, layout::kDeadlineExceeded);
  const layout::WorkerStats& worker = daemon.Stats(handle).workers[0];
  CHECK(Eventually([&] { return worker.terminate_asked_ns.load() != 0; }));
  CHECK(worker.run_started_ns.load() != 0);
  // The late result is dropped: the next answer is that of the next request.
  CHECK(client.Ask(2));
}

MLOS_TEST(engine_keeps_a_joined_run_going_for_those_who_wait) {
  ModelOptions options;
  options.batching = {.mode = BatchOptions::Mode::kFixed, .max_batch = 4};
  BusyModel busy(options);
  REQUIRE(busy.ok());
  const uint64_t unwanted = busy.client.Send(1);
  busy.client.Send(2);
  CHECK(busy.Queued(2));
  busy.log->gate.Open();
  CHECK(busy.first.IsAnswer(busy.first.Receive(), 1000));
  // Whether it is cancelled in time or not, the other one is answered.
  busy.client.channel().Cancel(unwanted);
  const Completion one = busy.client.Receive();
  const Completion two = busy.client.Receive();
  const Completion& wanted = one.request_id == unwanted ? two : one;
  CHECK(busy.client.IsAnswer(wanted, 2));
  CHECK_EQ(busy.log->terminations.load(), 0);
}

MLOS_TEST(engine_cancels_what_waits_while_a_run_goes_on) {
  BusyModel busy;
  REQUIRE(busy.ok());
  const uint64_t id = busy.client.Send(1);
  busy.client.Send(2);
  CHECK(busy.Queued(2));
  busy.client.channel().Cancel(id);
  const Completion completion = busy.client.Receive();
  CHECK_EQ(completion.request_id, id);
  CHECK_EQ(completion.status, layout::kCancelled);
  busy.log->gate.Open();
  CHECK(busy.client.IsAnswer(busy.client.Receive(), 2));
  CHECK_EQ(busy.log->Order(), (std::vector<float>{1000, 2}));
}

MLOS_TEST(engine_pushes_back_when_its_queue_is_full) {
  ModelOptions options = kUnbatched;
  options.max_queue = 4;
  BusyModel busy(options);
  REQUIRE(busy.ok());
  for (int i = 0; i < 10; ++i) REQUIRE(busy.client.Send(static_cast<float>(i)) != 0);
  for (int i = 0; i < 6; ++i) {
    const Completion completion = busy.client.Receive();
    CHECK_EQ(completion.status, layout::kTooManyRequests);
    CHECK(completion.message.find("at most 4 requests") != std::string::npos);
  }
  // The flood has the whole queue, until somebody else comes.
  REQUIRE(busy.first.Send(7) != 0);
  CHECK_EQ(busy.client.Receive().status, layout::kTooManyRequests);
  busy.log->gate.Open();
  for (int i = 0; i < 3; ++i) {
    CHECK(busy.client.IsAnswer(busy.client.Receive(), static_cast<float>(i)));
  }
  CHECK(busy.first.IsAnswer(busy.first.Receive(), 1000));
  CHECK(busy.first.IsAnswer(busy.first.Receive(), 7));
  CHECK(Eventually([&] { return busy.daemon.Stats(busy.handle).rejected.load() == 7; }));
}

MLOS_TEST(engine_serves_a_modest_client_next_under_a_flood) {
  BusyModel busy;
  REQUIRE(busy.ok());
  for (int i = 0; i < 200; ++i) REQUIRE(busy.client.Send(static_cast<float>(i)) != 0);
  CHECK(busy.Queued(200));
  EngineClient modest = busy.daemon.Attach(busy.handle);
  REQUIRE(modest.ok());
  REQUIRE(modest.Send(5000) != 0);
  CHECK(busy.Queued(201));
  busy.log->gate.Open();
  CHECK(modest.IsAnswer(modest.Receive(), 5000));
  for (int i = 0; i < 200; ++i) {
    CHECK(busy.client.IsAnswer(busy.client.Receive(), static_cast<float>(i)));
  }
  const std::vector<float> order = busy.log->Order();
  const auto place = std::find(order.begin(), order.end(), 5000.0F) - order.begin();
  CHECK(place <= 3);
}

MLOS_TEST(engine_forgets_a_client_that_is_gone) {
  BusyModel busy;
  REQUIRE(busy.ok());
  for (int i = 0; i < 5; ++i) busy.client.Send(static_cast<float>(i));
  CHECK(busy.Queued(5));
  const uint64_t id = busy.daemon.last_channel();
  busy.client.HangUp();
  const layout::ControlMessage gone = busy.daemon.Next();
  CHECK_EQ(gone.kind, static_cast<uint32_t>(layout::kChannelGone));
  CHECK_EQ(gone.channel_id, id);
  CHECK(busy.Queued(0));
  CHECK_EQ(busy.daemon.Stats(busy.handle).channels.load(), 1U);
  CHECK_EQ(busy.log->terminations.load(), 0);
  // One that runs is ended when it is alone.
  busy.first.HangUp();
  CHECK(Eventually([&] { return busy.log->terminations == 1; }));
  CHECK_EQ(busy.log->Order(), (std::vector<float>{1000}));
}

MLOS_TEST(engine_closes_a_channel_when_told_to) {
  BusyModel busy;
  REQUIRE(busy.ok());
  busy.client.Send(1);
  CHECK(busy.Queued(1));
  const auto reply = busy.daemon.Ask(layout::kCloseChannel, busy.daemon.last_channel(), 0,
                                     layout::kPermissionDenied, {});
  CHECK_EQ(reply.status, static_cast<uint32_t>(layout::kOk));
  CHECK_EQ(busy.client.Receive().status, layout::kPermissionDenied);
  CHECK(busy.client.channel().Wait(InMilliseconds(5000)) == ClientChannel::WaitResult::kClosed);
  CHECK_EQ(busy.client.channel().close_code(), layout::kPermissionDenied);
  busy.log->gate.Open();
  CHECK(busy.first.IsAnswer(busy.first.Receive(), 1000));
}

MLOS_TEST(engine_unloads_a_model_under_load) {
  FakeDaemon daemon;
  REQUIRE(daemon.ok());
  ModelOptions options;
  options.instances = 2;
  options.batching = {.mode = BatchOptions::Mode::kFixed, .max_batch = 4};
  FakeModel model;
  model.run_us = 50;
  const uint32_t handle = daemon.Add(model, options);
  std::atomic<int> wrong{0};
  std::atomic<int> right{0};
  std::vector<std::thread> threads;
  for (int n = 0; n < 3; ++n) {
    threads.emplace_back([&, client = daemon.Attach(handle)]() mutable {
      for (int i = 0;; ++i) {
        const auto value = static_cast<float>(i);
        if (client.Send(value) == 0) break;
        const Completion completion = client.Receive();
        if (client.channel().state() == layout::kClosed) break;
        if (completion.status == layout::kShuttingDown) continue;
        ++(client.IsAnswer(completion, value) ? right : wrong);
      }
      if (client.channel().close_code() != layout::kShuttingDown) ++wrong;
    });
  }
  CHECK(Eventually([&] { return right > 200; }));
  CHECK(daemon.engine().RemoveModel(handle, layout::kShuttingDown).ok());
  for (std::thread& thread : threads) thread.join();
  CHECK_EQ(wrong.load(), 0);
  CHECK(!daemon.engine().RemoveModel(handle, layout::kShuttingDown).ok());
  // Its place is free, and the engine goes on.
  const uint32_t next = daemon.Add({}, kUnbatched);
  CHECK(next > handle);
  EngineClient client = daemon.Attach(next);
  REQUIRE(client.ok());
  CHECK(client.Ask(1));
}

MLOS_TEST(engine_answers_nonsense_from_the_daemon) {
  FakeDaemon daemon;
  REQUIRE(daemon.ok());
  const std::vector<std::byte> few(10);
  daemon.SendRaw(few, {});
  CHECK_EQ(daemon.Next().status, static_cast<uint32_t>(layout::kInvalidFrame));
  const std::vector<std::byte> many(1000);
  daemon.SendRaw(many, {});
  CHECK_EQ(daemon.Next().status, static_cast<uint32_t>(layout::kInvalidFrame));
  CHECK_EQ(daemon.Ask(99, 0, 0, 0, {}).status, static_cast<uint32_t>(layout::kInvalidFrame));
  CHECK_EQ(daemon.Ask(layout::kOpenChannel, 1, 1, 0, {}).status,
           static_cast<uint32_t>(layout::kInvalidFrame));
  CHECK_EQ(daemon.Ask(layout::kOpenChannel, 1, 77, 0, {0, 0, 0}).status,
           static_cast<uint32_t>(layout::kModelNotFound));
  const uint32_t model = daemon.Add({}, kUnbatched);
  CHECK_EQ(daemon.Ask(layout::kOpenChannel, 1, model, 9, {0, 0, 0}).status,
           static_cast<uint32_t>(layout::kInvalidArgument));
  CHECK(daemon.Ask(layout::kOpenChannel, 1, model, 0, {0, 0, 0}).status != layout::kOk);
  CHECK_EQ(daemon.Ask(layout::kActivateChannel, 5, 0, 0, {0}).status,
           static_cast<uint32_t>(layout::kInvalidArgument));
  CHECK_EQ(daemon.Ask(layout::kCloseChannel, 5, 0, layout::kOk, {}).status,
           static_cast<uint32_t>(layout::kInvalidArgument));
  CHECK(daemon.Ask(layout::kStartEngine, 0, 0, 0, {0}).status != layout::kOk);
  EngineClient client = daemon.Attach(model);
  REQUIRE(client.ok());
  CHECK(client.Ask(1));
}

MLOS_TEST(engine_ends_channels_with_its_daemon) {
  FakeDaemon daemon;
  REQUIRE(daemon.ok());
  EngineClient client = daemon.Attach(daemon.Add({}, kUnbatched));
  REQUIRE(client.ok());
  CHECK(client.Ask(1));
  daemon.HangUp();
  CHECK(client.channel().Wait(InMilliseconds(5000)) == ClientChannel::WaitResult::kClosed);
  CHECK_EQ(client.channel().close_code(), layout::kPluginUnavailable);
}

MLOS_TEST(engine_closes_a_client_that_breaks_the_rules) {
  FakeDaemon daemon;
  REQUIRE(daemon.ok());
  const uint32_t model = daemon.Add({}, kUnbatched);
  EngineClient hostile = daemon.Attach(model);
  EngineClient honest = daemon.Attach(model);
  REQUIRE(hostile.ok() && honest.ok());
  auto* control = reinterpret_cast<layout::RequestControl*>(
      hostile.channel().request_mapping()->bytes().data());
  control->request_tail.store(1'000'000);
  CHECK(honest.Ask(1));
  CHECK(Eventually([&] {
    honest.Ask(2);
    return daemon.Stats(model).channels.load() == 1;
  }));
  CHECK(hostile.channel().Wait(InMilliseconds(5000)) == ClientChannel::WaitResult::kClosed);
  CHECK_EQ(hostile.channel().close_code(), layout::kInvalidFrame);
  CHECK(honest.Ask(3));
}

MLOS_TEST(engine_stops_with_work_under_way) {
  FakeDaemon daemon;
  REQUIRE(daemon.ok());
  FakeModel model;
  model.run_us = 2000;
  EngineClient client = daemon.Attach(daemon.Add(model, kUnbatched));
  REQUIRE(client.ok());
  for (int i = 0; i < 50; ++i) REQUIRE(client.Send(static_cast<float>(i)) != 0);
  daemon.StopEngine();
  while (client.channel().Wait(InMilliseconds(5000)) == ClientChannel::WaitResult::kReady) {
    client.Receive();
  }
  CHECK_EQ(client.channel().state(), layout::kClosed);
  CHECK_EQ(client.channel().close_code(), layout::kPluginUnavailable);
}

}  // namespace mlos
