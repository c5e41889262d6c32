#include <poll.h>

#include <array>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <random>
#include <thread>
#include <unordered_map>

#include "channel_pair.h"
#include "check.h"

/// Both ends of a channel in one process and on one mapping, for ThreadSanitizer, which all of
/// these have to pass.

namespace mlos {
namespace {

using test::AreFloats;
using test::ChannelPair;
using test::EchoUntilClosed;
using test::OpenPair;
using test::SubmitFloats;

constexpr std::array<uint32_t, 1> kLength = {5};

using WaitFor = bool (*)(ClientChannel&);

/// One request after the other; each answer is checked and released.
void PingPong(uint32_t spin_us, int rounds, WaitFor wait) {
  const ChannelPair pair = OpenPair({.spin_us = spin_us, .one_mapping = true});
  REQUIRE(pair.client != nullptr);
  std::thread host([&pair, spin_us] { EchoUntilClosed(*pair.host, spin_us); });
  const auto block = test::WriteFloats(*pair.client, kLength, 2);
  Completion completion;
  int right = 0;
  for (int i = 0; i < rounds; ++i) {
    if (!pair.client->Submit(*block, DescriptorBytes(1)).ok()) break;
    if (!wait(*pair.client) || !pair.client->PollInto(completion)) break;
    right += AreFloats(completion, kLength, 2) ? 1 : 0;
    pair.client->Release(completion.offset.value_or(0));
  }
  CHECK_EQ(right, rounds);
  pair.host->Close(layout::kShuttingDown);
  host.join();
}

bool WaitOnFutex(ClientChannel& client) {
  return client.Wait(0) == ClientChannel::WaitResult::kReady;
}

bool WaitOnSocket(ClientChannel& client) {
  if (!client.ListenOnSocket()) return true;
  pollfd socket{.fd = client.socket_fd(), .events = POLLIN, .revents = 0};
  // Without a bound: a wake-up that is lost hangs here, and the watchdog ends it.
  ::poll(&socket, 1, -1);
  client.StopListening();
  // A byte of an earlier sleep may have come late.
  return client.Wait(0) == ClientChannel::WaitResult::kReady;
}

/// Workers that answer what a leader takes, each at its own pace.
class Workers {
 public:
  explicit Workers(HostChannel& host) : host_(host) {
    for (std::thread& thread : threads_) thread = std::thread([this] { Work(); });
  }
  Workers(const Workers&) = delete;
  Workers& operator=(const Workers&) = delete;
  ~Workers() {
    {
      const std::lock_guard lock(mutex_);
      done_ = true;
    }
    changed_.notify_all();
    for (std::thread& thread : threads_) thread.join();
  }

  void Put(const CheckedRequest& request) {
    {
      const std::lock_guard lock(mutex_);
      queue_.push_back(request);
    }
    changed_.notify_one();
  }

 private:
  void Work() {
    for (;;) {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [this] { return done_ || !queue_.empty(); });
      if (queue_.empty()) return;
      const CheckedRequest request = queue_.front();
      queue_.pop_front();
      lock.unlock();
      host_.MarkBegun(request.slot, request.request_id);
      if (host_.IsCancelled(request.slot, request.request_id)) {
        host_.CompleteError(request.request_id, request.slot, layout::kCancelled, "cancelled");
      } else {
        test::Echo(host_, request);
      }
    }
  }

  HostChannel& host_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<CheckedRequest> queue_;
  bool done_ = false;
  std::array<std::thread, 2> threads_;
};

void LeadUntilClosed(HostChannel& host) {
  Workers workers(host);
  CheckedRequest request;
  host.SetHostSleeping(false);
  while (!host.closed()) {
    const auto entry = host.Take();
    if (!entry) {
      std::this_thread::yield();
    } else if (host.Decode(*entry, request).ok()) {
      workers.Put(request);
    } else {
      host.CompleteError(entry->request_id, entry->slot, layout::kInvalidArgument, "");
    }
  }
}

struct Asked {
  Block block;
  std::array<uint32_t, 2> lengths;
  float seed;
  bool cancelled;
};

}  // namespace

MLOS_TEST(channel_threads_ping_pong_spinning) { PingPong(1000, 20'000, WaitOnFutex); }
MLOS_TEST(channel_threads_ping_pong_asleep_on_the_futex) { PingPong(0, 3'000, WaitOnFutex); }
MLOS_TEST(channel_threads_ping_pong_asleep_on_the_socket) { PingPong(0, 3'000, WaitOnSocket); }
MLOS_TEST(channel_threads_ping_pong_on_the_edge_of_sleep) { PingPong(3, 10'000, WaitOnFutex); }

MLOS_TEST(channel_threads_pipelined_with_cancels_and_several_workers) {
  const ChannelPair pair = OpenPair(
      {.request_arena_bytes = 1U << 18, .response_arena_bytes = 1U << 17, .one_mapping = true});
  REQUIRE(pair.client != nullptr);
  ClientChannel& client = *pair.client;
  std::thread host([&pair] { LeadUntilClosed(*pair.host); });
  std::mt19937 random(3);
  std::unordered_map<uint64_t, Asked> asked;
  constexpr int kRequests = 20'000;
  int submitted = 0;
  int answered = 0;
  int wrong = 0;
  Completion completion;
  while (answered < kRequests && wrong == 0) {
    if (submitted < kRequests && client.in_flight() < 64) {
      Asked ask{.block = {},
                .lengths = {static_cast<uint32_t>(random() % 300), 3},
                .seed = static_cast<float>(submitted % 1000),
                .cancelled = false};
      const auto block = test::WriteFloats(client, ask.lengths, ask.seed);
      if (block) {
        ask.block = *block;
        const auto id = client.Submit(*block, DescriptorBytes(2));
        if (!id.ok()) break;
        ++submitted;
        ask.cancelled = random() % 8 == 0;
        if (ask.cancelled) client.Cancel(id.value());
        asked[id.value()] = ask;
        continue;
      }
    }
    if (client.Wait(0) != ClientChannel::WaitResult::kReady) break;
    while (client.PollInto(completion)) {
      const Asked& ask = asked.at(completion.request_id);
      const bool right = AreFloats(completion, ask.lengths, ask.seed) ||
                         completion.status == layout::kTooManyRequests ||
                         (ask.cancelled && completion.status == layout::kCancelled);
      wrong += right ? 0 : 1;
      ++answered;
      client.Free(ask.block);
      if (completion.offset) client.Release(*completion.offset);
      asked.erase(completion.request_id);
    }
  }
  CHECK_EQ(answered, kRequests);
  CHECK_EQ(wrong, 0);
  CHECK(client.Allocate(client.request_arena().size()).has_value());  // all of it is back
  pair.host->Close(layout::kShuttingDown);
  host.join();
}

MLOS_TEST(channel_threads_close_while_everything_is_under_way) {
  for (int round = 0; round < 50; ++round) {
    const ChannelPair pair = OpenPair({.one_mapping = true});
    REQUIRE(pair.client != nullptr);
    std::thread host([&pair] { LeadUntilClosed(*pair.host); });
    std::thread closer([&pair, round] {
      std::this_thread::sleep_for(std::chrono::microseconds(round * 20));
      pair.host->Close(layout::kModelNotFound);
    });
    while (SubmitFloats(*pair.client, kLength, 1) != 0) {
      if (pair.client->in_flight() > 8) break;
    }
    while (pair.client->Wait(0) == ClientChannel::WaitResult::kReady) {
      if (!pair.client->Poll()) break;
    }
    CHECK(pair.client->close_code() == layout::kModelNotFound);
    closer.join();
    host.join();
  }
}

}  // namespace mlos
