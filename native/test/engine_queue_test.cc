// The queue alone: classes, ageing, turns between channels, what a full queue drops.
#include <algorithm>
#include <deque>
#include <map>
#include <string>

#include "check.h"
#include "engine/model_queue.h"

namespace mlos {
namespace {

constexpr uint64_t kMillisecond = 1'000'000;

/// Requests and channels by letter.
struct Bench {
  explicit Bench(uint32_t max_waiting = 1000, uint32_t max_per_channel = 256)
      : queue(max_waiting, max_per_channel) {}

  Request* Make(char channel, layout::Priority priority = layout::kNormal, uint64_t taken_ns = 1) {
    Request& request = requests.emplace_back();
    request.waiting = &channels[channel];
    request.id = requests.size();
    request.slot = static_cast<uint32_t>(channel);
    request.priority = priority;
    request.taken_ns = taken_ns;
    request.rows = 1;
    return &request;
  }
  Request* Push(char channel, layout::Priority priority = layout::kNormal, uint64_t taken_ns = 1) {
    return queue.Push(Make(channel, priority, taken_ns));
  }
  /// Channels of the next `count` requests in the order in which they are served.
  std::string Serve(int count, uint64_t now_ns = 2) {
    std::string order;
    for (int i = 0; i < count; ++i) {
      Request* request = queue.Take(now_ns);
      if (request == nullptr) break;
      order += static_cast<char>(request->slot);
      if (run_ns.count(order.back()) > 0) queue.Settle(*request, run_ns[order.back()]);
    }
    return order;
  }

  ModelQueue queue;
  std::deque<Request> requests;
  std::map<char, ChannelQueue> channels;
  std::map<char, uint64_t> run_ns;
};

}  // namespace

MLOS_TEST(engine_queue_serves_urgent_classes_first_and_channels_in_order) {
  Bench bench;
  bench.Push('b', layout::kBatch);
  bench.Push('n', layout::kNormal);
  bench.Push('h', layout::kHigh);
  bench.Push('r', layout::kRealtime);
  bench.Push('r', layout::kRealtime);
  CHECK_EQ(bench.queue.size(), 5U);
  Request* first = bench.queue.Take(2);
  REQUIRE(first != nullptr);
  CHECK_EQ(first->id, 4U);
  CHECK_EQ(bench.Serve(9), std::string("rhnb"));
  CHECK_EQ(bench.queue.size(), 0U);
  CHECK_EQ(bench.queue.rows(), 0U);
  CHECK(bench.queue.Take(2) == nullptr);
}

MLOS_TEST(engine_queue_batch_class_gets_a_trickle_under_a_realtime_flood) {
  Bench bench;
  for (int i = 0; i < 100; ++i) bench.Push('b', layout::kBatch, 1);
  std::string order;
  // A realtime request arrives and one is served each millisecond, for two seconds.
  for (uint64_t now = kMillisecond; now <= 2000 * kMillisecond; now += kMillisecond) {
    bench.Push('r', layout::kRealtime, now);
    order += bench.Serve(1, now);
  }
  const auto served = std::count(order.begin(), order.end(), 'b');
  CHECK(served >= 4);
  // Its backlog is old, but does not overtake all at once.
  CHECK(served <= 6);
  CHECK_EQ(order.find("bb"), std::string::npos);
}

MLOS_TEST(engine_queue_takes_turns_between_channels_whatever_their_backlog) {
  Bench bench;
  for (int i = 0; i < 50; ++i) bench.Push('f');
  CHECK_EQ(bench.Serve(10), std::string(10, 'f'));
  bench.Push('x');
  bench.Push('x');
  // Idling has earned 'x' no credit, and the backlog of 'f' no right.
  const std::string order = bench.Serve(4);
  CHECK_EQ(std::count(order.begin(), order.end(), 'x'), 2);
}

MLOS_TEST(engine_queue_shares_run_time_rather_than_requests) {
  Bench bench;
  bench.run_ns = {{'s', 10'000}, {'l', 40'000}};
  for (int i = 0; i < 100; ++i) {
    bench.Push('s');
    bench.Push('l');
  }
  const std::string order = bench.Serve(100);
  const auto large = std::count(order.begin(), order.end(), 'l');
  CHECK(large >= 18 && large <= 22);
}

MLOS_TEST(engine_queue_full_pushes_out_the_flood) {
  Bench bench(10, 8);
  for (int i = 0; i < 8; ++i) CHECK(bench.Push('f') == nullptr);
  Request* ninth = bench.Make('f');
  CHECK_EQ(bench.queue.Push(ninth), ninth);  // the channel's own bound
  CHECK(bench.Push('x') == nullptr);
  CHECK(bench.Push('x') == nullptr);
  Request* dropped = bench.Push('y');
  REQUIRE(dropped != nullptr);
  CHECK_EQ(dropped->id, 8U);  // the newest of the longest
  CHECK(!dropped->queued);
  CHECK_EQ(bench.queue.size(), 10U);
  // A less urgent newcomer cannot push out more urgent ones.
  Request* batch = bench.Make('z', layout::kBatch);
  CHECK_EQ(bench.queue.Push(batch), batch);
}

MLOS_TEST(engine_queue_full_of_batch_work_lets_urgent_work_in) {
  Bench bench(4, 4);
  for (int i = 0; i < 4; ++i) bench.Push('b', layout::kBatch);
  Request* dropped = bench.Push('r', layout::kRealtime);
  REQUIRE(dropped != nullptr);
  CHECK_EQ(dropped->priority, layout::kBatch);
  CHECK_EQ(bench.Serve(9), std::string("rbbb"));
}

MLOS_TEST(engine_queue_removes_from_anywhere) {
  Bench bench;
  for (int i = 0; i < 5; ++i) bench.Push('a');
  bench.Push('b');
  bench.queue.ForEach([&](Request* request) {
    if (request->id % 2 == 0) bench.queue.Remove(request);
  });
  CHECK_EQ(bench.queue.size(), 3U);
  CHECK_EQ(bench.Serve(9), std::string("aaa"));
}

MLOS_TEST(engine_queue_joins_heads_only_and_keeps_realtime_apart) {
  Bench bench;
  bench.Push('a');
  Request* odd = bench.Make('a');
  odd->rows = 7;
  bench.queue.Push(odd);
  bench.Push('a');
  bench.Push('b', layout::kBatch);
  const auto single_row = [](const Request& request) { return request.rows == 1; };
  Request* first = bench.queue.Take(2);
  REQUIRE(first != nullptr);
  Request* joined = bench.queue.TakeJoining(*first, 2, single_row);
  REQUIRE(joined != nullptr);
  CHECK_EQ(joined->slot, static_cast<uint32_t>('b'));
  // What is left of 'a' begins with one that does not join; its order stands.
  CHECK(bench.queue.TakeJoining(*first, 2, single_row) == nullptr);

  bench.Push('n');
  Request* urgent = bench.Make('r', layout::kRealtime);
  CHECK(bench.queue.TakeJoining(*urgent, 2, single_row) == nullptr);
}

}  // namespace mlos
