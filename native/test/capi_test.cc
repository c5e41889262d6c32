#include <poll.h>

#include <array>
#include <cstring>
#include <string>
#include <vector>

#include "attach_double.h"
#include "capi/mlos.h"
#include "check.h"

namespace mlos::test {
namespace {

constexpr uint64_t kSecond = 1'000'000;
constexpr const char* kEcho = "test/echo@1";

/// A model and requests on it, closed at the end.
class Attached {
 public:
  explicit Attached(const std::string& path, bool reattach = true) {
    mlos_attach_options options;
    mlos_attach_options_init(&options);
    options.no_reattach = reattach ? 0 : 1;
    options.timeout_us = 20 * kSecond;
    status = mlos_attach(path.c_str(), kEcho, &options, &model);
  }
  Attached(const Attached&) = delete;
  Attached& operator=(const Attached&) = delete;
  ~Attached() {
    for (mlos_request* request : requests_) mlos_request_free(request);
    mlos_close(model);
  }

  mlos_request* Request(int64_t length) {
    const mlos_input input = {.index = 0, .rank = 1, .dims = &length, .byte_length = 0};
    mlos_request* request = nullptr;
    if (mlos_request_create(model, &input, 1, &request) != MLOS_OK) return nullptr;
    requests_.push_back(request);
    return request;
  }

  mlos_status status = MLOS_OK;
  mlos_model* model = nullptr;

