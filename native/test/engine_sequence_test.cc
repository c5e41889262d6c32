// Sequences: states that go from request to request of one sequence, and nowhere else.
#include <algorithm>
#include <thread>

#include "check.h"
#include "engine/state_plan.h"
#include "engine_client.h"

namespace mlos {
namespace {

using test::EngineClient;
using test::Eventually;
using test::FakeDaemon;
using test::FakeLog;
using test::Spec;
using test::Wish;

constexpr uint32_t kStart = layout::kSequenceStart;
constexpr uint32_t kEnd = layout::kSequenceEnd;
/// An answer of this model means a failed run.
constexpr float kPoison = -1;

/// y[rows, 4] = a + b + total[1, rows, 4]; next_total = y. Fails where an element of `a` is
/// kPoison.
class SummingContext final : public RunContext {
 public:
  explicit SummingContext(std::shared_ptr<FakeLog> log) : log_(std::move(log)) {}

  Status Run(const RunRequest& request, OutputSink& sink) override {
    // Signature: a, total, b.
    const auto a = Floats(request.inputs[0]);
    const auto total = Floats(request.inputs[1]);
    const auto b = Floats(request.inputs[2]);
    ++log_->runs;
    const auto rows = static_cast<int>(request.inputs[0].shape.dims[0]);
    if (rows > log_->largest) log_->largest = rows;
    log_->gate.Pass(terminated_);
    if (terminated_) return CodedError("CANCELLED", "the run was ended");
    std::vector<float> y(a.size());
    for (size_t i = 0; i < a.size(); ++i) {
      if (a[i] == kPoison) return CodedError("INFERENCE_FAILED", "poison");
      y[i] = a[i] + b[i] + total[i];
    }
    // Outputs: next_total, y.
    for (const uint32_t output : request.outputs) {
      const Shape& shape = request.inputs[output == 0 ? 1 : 0].shape;
      const uint64_t bytes = y.size() * sizeof(float);
      const auto to = sink.Allocate(output, Dtype::kFloat32, shape, bytes);
      if (to.size() < bytes) return CodedError("PAYLOAD_TOO_LARGE", "no room");
      std::memcpy(to.data(), y.data(), bytes);
    }
    return {};
  }
  void Terminate() override {
    terminated_ = true;
    log_->gate.Notify();
  }
  void Reset() override { terminated_ = false; }

 private:
  static std::vector<float> Floats(const TensorView& view) {
    std::vector<float> values(view.data.size() / sizeof(float));
    std::memcpy(values.data(), view.data.data(), view.data.size());
    return values;
  }

  const std::shared_ptr<FakeLog> log_;
  std::atomic<bool> terminated_{false};
};

class SummingRunner final : public Runner {
 public:
  explicit SummingRunner(std::shared_ptr<FakeLog> log) : log_(std::move(log)) {
    signature_.inputs = {Spec("a", Dtype::kFloat32, {-1, 4}, {"batch", ""}),
                         Spec("total", Dtype::kFloat32, {1, -1, 4}, {"", "batch", ""}),
                         Spec("b", Dtype::kFloat32, {-1, 4}, {"batch", ""})};
    signature_.outputs = {Spec("next_total", Dtype::kFloat32, {1, -1, 4}, {"", "batch", ""}),
                          Spec("y", Dtype::kFloat32, {-1, 4}, {"batch", ""})};
  }
  const ModelSignature& signature() const override { return signature_; }
  Result<std::unique_ptr<RunContext>> CreateContext() override {
    return std::unique_ptr<RunContext>(std::make_unique<SummingContext>(log_));
  }
  std::string description() const override { return "sums"; }

 private:
  const std::shared_ptr<FakeLog> log_;
  ModelSignature signature_;
};

ModelOptions Summing(uint32_t max_batch = 1, SequenceOptions sequences = {}) {
  ModelOptions options;
  options.batching = {.mode = max_batch > 1 ? BatchOptions::Mode::kFixed : BatchOptions::Mode::kOff,
                      .max_batch = max_batch};
  options.states = {{.input = "total", .output = "next_total"}};
  options.sequences = sequences;
  return options;
}

struct SummingModel {
  explicit SummingModel(const ModelOptions& options = Summing()) {
    if (!daemon.ok()) return;
    auto added = daemon.AddRunner(std::make_unique<SummingRunner>(log), options);
    if (added.ok()) facts = added.value();
  }
  bool ok() const { return facts.handle != 0; }
  const layout::ModelStats& stats() { return daemon.Stats(facts.handle); }
  EngineClient Attach(bool shares_sequences = false) {
    return daemon.Attach(facts.handle, layout::kRealtime, uint64_t{1} << 18, shares_sequences);
  }

