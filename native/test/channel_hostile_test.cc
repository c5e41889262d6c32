#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <random>
#include <vector>

#include "base/clock.h"
#include "channel_pair.h"
#include "check.h"
#include "child_process.h"
#include "shm/channel_memory.h"

/// Peers that write what they like into the memory that is theirs to write, while the other side
/// works. They are processes of their own: what they do is a race by intent.

namespace mlos {
namespace {

using test::ChannelPair;
using test::ChildProcess;
using test::OpenPair;

constexpr std::array<uint32_t, 2> kLengths = {3, 17};
constexpr uint64_t kRunNs = 1'500'000'000;

uint64_t Interesting(std::mt19937_64& random) {
  constexpr std::array<uint64_t, 14> kValues = {
      0,    1,     2,          63,        64,         255,        256,
      1024, 65536, UINT32_MAX, INT64_MAX, UINT64_MAX, 1ULL << 40, UINT64_MAX - 63};
  const uint64_t chosen = kValues[random() % kValues.size()];
  return random() % 4 == 0 ? random() : chosen;
}

void Scribble(std::span<std::byte> bytes, std::mt19937_64& random, size_t times) {
  for (size_t i = 0; i < times; ++i) {
    const uint64_t value = Interesting(random);
    const size_t width = size_t{1} << (random() % 4);
    const size_t at = random() % (bytes.size() / width) * width;
    std::memcpy(bytes.data() + at, &value, width);
  }
}

/// Touches every byte, so that a view outside of the arena is a fault.
uint64_t Touch(std::span<const TensorView> views, std::span<const std::byte> arena) {
  uint64_t sum = 0;
  for (const TensorView& view : views) {
    CHECK(view.data.data() >= arena.data() &&
          view.data.data() + view.data.size() <= arena.data() + arena.size());
    for (const std::byte b : view.data) sum += static_cast<uint64_t>(b);
  }
  return sum;
}

layout::CompletionEntry Announce(uint64_t id, uint32_t slot, const ResultBlock& block) {
  layout::CompletionEntry entry{};
  entry.request_id = id;
  entry.slot = slot;
  entry.offset = block.offset;
  entry.byte_length = block.bytes.size();
  return entry;
}

}  // namespace

MLOS_TEST(hostile_client_breaks_each_rule_of_the_ring) {
  using Change = void (*)(layout::RequestControl&, layout::RequestEntry&);
  const std::vector<Change> changes = {
      [](auto& control, auto&) { control.request_tail = layout::kRingEntries + 1; },
      [](auto& control, auto&) { control.request_tail = UINT32_MAX; },
      [](auto&, auto& entry) { entry.kind = 0; },
      [](auto&, auto& entry) { entry.kind = 3; },
      [](auto&, auto& entry) { entry.slot = layout::kSlots; },
      [](auto&, auto& entry) { entry.slot = UINT32_MAX; },
      [](auto&, auto& entry) { entry.request_id = 0; },
      [](auto&, auto& entry) { entry.kind = layout::kRelease; },  // nothing was published there
      [](auto&, auto& entry) {
        entry.kind = layout::kRelease;
        entry.offset = UINT64_MAX;
      },
  };
  for (const Change& change : changes) {
    const ChannelPair pair = OpenPair();
    REQUIRE(pair.client != nullptr);
    REQUIRE(test::SubmitFloats(*pair.client, kLengths, 0) != 0);
    const RequestRegion region(*pair.client->request_mapping());
    change(*region.control, region.ring[0]);
    CHECK(!pair.host->Take().has_value());
    CHECK(pair.host->closed());
    CHECK(pair.client->close_code() == layout::kInvalidFrame);
  }
}

MLOS_TEST(hostile_client_uses_a_slot_twice) {
  const ChannelPair pair = OpenPair();
  REQUIRE(pair.client != nullptr);
  REQUIRE(test::SubmitFloats(*pair.client, kLengths, 0) != 0);
  REQUIRE(test::SubmitFloats(*pair.client, kLengths, 0) != 0);
  const RequestRegion region(*pair.client->request_mapping());
  region.ring[1].slot = region.ring[0].slot;
  CHECK(pair.host->Take().has_value());
  CHECK(!pair.host->Take().has_value());
  CHECK(pair.host->closed());
}

MLOS_TEST(hostile_client_cannot_release_what_is_being_written) {
  const ChannelPair pair = OpenPair();
  REQUIRE(pair.client != nullptr);
  const auto block = pair.host->AllocateResult(1000);
  REQUIRE(block.has_value());
  pair.client->Release(block->offset);
  CHECK(!pair.host->Take().has_value());
  CHECK(pair.host->closed());
  pair.host->FreeResult(*block);
}

MLOS_TEST(hostile_client_releases_twice) {
  const ChannelPair pair = OpenPair();
  REQUIRE(pair.client != nullptr);
  REQUIRE(test::SubmitFloats(*pair.client, kLengths, 0) != 0);
  CheckedRequest request;
  test::EchoAll(*pair.host, request);
  const auto completion = pair.client->Poll();
  REQUIRE(completion && completion->offset);
  pair.client->Release(*completion->offset);
  CHECK(!pair.host->Take().has_value());
  CHECK(!pair.host->closed());
  pair.client->Release(*completion->offset);
  CHECK(!pair.host->Take().has_value());
  CHECK(pair.host->closed());
}

MLOS_TEST(hostile_client_never_takes_its_completions) {
  const ChannelPair pair = OpenPair();
  REQUIRE(pair.client != nullptr);
  const auto block = test::WriteFloats(*pair.client, kLengths, 0);
  RequestRegion region(*pair.client->request_mapping());
  uint32_t tail = 0;
  while (!pair.host->closed()) {
    REQUIRE(tail <= layout::kRingEntries);
    layout::RequestEntry& entry = region.ring[tail % layout::kRingEntries];
    entry = {.kind = layout::kInfer,
             .slot = tail % layout::kSlots,
             .request_id = tail + 1ULL,
             .offset = block->offset,
             .byte_length = DescriptorBytes(2),
             .reserved = {}};
    region.control->request_tail = ++tail;
    const auto taken = pair.host->Take();
    REQUIRE(taken.has_value());
    pair.host->CompleteError(taken->request_id, taken->slot, layout::kCancelled, "");
  }
  CHECK_EQ(tail, layout::kRingEntries + 1);
}

MLOS_TEST(hostile_host_breaks_each_rule_of_a_completion) {
  using Change =
      void (*)(layout::ResponseControl&, layout::CompletionEntry&, layout::ResultDescriptor&);
  const std::vector<Change> changes = {
      [](auto& control, auto&, auto&) { control.completion_tail = layout::kRingEntries + 1; },
      [](auto&, auto& entry, auto&) { entry.request_id += layout::kSlots; },
      [](auto&, auto& entry, auto&) { entry.request_id = 0; },
      [](auto&, auto& entry, auto&) { entry.slot += 1; },
      [](auto&, auto& entry, auto&) { entry.status = layout::kFailedPrecondition + 1; },
      [](auto&, auto& entry, auto&) { entry.status = layout::kInternal, entry.byte_length = 2001; },
      [](auto&, auto& entry, auto&) { entry.offset += 1; },
      [](auto&, auto& entry, auto&) { entry.offset = UINT64_MAX - 63; },
      [](auto&, auto& entry, auto&) { entry.byte_length = UINT64_MAX; },
      [](auto&, auto& entry, auto&) { entry.byte_length = 63; },
      [](auto&, auto& entry, auto&) { entry.byte_length = 0; },
      [](auto&, auto& entry, auto&) { entry.byte_length -= 64; },
      [](auto&, auto&, auto& fixed) { fixed.output_count = layout::kMaxTensors + 1; },
      [](auto&, auto&, auto& fixed) { fixed.output_count = layout::kMaxTensors; },
      [](auto&, auto&, auto& fixed) { fixed.output_count = UINT32_MAX; },
  };
  for (const Change& change : changes) {
    const ChannelPair pair = OpenPair();
    REQUIRE(pair.client != nullptr);
    REQUIRE(test::SubmitFloats(*pair.client, kLengths, 0) != 0);
    CheckedRequest request;
    test::EchoAll(*pair.host, request);
    const ResponseRegion region(*pair.host->response_mapping());
    auto* fixed =
        reinterpret_cast<layout::ResultDescriptor*>(region.arena.data() + region.ring[0].offset);
    change(*region.control, region.ring[0], *fixed);
    CHECK(!pair.client->Poll().has_value());
    CHECK(pair.client->state() == layout::kClosed);
    CHECK(pair.client->close_code() == layout::kInvalidFrame);
    CHECK(!pair.host->DrainSocket());  // it has been told
  }
}

MLOS_TEST(hostile_host_claims_a_full_ring) {
  const ChannelPair pair = OpenPair();
  REQUIRE(pair.client != nullptr);
  ResponseRegion(*pair.host->response_mapping()).control->request_head = 5;
  // Its index counts only once the ring looks full to us.
  for (uint32_t i = 0; i < layout::kRingEntries; ++i) pair.client->Release(0);
  CHECK(pair.client->state() == layout::kOpen);
  pair.client->Release(0);
  CHECK(pair.client->state() == layout::kOpen);
  ResponseRegion(*pair.host->response_mapping()).control->request_head = UINT32_MAX;
  for (int i = 0; i < 10; ++i) pair.client->Release(0);
  CHECK(pair.client->close_code() == layout::kInvalidFrame);
}

namespace {

/// The host's side of every channel, in a process of its own: whether all that it saw was in
/// bounds, and it met the enemy at all.
bool HostSurvives(std::vector<ChannelPair>& pairs) {
  bool in_bounds = true;
  std::array<uint64_t, 3> seen{};  // taken, right, refused
  uint64_t sum = 0;
  CheckedRequest request;
  for (const uint64_t end = MonotonicNanos() + kRunNs; MonotonicNanos() < end;) {
    for (const ChannelPair& pair : pairs) {
      const std::span<const std::byte> arena = pair.client->request_arena();
      while (const auto entry = pair.host->Take()) {
        ++seen[0];
        const bool decoded = pair.host->Decode(*entry, request).ok();
        ++seen[decoded ? 1 : 2];
        if (decoded) {
          for (const TensorView& view : request.inputs) {
            in_bounds = in_bounds && view.data.size() <= arena.size();
            for (const std::byte b : view.data) sum += static_cast<uint64_t>(b);
          }
        }
        const auto block = pair.host->AllocateResult(DescriptorBytes(0));
        if (block) {
          std::fill(block->bytes.begin(), block->bytes.end(), std::byte{0});
          pair.host->Complete(Announce(entry->request_id, entry->slot, *block));
        } else {
          pair.host->CompleteError(entry->request_id, entry->slot, layout::kInternal, "x");
        }
      }
    }
  }
  // A run that never met the enemy says nothing.
  return in_bounds && seen[1] > 100 && seen[2] > 100 && sum > 0;
}

}  // namespace

MLOS_TEST(hostile_clients_scribble_while_the_host_works) {
  constexpr size_t kChannels = 60;
  std::vector<ChannelPair> pairs(kChannels);
  for (ChannelPair& pair : pairs) {
    pair = OpenPair();
    REQUIRE(pair.client != nullptr);
  }
  // The clients stay here: after a fork only the process that attached may use them.
  const pid_t host = ::fork();
  REQUIRE(host >= 0);
  if (host == 0) ::_exit(HostSurvives(pairs) ? 0 : 1);
  std::mt19937_64 random(11);
  int ended = 0;
  for (size_t i = 0; ::waitpid(host, &ended, WNOHANG) == 0; i = (i + 1) % kChannels) {
    ClientChannel& client = *pairs[i].client;
    // An honest ring with hostile descriptors, descriptors alone, or everything.
    for (int n = 0; n < 8; ++n) test::SubmitFloats(client, kLengths, 0);
    for (Completion done; client.PollInto(done);) client.Release(done.offset.value_or(64));
    const RequestRegion region(*client.request_mapping());
    if (i % 3 != 2) Scribble(region.arena.first(4096), random, 200);
    if (i % 3 == 1) Scribble(std::as_writable_bytes(std::span(region.ring, 1024)), random, 5);
    if (i % 3 == 2) Scribble(client.request_mapping()->bytes(), random, 50);
  }
  CHECK_EQ(ended, 0);
}

MLOS_TEST(hostile_host_scribbles_while_the_client_works) {
  uint64_t polled = 0;
  uint64_t broken = 0;
  uint64_t sum = 0;
  uint64_t seed = 0;
  for (const uint64_t end = MonotonicNanos() + kRunNs; MonotonicNanos() < end; ++seed) {
    const ChannelPair pair = OpenPair();
    REQUIRE(pair.client != nullptr);
    ClientChannel& client = *pair.client;
    const ChildProcess child([&pair, seed] {
      std::mt19937_64 random(seed);
      CheckedRequest request;
      for (;;) {
        test::EchoAll(*pair.host, request);
        const ResponseRegion region(*pair.host->response_mapping());
        Scribble(region.arena.first(4096), random, 1 + seed % 4);
        const auto ring = std::as_writable_bytes(std::span(region.ring, 1024));
        if (seed % 3 == 1) Scribble(ring, random, 1);
        if (seed % 3 == 2) Scribble(pair.host->response_mapping()->bytes(), random, 1);
      }
    });
    Completion done;
    for (int i = 0; i < 2000 && client.state() == layout::kOpen; ++i) {
      if (client.in_flight() < 4) {
        const auto block = test::WriteFloats(client, kLengths, 1);
        if (block) static_cast<void>(client.Submit(*block, DescriptorBytes(2)).ok());
      }
      client.Wait(MonotonicNanos() + 1'000'000);
      while (client.PollInto(done)) {
        ++polled;
        sum += Touch(done.outputs, client.response_arena());
        if (done.offset) client.Release(*done.offset);
      }
    }
    broken += client.close_code() == layout::kInvalidFrame ? 1 : 0;
  }
  CHECK(polled > 100 && broken > 0 && sum > 0);
}

}  // namespace mlos