 private:
  std::vector<mlos_request*> requests_;
};

void Write(mlos_request* request, float first, float second) {
  auto* x = static_cast<float*>(mlos_request_data(request, 0, nullptr));
  x[0] = first;
  x[1] = second;
}

bool Echoes(mlos_request* request, float first, float second) {
  const mlos_tensor& y = *mlos_outputs(request);
  if (y.data == nullptr || y.dtype != MLOS_FLOAT32 || y.rank != 1 || y.dims[0] != 2) return false;
  std::array<float, 2> got{};
  if (y.byte_length != sizeof got) return false;
  std::memcpy(got.data(), y.data, sizeof got);
  return got[0] == first && got[1] == second;
}

bool LastErrorHas(const char* part) { return std::strstr(mlos_last_error(), part) != nullptr; }

MLOS_TEST(capi_runs_a_request_again_and_again) {
  const AttachDouble daemon;
  Attached app(daemon.path());
  REQUIRE(app.status == MLOS_OK);
  CHECK_EQ(std::string(mlos_model_id(app.model)), kEcho);
  CHECK_EQ(mlos_input_count(app.model), 1U);
  CHECK_EQ(mlos_find_input(app.model, "x"), 0);
  CHECK_EQ(mlos_find_output(app.model, "x"), -1);
  mlos_tensor_spec spec;
  REQUIRE(mlos_output_spec(app.model, 0, &spec) == MLOS_OK);
  CHECK(std::string(spec.name) == "y" && spec.dtype == MLOS_FLOAT32 && spec.rank == 1);
  CHECK_EQ(spec.dims[0], -1);

  mlos_request* request = app.Request(2);
  REQUIRE(request != nullptr);
  const mlos_tensor* outputs = mlos_outputs(request);
  CHECK(outputs->data == nullptr);
  for (int turn = 0; turn < 2000; ++turn) {
    Write(request, static_cast<float>(turn), 1);
    REQUIRE(mlos_infer(request, 10 * kSecond) == MLOS_OK);
    REQUIRE(Echoes(request, static_cast<float>(turn), 1));
  }
  CHECK_EQ(mlos_outputs(request), outputs);
  mlos_timing timing;
  REQUIRE(mlos_request_timing(request, &timing) == MLOS_OK);
  CHECK(timing.queue_ns == 11 && timing.run_ns == 22 && timing.batch == 1);
  mlos_release(request);
  mlos_release(request);
  CHECK(outputs->data == nullptr);
}

MLOS_TEST(capi_overlaps_requests) {
  const AttachDouble daemon;
  Attached app(daemon.path());
  REQUIRE(app.status == MLOS_OK);
  mlos_request* found = nullptr;
  CHECK_EQ(mlos_wait(app.model, kSecond, &found), MLOS_FAILED_PRECONDITION);
  std::vector<mlos_request*> requests;
  for (int i = 0; i < 50; ++i) {
    requests.push_back(app.Request(2));
    REQUIRE(requests.back() != nullptr);
    Write(requests.back(), static_cast<float>(i), 0);
    REQUIRE(mlos_submit(requests.back(), 10 * kSecond) == MLOS_OK);
  }
  CHECK_EQ(mlos_submit(requests.back(), 0), MLOS_FAILED_PRECONDITION);
  // One of them out of turn; the others in the order in which they end.
  CHECK_EQ(mlos_wait_for(requests[7], 10 * kSecond), MLOS_OK);
  for (int i = 0; i < 50; ++i) {
    if (i == 7) continue;
    REQUIRE(mlos_wait(app.model, 10 * kSecond, &found) == MLOS_OK);
    CHECK(found == requests[static_cast<size_t>(i)]);
    CHECK_EQ(mlos_request_status(found), MLOS_OK);
    CHECK(Echoes(found, static_cast<float>(i), 0));
  }
  CHECK(mlos_poll(app.model) == nullptr);
}

MLOS_TEST(capi_serves_event_loops) {
  const AttachDouble daemon;
  Attached app(daemon.path());
  REQUIRE(app.status == MLOS_OK);
  mlos_request* request = app.Request(2);
  for (int turn = 0; turn < 20; ++turn) {
    REQUIRE(mlos_submit(request, 0) == MLOS_OK);
    mlos_request* finished = nullptr;
    while (finished == nullptr) {
      const int fd = mlos_listen(app.model);
      if (fd >= 0) {
        pollfd watched{.fd = fd, .events = POLLIN, .revents = 0};
        REQUIRE(::poll(&watched, 1, 10'000) == 1);
        mlos_stop_listening(app.model);
      }
      finished = mlos_poll(app.model);
    }
    CHECK(finished == request);
  }
}

MLOS_TEST(capi_says_what_is_wrong_with_a_request) {
  const AttachDouble daemon;
  Attached app(daemon.path());
  REQUIRE(app.status == MLOS_OK);
  mlos_request* request = nullptr;
  const std::array<int64_t, 2> dims = {2, 2};
  mlos_input input = {.index = 0, .rank = 2, .dims = dims.data(), .byte_length = 0};
  CHECK_EQ(mlos_request_create(app.model, &input, 1, &request), MLOS_INVALID_SHAPE);
  CHECK(LastErrorHas("\"x\"") && LastErrorHas("[2, 2]") && LastErrorHas("[any]"));
  CHECK(request == nullptr);
  input.rank = 17;
  CHECK_EQ(mlos_request_create(app.model, &input, 1, &request), MLOS_INVALID_SHAPE);
  input = {.index = 1, .rank = 1, .dims = dims.data(), .byte_length = 0};
  CHECK_EQ(mlos_request_create(app.model, &input, 1, &request), MLOS_UNKNOWN_INPUT);
  const std::array<int64_t, 1> huge = {int64_t{1} << 38};
  input = {.index = 0, .rank = 1, .dims = huge.data(), .byte_length = 0};
  CHECK_EQ(mlos_request_create(app.model, &input, 1, &request), MLOS_PAYLOAD_TOO_LARGE);
  const std::array<int64_t, 1> negative = {-1};
  input.dims = negative.data();
  CHECK_EQ(mlos_request_create(app.model, &input, 1, &request), MLOS_INVALID_SHAPE);
  CHECK_EQ(mlos_request_create(app.model, nullptr, 1, &request), MLOS_INVALID_ARGUMENT);
  CHECK_EQ(mlos_infer(nullptr, 0), MLOS_INVALID_ARGUMENT);
  const mlos_input twice[] = {{0, 1, dims.data(), 0}, {0, 1, dims.data(), 0}};
  CHECK_EQ(mlos_request_create(app.model, twice, 2, &request), MLOS_INVALID_ARGUMENT);

  request = app.Request(2);
  const uint32_t no_output = 1;
  CHECK_EQ(mlos_request_select(request, &no_output, 1), MLOS_UNKNOWN_INPUT);
  const char* text = "text";
  CHECK_EQ(mlos_request_set_strings(request, 0, &text, nullptr, 1), MLOS_INVALID_DTYPE);
  Write(request, kFail, 0);
  CHECK_EQ(mlos_infer(request, 0), MLOS_INFERENCE_FAILED);
  CHECK(LastErrorHas("The runtime is not content."));
  CHECK_EQ(std::string(mlos_request_message(request)), "The runtime is not content.");
  Write(request, 1, 2);
  CHECK_EQ(mlos_infer(request, 0), MLOS_OK);
}

MLOS_TEST(capi_gives_memory_back) {
  const AttachDouble daemon;
  Attached app(daemon.path());
  REQUIRE(app.status == MLOS_OK);
  const int64_t length = 100'000;  // Two do not fit the channel beside each other … three do not.
  const mlos_input input = {.index = 0, .rank = 1, .dims = &length, .byte_length = 0};
  for (int turn = 0; turn < 20; ++turn) {
    mlos_request* request = nullptr;
    REQUIRE(mlos_request_create(app.model, &input, 1, &request) == MLOS_OK);
    CHECK_EQ(mlos_infer(request, 10 * kSecond), MLOS_OK);
    mlos_request_free(request);
  }
  // What is freed while it is under way comes back as soon as the host is done with it.
  for (int turn = 0; turn < 20; ++turn) {
    mlos_request* request = nullptr;
    while (mlos_request_create(app.model, &input, 1, &request) == MLOS_PAYLOAD_TOO_LARGE) {
      mlos_poll(app.model);
    }
    REQUIRE(mlos_submit(request, 0) == MLOS_OK);
    mlos_request_free(request);
  }
}

MLOS_TEST(capi_keeps_deadlines) {
  const AttachDouble daemon;
  Attached app(daemon.path());
  REQUIRE(app.status == MLOS_OK);
  mlos_request* request = app.Request(2);
  Write(request, kKeepSilent, 0);
  CHECK_EQ(mlos_infer(request, 20'000), MLOS_DEADLINE_EXCEEDED);
  // The same memory again: once the host has given the first run up.
  Write(request, 3, 4);
  CHECK_EQ(mlos_infer(request, 10 * kSecond), MLOS_OK);
  CHECK(Echoes(request, 3, 4));
  Write(request, kKeepSilent, 0);
  REQUIRE(mlos_submit(request, 0) == MLOS_OK);
  CHECK_EQ(mlos_wait_for(request, 10'000), MLOS_DEADLINE_EXCEEDED);
  CHECK_EQ(mlos_request_status(request), MLOS_FAILED_PRECONDITION);
  CHECK_EQ(mlos_cancel(request), MLOS_OK);
  CHECK_EQ(mlos_wait_for(request, 10 * kSecond), MLOS_CANCELLED);
}

MLOS_TEST(capi_attaches_again_after_a_crash) {
  AttachDouble daemon;
  Attached app(daemon.path());
  REQUIRE(app.status == MLOS_OK);
  mlos_request* request = app.Request(2);
  mlos_request* other = app.Request(2);
  Write(other, 5, 6);
  REQUIRE(mlos_infer(other, 0) == MLOS_OK);

  // It had begun: the caller is told, and decides.
  Write(request, kDieWithin, 0);
  CHECK_EQ(mlos_infer(request, 10 * kSecond), MLOS_PLUGIN_CRASHED);
  CHECK_EQ(daemon.attached(), 1U);
  // What it answered before stays readable, and both requests run on, at the addresses they had.
  CHECK(Echoes(other, 5, 6));
  daemon.RefuseNext(2);
  Write(request, 7, 8);
  CHECK_EQ(mlos_infer(request, 10 * kSecond), MLOS_OK);
  CHECK(Echoes(request, 7, 8));
  CHECK_EQ(daemon.attached(), 2U);
  CHECK_EQ(mlos_reattach_count(app.model), 1U);
  Write(request, 9, 10);
  CHECK_EQ(mlos_infer(request, 10 * kSecond), MLOS_OK);
  CHECK(Echoes(request, 9, 10));
  Write(other, 1, 2);
  CHECK_EQ(mlos_infer(other, 10 * kSecond), MLOS_OK);
  CHECK(Echoes(other, 1, 2));
}

MLOS_TEST(capi_asks_once_more_for_what_was_not_begun) {
  const AttachDouble daemon;
  Attached app(daemon.path());
  REQUIRE(app.status == MLOS_OK);
  mlos_request* request = app.Request(2);
  // It dies each time: once is asked again, and then the caller hears of it.
  Write(request, kDieBefore, 0);
  CHECK_EQ(mlos_infer(request, 10 * kSecond), MLOS_PLUGIN_UNAVAILABLE);
  CHECK_EQ(daemon.attached(), 2U);
  // Of several under way, each is told whether it had been begun.
  mlos_request* first = app.Request(2);
  mlos_request* second = app.Request(2);
  Write(first, kDieWithin, 0);
  Write(second, 1, 2);
  REQUIRE(mlos_submit(first, 0) == MLOS_OK);
  REQUIRE(mlos_submit(second, 0) == MLOS_OK);
  CHECK_EQ(mlos_wait_for(first, 10 * kSecond), MLOS_PLUGIN_CRASHED);
  CHECK_EQ(mlos_wait_for(second, 10 * kSecond), MLOS_PLUGIN_UNAVAILABLE);
  CHECK_EQ(mlos_infer(second, 10 * kSecond), MLOS_OK);
  CHECK(Echoes(second, 1, 2));
}

MLOS_TEST(capi_stays_away_where_it_was_sent_away) {
  AttachDouble daemon;
  Attached app(daemon.path());
  REQUIRE(app.status == MLOS_OK);
  mlos_request* request = app.Request(2);
  REQUIRE(mlos_infer(request, 0) == MLOS_OK);
  daemon.Revoke();
  CHECK_EQ(mlos_infer(request, 10 * kSecond), MLOS_PERMISSION_DENIED);
  CHECK_EQ(mlos_infer(request, 10 * kSecond), MLOS_PERMISSION_DENIED);
  CHECK_EQ(daemon.attached(), 1U);

  Attached once(daemon.path(), false);
  REQUIRE(once.status == MLOS_OK);
  request = once.Request(2);
  Write(request, kDieBefore, 0);
  CHECK_EQ(mlos_infer(request, 10 * kSecond), MLOS_PLUGIN_CRASHED);
  CHECK_EQ(mlos_infer(request, 10 * kSecond), MLOS_PLUGIN_CRASHED);
  CHECK_EQ(daemon.attached(), 2U);
}

MLOS_TEST(capi_requests_outlive_their_model) {
  const AttachDouble daemon;
  mlos_model* model = nullptr;
  REQUIRE(mlos_attach(daemon.path().c_str(), kEcho, nullptr, &model) == MLOS_OK);
  const int64_t length = 2;
  const mlos_input input = {.index = 0, .rank = 1, .dims = &length, .byte_length = 0};
  std::array<mlos_request*, 2> requests{};
  for (mlos_request*& request : requests) {
    REQUIRE(mlos_request_create(model, &input, 1, &request) == MLOS_OK);
    Write(request, 1, 2);
    REQUIRE(mlos_infer(request, 0) == MLOS_OK);
  }
  Write(requests[1], kKeepSilent, 0);
  REQUIRE(mlos_submit(requests[1], 0) == MLOS_OK);
  mlos_close(model);
  CHECK(Echoes(requests[0], 1, 2));
  Write(requests[0], 3, 4);
  CHECK_EQ(mlos_infer(requests[0], 0), MLOS_FAILED_PRECONDITION);
  CHECK_EQ(mlos_wait_for(requests[1], 0), MLOS_CANCELLED);
  for (mlos_request* request : requests) mlos_request_free(request);
}

MLOS_TEST(capi_says_why_it_cannot_attach) {
  const AttachDouble daemon;
  mlos_model* model = nullptr;
  CHECK_EQ(mlos_attach("/nonexistent/mlos.sock", kEcho, nullptr, &model), MLOS_FAILED_PRECONDITION);
  CHECK(LastErrorHas("No daemon listens at /nonexistent/mlos.sock"));
  CHECK_EQ(mlos_attach(daemon.path().c_str(), "no/model", nullptr, &model), MLOS_MODEL_NOT_FOUND);
  CHECK(LastErrorHas("There is no such model."));
  CHECK_EQ(mlos_attach(daemon.path().c_str(), nullptr, nullptr, &model), MLOS_INVALID_ARGUMENT);
  mlos_attach_options options;
  mlos_attach_options_init(&options);
  options.size += 8;
  CHECK_EQ(mlos_attach(daemon.path().c_str(), kEcho, &options, &model), MLOS_INVALID_ARGUMENT);
  CHECK(model == nullptr);
  mlos_close(nullptr);
  mlos_request_free(nullptr);
  CHECK_EQ(std::string(mlos_status_name(MLOS_MODEL_LOAD_FAILED)), "MODEL_LOAD_FAILED");
  CHECK_EQ(std::string(mlos_status_name(MLOS_OK)), "OK");
  CHECK_EQ(std::string(mlos_status_name(static_cast<mlos_status>(99))), "INTERNAL");
}

MLOS_TEST(capi_survives_a_daemon_that_lies) {
  using std::string_literals::operator""s;
  const std::pair<Reply, mlos_status> cases[] = {
      {{.bytes = "", .fds = {}, .close_after = true}, MLOS_FAILED_PRECONDITION},
      {{.bytes = "\0\0"s, .fds = {}, .close_after = true}, MLOS_FAILED_PRECONDITION},
      {{.bytes = "\0\0\0\0"s, .fds = {}}, MLOS_INVALID_FRAME},
      {{.bytes = "\xff\xff\xff\xff"s, .fds = {}}, MLOS_INVALID_FRAME},
      {{.bytes = "HTTP/1.1 400 Bad Request\r\n", .fds = {}}, MLOS_INVALID_FRAME},
      {{.bytes = Framed("\xc1"), .fds = {}}, MLOS_INVALID_FRAME},
      {{.bytes = Framed("\x93\x02\xc0\x80"), .fds = {}}, MLOS_INVALID_FRAME},
      {{.bytes = Framed("\x93\x01\xc0\x80"), .fds = {}}, MLOS_INVALID_FRAME},
      {{.bytes = Framed("\x93\x01\x05\xc0"), .fds = {}}, MLOS_INVALID_FRAME},
      {{.bytes = Framed("\x93\x01\xc0\x80"), .fds = {0, 0, 0, 0, 0, 0}}, MLOS_INTERNAL},
      {{.bytes = "\0\0\x10\0half a frame"s, .fds = {}}, MLOS_DEADLINE_EXCEEDED},
  };
  for (const auto& [reply, expected] : cases) {
    const SocketDouble daemon([reply = reply](std::string_view) { return reply; });
    mlos_attach_options options;
    mlos_attach_options_init(&options);
    options.timeout_us = expected == MLOS_DEADLINE_EXCEEDED ? 50'000 : 20 * kSecond;
    mlos_model* model = nullptr;
    CHECK_EQ(mlos_attach(daemon.path().c_str(), kEcho, &options, &model), expected);
    CHECK(model == nullptr);
  }
}

MLOS_TEST(capi_unpacks_strings_within_their_tensor) {
  std::array<const char*, 2> texts{};
  std::array<size_t, 2> lengths{};
  const std::string packed("\x02\0\0\0\x03\0\0\0abxyz", 13);
  mlos_tensor tensor = {.data = packed.data(),
                        .byte_length = packed.size(),
                        .dtype = MLOS_STRING,
                        .rank = 1,
                        .dims = {2}};
  REQUIRE(mlos_strings(&tensor, texts.data(), lengths.data(), 2) == MLOS_OK);
  CHECK_EQ(std::string(texts[1], lengths[1]), "xyz");
  tensor.byte_length = 12;
  CHECK_EQ(mlos_strings(&tensor, texts.data(), lengths.data(), 2), MLOS_INVALID_VALUE);
  tensor.byte_length = 7;
  CHECK_EQ(mlos_strings(&tensor, texts.data(), lengths.data(), 2), MLOS_INVALID_VALUE);
  tensor.byte_length = 13;
  CHECK_EQ(mlos_strings(&tensor, texts.data(), lengths.data(), 1), MLOS_INVALID_SHAPE);
}

}  // namespace
}  // namespace mlos::test