  FakeDaemon daemon;
  std::shared_ptr<FakeLog> log = std::make_shared<FakeLog>();
  AddedModel facts;
};

/// Whether the answer is `total`, three times (EngineClient), after sending `value`.
bool AskFor(EngineClient& client, const std::string& id, float value, float total,
            uint32_t flags = 0, uint32_t rows = 1) {
  if (client.Send(value, {.rows = rows, .sequence = id, .flags = flags}) == 0) return false;
  return client.IsAnswer(client.Receive(), total, rows);
}

layout::StatusCode StatusOf(EngineClient& client, const Wish& wish, float value = 1) {
  client.Send(value, wish);
  const Completion completion = client.Receive();
  if (completion.offset) client.channel().Release(*completion.offset);
  return completion.status;
}

}  // namespace

MLOS_TEST(sequence_states_are_no_business_of_clients) {
  SummingModel model;
  REQUIRE(model.ok());
  CHECK_EQ(model.facts.signature.inputs.size(), 2U);
  CHECK_EQ(model.facts.signature.inputs[1].name, std::string("b"));
  CHECK_EQ(model.facts.signature.outputs.size(), 1U);
  CHECK_EQ(model.facts.signature.outputs[0].name, std::string("y"));
}

MLOS_TEST(sequence_requests_build_on_one_another_and_sequences_never_mix) {
  SummingModel model;
  REQUIRE(model.ok());
  EngineClient client = model.Attach();
  EngineClient other = model.Attach();
  REQUIRE(client.ok() && other.ok());
  CHECK(AskFor(client, "one", 1, 1, kStart));
  CHECK(AskFor(client, "two", 100, 100, kStart));
  CHECK(AskFor(other, "one", 1000, 1000, kStart));
  for (int i = 2; i <= 50; ++i) {
    CHECK(AskFor(client, "one", 1, static_cast<float>(i)));
    CHECK(AskFor(client, "two", 100, 100 * static_cast<float>(i)));
    CHECK(AskFor(other, "one", 1000, 1000 * static_cast<float>(i)));
  }
  CHECK_EQ(model.stats().sequences.load(), 3U);
  CHECK_EQ(model.stats().state_bytes.load(), 3 * 16U);
  CHECK(AskFor(client, "one", 5, 5, kStart));
  CHECK(AskFor(client, "one", 5, 10, kEnd));
  CHECK(Eventually([&] { return model.stats().sequences.load() == 2; }));
  CHECK_EQ(StatusOf(client, {.sequence = "one"}), layout::kFailedPrecondition);
  CHECK(AskFor(client, "one", 7, 7, kStart | kEnd));
  other.HangUp();
  CHECK(Eventually([&] { return model.stats().sequences.load() == 1; }));
  CHECK(Eventually([&] { return model.stats().state_bytes.load() == 16; }));
}

MLOS_TEST(sequence_and_model_have_to_fit) {
  SummingModel model;
  REQUIRE(model.ok());
  EngineClient client = model.Attach();
  REQUIRE(client.ok());
  CHECK_EQ(StatusOf(client, {}), layout::kInvalidArgument);
  CHECK_EQ(StatusOf(client, {.sequence = "a"}), layout::kFailedPrecondition);
  EngineClient plain = model.daemon.Attach(model.daemon.Add({}, {}));
  REQUIRE(plain.ok());
  CHECK_EQ(StatusOf(plain, {.sequence = "a", .flags = kStart}), layout::kInvalidArgument);
  // Two rows: a sequence for two streams that go in step.
  CHECK(AskFor(client, "wide", 2, 2, kStart, 2));
  CHECK(AskFor(client, "wide", 2, 4, 0, 2));
  CHECK_EQ(StatusOf(client, {.rows = 1, .sequence = "wide"}), layout::kInvalidShape);
  CHECK(AskFor(client, "wide", 2, 6, 0, 2));
}

MLOS_TEST(sequence_model_shares_the_weights_of_another_and_outlives_it) {
  SummingModel plain{ModelOptions{}};
  REQUIRE(plain.ok());
  CHECK_EQ(plain.facts.signature.inputs.size(), 3U);
  Engine& engine = plain.daemon.engine();
  const auto shared = engine.AddShared(plain.facts.handle, Summing());
  REQUIRE(shared.ok());
  CHECK(shared.value().handle != plain.facts.handle);
  CHECK_EQ(shared.value().signature.inputs.size(), 2U);
  EngineClient client = plain.daemon.Attach(shared.value().handle);
  REQUIRE(client.ok());
  CHECK(AskFor(client, "s", 1, 1, kStart));
  CHECK(engine.RemoveModel(plain.facts.handle, layout::kModelNotFound).ok());
  CHECK(AskFor(client, "s", 2, 3));
  const auto none = engine.AddShared(plain.facts.handle, Summing());
  CHECK(!none.ok() && none.error().code == "MODEL_NOT_FOUND");
}

MLOS_TEST(sequence_requests_sent_at_once_run_in_their_order) {
  for (const uint32_t instances : {1U, 4U}) {
    ModelOptions options = Summing(8);
    options.instances = instances;
    SummingModel model(options);
    REQUIRE(model.ok());
    EngineClient client = model.Attach();
    REQUIRE(client.ok());
    const auto priorities = {layout::kBatch, layout::kRealtime, layout::kNormal};
    std::map<uint64_t, float> expected;
    float total = 0;
    for (int i = 0; i < 60; ++i) {
      const auto priority = *(priorities.begin() + i % 3);
      const uint32_t flags = i == 0 ? kStart : 0;
      total += static_cast<float>(i + 1);
      expected[client.Send(static_cast<float>(i + 1),
                           {.priority = priority, .sequence = "s", .flags = flags})] = total;
    }
    for (int i = 0; i < 60; ++i) {
      const Completion completion = client.Receive();
      CHECK(client.IsAnswer(completion, expected[completion.request_id]));
    }
  }
}

MLOS_TEST(sequence_streams_that_share_runs_answer_as_if_alone) {
  ModelOptions options = Summing(16);
  options.batching.max_delay_us = 200;
  SummingModel model(options);
  REQUIRE(model.ok());
  CHECK_EQ(model.stats().batch_verdict.load(), layout::kBatchFixed);
  std::vector<std::thread> threads;
  std::atomic<int> wrong{0};
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, client = std::make_shared<EngineClient>(model.Attach()), t] {
      for (int step = 0; step < 100; ++step) {
        std::map<uint64_t, std::pair<float, uint32_t>> sent;
        for (uint32_t stream = 0; stream < 4; ++stream) {
          const float value = static_cast<float>(t * 10 + static_cast<int>(stream) + 1);
          const uint32_t rows = stream % 2 + 1;
          const uint64_t id = client->Send(
              value,
              {.rows = rows, .sequence = std::to_string(stream), .flags = step == 0 ? kStart : 0});
          sent[id] = {value * static_cast<float>(step + 1), rows};
        }
        for (size_t i = 0; i < 4; ++i) {
          const Completion completion = client->Receive();
          const auto [total, rows] = sent[completion.request_id];
          if (!client->IsAnswer(completion, total, rows)) ++wrong;
        }
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK_EQ(wrong.load(), 0);
  CHECK(model.log->largest.load() > 4);
}

MLOS_TEST(sequence_keeps_its_state_where_a_request_fails) {
  SummingModel model;
  REQUIRE(model.ok());
  EngineClient client = model.Attach();
  REQUIRE(client.ok());
  CHECK(AskFor(client, "s", 3, 3, kStart));
  client.Send(kPoison, {.sequence = "s"});
  const Completion failed = client.Receive();
  CHECK_EQ(failed.status, layout::kInferenceFailed);
  CHECK(failed.message.find("state is what it was before") != std::string::npos);
  CHECK(AskFor(client, "s", 3, 6));
  // A start that fails leaves the old state, too.
  CHECK_EQ(StatusOf(client, {.sequence = "s", .flags = kStart}, kPoison), layout::kInferenceFailed);
  CHECK(AskFor(client, "s", 3, 9));
}

MLOS_TEST(sequence_refuses_what_was_sent_behind_a_failure) {
  SummingModel model;
  REQUIRE(model.ok());
  EngineClient client = model.Attach();
  REQUIRE(client.ok());
  // Many times: the engine may hand the turn on only after the client has sent all that follows.
  for (int round = 0; round < 300; ++round) {
    CHECK(AskFor(client, "s", 1, 1, kStart));
    model.log->gate.Close();
    const int begun = model.log->gate.arrived();
    const std::map<uint64_t, layout::StatusCode> expected = {
        {client.Send(kPoison, {.sequence = "s"}), layout::kInferenceFailed},
        {client.Send(1, {.sequence = "s"}), layout::kFailedPrecondition},
        {client.Send(2, {.sequence = "s"}), layout::kFailedPrecondition},
        {client.Send(50, {.sequence = "s", .flags = kStart}), layout::kOk},
        {client.Send(7, {.sequence = "s"}), layout::kOk}};
    model.log->gate.WaitForArrivals(begun + 1);
    CHECK(Eventually([&] { return model.stats().queued.load() == 4; }));
    model.log->gate.Open();
    for (size_t i = 0; i < expected.size(); ++i) {
      const Completion completion = client.Receive();
      CHECK_EQ(completion.status, expected.at(completion.request_id));
      if (completion.offset) client.channel().Release(*completion.offset);
    }
    CHECK(AskFor(client, "s", 1, 58));
  }
}

MLOS_TEST(sequence_refuses_what_was_sent_behind_a_cancelled_one) {
  SummingModel model;
  REQUIRE(model.ok());
  EngineClient client = model.Attach();
  REQUIRE(client.ok());
  CHECK(AskFor(client, "s", 1, 1, kStart));
  const int begun = model.log->gate.arrived();
  model.log->gate.Close();
  client.Send(10, {.sequence = "s"});
  model.log->gate.WaitForArrivals(begun + 1);
  const uint64_t held = client.Send(20, {.sequence = "s"});
  const uint64_t behind = client.Send(30, {.sequence = "s"});
  CHECK(Eventually([&] { return model.stats().queued.load() == 2; }));
  client.channel().Cancel(held);
  std::map<uint64_t, layout::StatusCode> got;
  for (int i = 0; i < 2; ++i) {
    const Completion completion = client.Receive();
    got[completion.request_id] = completion.status;
  }
  CHECK_EQ(got[held], layout::kCancelled);
  CHECK_EQ(got[behind], layout::kFailedPrecondition);
  model.log->gate.Open();
  CHECK(client.IsAnswer(client.Receive(), 11, 1));
  CHECK(AskFor(client, "s", 1, 12));
}

MLOS_TEST(sequence_keeps_its_state_where_a_request_is_cancelled_or_late) {
  SummingModel model;
  REQUIRE(model.ok());
  EngineClient client = model.Attach();
  REQUIRE(client.ok());
  CHECK(AskFor(client, "s", 1, 1, kStart));
  model.log->gate.Close();
  const int before = model.log->runs;
  const uint64_t runs = client.Send(10, {.sequence = "s"});
  const uint64_t held = client.Send(20, {.sequence = "s"});
  model.log->gate.WaitForArrivals(before + 1);
  CHECK(Eventually([&] { return model.stats().queued.load() == 1; }));
  client.channel().Cancel(held);
  Completion completion = client.Receive();
  CHECK_EQ(completion.request_id, held);
  CHECK_EQ(completion.status, layout::kCancelled);
  client.channel().Cancel(runs);
  completion = client.Receive();
  CHECK_EQ(completion.request_id, runs);
  CHECK_EQ(completion.status, layout::kCancelled);
  model.log->gate.Open();
  CHECK(AskFor(client, "s", 1, 2));
  model.log->gate.Close();
  CHECK_EQ(StatusOf(client, {.deadline_ns = test::InMilliseconds(5), .sequence = "s"}),
           layout::kDeadlineExceeded);
  model.log->gate.Open();
  CHECK(AskFor(client, "s", 1, 3));
}

MLOS_TEST(sequence_count_and_bytes_are_bounded) {
  SummingModel model(Summing(1, {.max_count = 2, .max_bytes = 40, .idle_ms = 60'000}));
  REQUIRE(model.ok());
  EngineClient client = model.Attach();
  REQUIRE(client.ok());
  CHECK(AskFor(client, "a", 1, 1, kStart));
  // 16 bytes a row: three do not fit beside those of "a", and four would not even alone.
  CHECK_EQ(StatusOf(client, {.rows = 2, .sequence = "b", .flags = kStart}),
           layout::kTooManyRequests);
  CHECK_EQ(StatusOf(client, {.rows = 4, .sequence = "b", .flags = kStart}),
           layout::kTooManyRequests);
  CHECK(Eventually([&] { return model.stats().sequences.load() == 1; }));
  CHECK(AskFor(client, "b", 1, 1, kStart));
  CHECK_EQ(StatusOf(client, {.sequence = "c", .flags = kStart}), layout::kTooManyRequests);
  CHECK(AskFor(client, "a", 1, 2, kEnd));
  CHECK(AskFor(client, "c", 4, 4, kStart));
}

MLOS_TEST(sequence_expires_when_idle) {
  SummingModel model(Summing(1, {.max_count = 8, .max_bytes = 1 << 20, .idle_ms = 50}));
  REQUIRE(model.ok());
  EngineClient client = model.Attach();
  REQUIRE(client.ok());
  CHECK(AskFor(client, "s", 1, 1, kStart));
  CHECK(Eventually([&] { return model.stats().sequences.load() == 0; }));
  CHECK_EQ(model.stats().state_bytes.load(), 0U);
  client.Send(1, {.sequence = "s"});
  const Completion completion = client.Receive();
  CHECK_EQ(completion.status, layout::kFailedPrecondition);
  CHECK(completion.message.find("50 ms") != std::string::npos);
  CHECK(AskFor(client, "s", 1, 1, kStart));
}

MLOS_TEST(sequence_of_shared_channels_outlives_each) {
  SummingModel model;
  REQUIRE(model.ok());
  EngineClient first = model.Attach(true);
  REQUIRE(first.ok());
  CHECK(AskFor(first, "s", 1, 1, kStart));
  EngineClient second = model.Attach(true);
  first.HangUp();
  CHECK(Eventually([&] { return model.stats().channels.load() == 1; }));
  CHECK(AskFor(second, "s", 1, 2));
  EngineClient stranger = model.Attach();
  CHECK_EQ(StatusOf(stranger, {.sequence = "s"}), layout::kFailedPrecondition);
}

MLOS_TEST(sequence_ends_with_its_client_whatever_is_under_way) {
  SummingModel model;
  REQUIRE(model.ok());
  for (int i = 0; i < 20; ++i) {
    EngineClient client = model.Attach();
    REQUIRE(client.ok());
    for (int sent = 0; sent < 20; ++sent) {
      client.Send(1, {.sequence = std::to_string(sent % 3), .flags = sent < 3 ? kStart : 0});
    }
    client.HangUp();
  }
  CHECK(Eventually([&] { return model.stats().sequences.load() == 0; }));
  CHECK(Eventually([&] { return model.stats().state_bytes.load() == 0; }));
  CHECK(Eventually([&] { return model.stats().queued.load() == 0; }));
}

MLOS_TEST(sequence_plan_says_what_is_wrong_with_a_declaration) {
  FakeDaemon daemon;
  REQUIRE(daemon.ok());
  const auto refusal = [&](const StateSpec& state) {
    ModelOptions options;
    options.states = {state};
    const auto added =
        daemon.AddRunner(std::make_unique<SummingRunner>(std::make_shared<FakeLog>()), options);
    if (added.ok()) return std::string();
    CHECK_EQ(added.error().code, std::string("MODEL_LOAD_FAILED"));
    return added.error().message;
  };
  const auto says = [&](const StateSpec& state, const std::string& what) {
    return refusal(state).find(what) != std::string::npos;
  };
  CHECK(says({.input = "none", .output = "y"}, "no such input"));
  CHECK(says({.input = "total", .output = "none"}, "no output \"none\""));
  CHECK(says({.input = "total", .output = "next_total", .shape = {{1, -1}}}, "does not fit"));
  CHECK(says({.input = "total", .output = "next_total", .shape = {{2, -1, 4}}}, "does not fit"));
  CHECK_EQ(refusal({.input = "total", .output = "next_total", .shape = {{1, -1, 4}}}), "");
  CHECK_EQ(refusal({.input = "total", .output = "next_total", .shape = {{1, 1, 4}}}), "");
}

}  // namespace mlos
