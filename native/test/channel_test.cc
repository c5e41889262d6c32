#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <string>
#include <vector>

#include "base/clock.h"
#include "channel_pair.h"
#include "check.h"
#include "shm/channel_memory.h"
#include "shm/memfd.h"

namespace mlos {
namespace {

using test::AreFloats;
using test::ChannelPair;
using test::EchoAll;
using test::OpenPair;
using test::SubmitFloats;
using test::WriteFloats;

constexpr std::array<uint32_t, 2> kLengths = {3, 17};

bool IsReadable(int fd) {
  pollfd entry{.fd = fd, .events = POLLIN, .revents = 0};
  return ::poll(&entry, 1, 0) == 1;
}

ChannelOptions Options(uint64_t request, uint64_t response) {
  return {.channel_id = 1, .request_arena_bytes = request, .response_arena_bytes = response};
}

}  // namespace

MLOS_TEST(channel_carries_a_request_and_its_answer) {
  const ChannelPair pair = OpenPair();
  REQUIRE(pair.client != nullptr);
  CHECK(pair.client->state() == layout::kOpen);
  const uint64_t id = SubmitFloats(*pair.client, kLengths, 1.5F);
  REQUIRE(id != 0);
  CHECK_EQ(pair.client->in_flight(), 1U);
  CHECK(!pair.client->Poll().has_value());
  CheckedRequest request;
  CHECK_EQ(EchoAll(*pair.host, request), 1U);
  CHECK(pair.client->WasBegun(id));
  const auto completion = pair.client->Poll();
  REQUIRE(completion.has_value());
  CHECK_EQ(completion->request_id, id);
  CHECK(AreFloats(*completion, kLengths, 1.5F));
  CHECK_EQ(pair.client->in_flight(), 0U);
  REQUIRE(completion->offset.has_value());
  pair.client->Release(*completion->offset);
  CHECK(!pair.host->Take().has_value());
  CHECK(!pair.host->closed());
}

MLOS_TEST(channel_files_have_bounds) {
  constexpr uint64_t kLeast = layout::kMinArenaBytes;
  CHECK_EQ(CreateChannelFiles(Options(kLeast - 1, kLeast)).error().code, "INVALID_ARGUMENT");
  CHECK_EQ(CreateChannelFiles(Options(kLeast, kLeast - 1)).error().code, "INVALID_ARGUMENT");
  CHECK_EQ(CreateChannelFiles(Options(layout::kMaxArenaBytes + 1, kLeast)).error().code,
           "INVALID_ARGUMENT");
  CHECK(CreateChannelFiles(Options(kLeast, kLeast)).ok());
}

MLOS_TEST(channel_rings_once_for_a_burst_while_the_host_sleeps) {
  const ChannelPair pair = OpenPair();
  REQUIRE(pair.client != nullptr);
  const auto rings = [&pair] {
    uint64_t count = 0;
    const ssize_t got = ::read(pair.host->bell_fd(), &count, sizeof count);
    return got == static_cast<ssize_t>(sizeof count) ? count : 0;
  };
  for (int i = 0; i < 3; ++i) REQUIRE(SubmitFloats(*pair.client, kLengths, 0) != 0);
  CHECK_EQ(rings(), 1U);  // a new host sleeps
  pair.host->SetHostSleeping(true);
  for (int i = 0; i < 3; ++i) REQUIRE(SubmitFloats(*pair.client, kLengths, 0) != 0);
  CHECK_EQ(rings(), 1U);
  pair.host->SetHostSleeping(false);
  REQUIRE(SubmitFloats(*pair.client, kLengths, 0) != 0);
  CHECK_EQ(rings(), 0U);
}

MLOS_TEST(channel_sends_a_byte_to_who_listens) {
  const ChannelPair pair = OpenPair();
  REQUIRE(pair.client != nullptr);
  CheckedRequest request;
  for (int i = 0; i < 2; ++i) REQUIRE(SubmitFloats(*pair.client, kLengths, 0) != 0);
  REQUIRE(pair.client->ListenOnSocket());
  CHECK(!IsReadable(pair.client->socket_fd()));
  EchoAll(*pair.host, request);
  CHECK(IsReadable(pair.client->socket_fd()));
  pair.client->StopListening();
  CHECK(!IsReadable(pair.client->socket_fd()));  // one byte for both
  CHECK(!pair.client->ListenOnSocket());         // they are still there
  CHECK(pair.client->Poll().has_value() && pair.client->Poll().has_value());
  CHECK(pair.client->ListenOnSocket());
}

MLOS_TEST(channel_waits_until_the_deadline_and_no_longer_than_the_peer_lives) {
  const ChannelPair pair = OpenPair();
  REQUIRE(pair.client != nullptr);
  const uint64_t start = MonotonicNanos();
  constexpr uint64_t kWaitNs = 30'000'000;
  CHECK(pair.client->Wait(start + kWaitNs) == ClientChannel::WaitResult::kTimeout);
  CHECK(MonotonicNanos() - start >= kWaitNs);
  CHECK(pair.client->Wait(1) == ClientChannel::WaitResult::kTimeout);
  pair.host->Close(layout::kShuttingDown);
  CHECK(pair.client->Wait(0) == ClientChannel::WaitResult::kClosed);
  CHECK(pair.client->state() == layout::kClosed);
  CHECK(pair.client->close_code() == layout::kShuttingDown);
  CHECK_EQ(SubmitFloats(*pair.client, kLengths, 0), 0U);
}

MLOS_TEST(channel_has_so_many_slots_and_no_more) {
  const ChannelPair pair = OpenPair({.request_arena_bytes = 1U << 20});
  REQUIRE(pair.client != nullptr);
  const auto block = WriteFloats(*pair.client, kLengths, 0);
  REQUIRE(block.has_value());
  for (uint32_t i = 0; i < layout::kSlots; ++i) {
    REQUIRE(pair.client->Submit(*block, DescriptorBytes(2)).ok());
  }
  CHECK_EQ(pair.client->Submit(*block, DescriptorBytes(2)).error().code, "TOO_MANY_REQUESTS");
  CHECK_EQ(pair.client->in_flight(), layout::kSlots);
  CheckedRequest request;
  CHECK_EQ(EchoAll(*pair.host, request), layout::kSlots);
  uint32_t errors = 0;  // the response arena holds fewer
  for (uint32_t i = 0; i < layout::kSlots; ++i) {
    const auto completion = pair.client->Poll();
    REQUIRE(completion.has_value());
    errors += completion->status == layout::kTooManyRequests ? 1 : 0;
    if (completion->status != layout::kOk) CHECK(!completion->offset.has_value());
    if (completion->offset) pair.client->Release(*completion->offset);
  }
  CHECK(errors > 0);
  CHECK(pair.client->Submit(*block, DescriptorBytes(2)).ok());
  CHECK_EQ(EchoAll(*pair.host, request), 1U);
  CHECK(pair.client->Poll()->status == layout::kOk);
}

MLOS_TEST(channel_refuses_what_is_no_block) {
  const ChannelPair pair = OpenPair();
  REQUIRE(pair.client != nullptr);
  CHECK_EQ(pair.client->Submit({.offset = 64, .byte_length = 64}, 64).error().code,
           "INVALID_ARGUMENT");
  const auto block = pair.client->Allocate(64);
  REQUIRE(block.has_value());
  CHECK_EQ(pair.client->Submit(*block, 65).error().code, "INVALID_ARGUMENT");
  pair.client->Free(*block);
  pair.client->Free(*block);
  CHECK_EQ(pair.client->Submit(*block, 64).error().code, "INVALID_ARGUMENT");
}

MLOS_TEST(channel_cancel_is_seen_and_wakes_the_monitor) {
  const ChannelPair pair = OpenPair();
  REQUIRE(pair.client != nullptr);
  const uint64_t id = SubmitFloats(*pair.client, kLengths, 0);
  const auto entry = pair.host->Take();
  REQUIRE(entry.has_value());
  CHECK(!pair.host->IsCancelled(entry->slot, id));
  CHECK(!IsReadable(pair.host->socket_fd()));
  pair.client->Cancel(id + layout::kSlots);  // not in flight
  CHECK(!IsReadable(pair.host->socket_fd()));
  pair.client->Cancel(id);
  CHECK(pair.host->IsCancelled(entry->slot, id));
  CHECK(IsReadable(pair.host->socket_fd()));
  CHECK(pair.host->DrainSocket());
  CHECK(!IsReadable(pair.host->socket_fd()));
  CHECK(pair.host->CompleteError(id, entry->slot, layout::kCancelled, ""));
  CHECK(!pair.host->CompleteError(id, entry->slot, layout::kCancelled, ""));  // once
  const auto completion = pair.client->Poll();
  REQUIRE(completion.has_value());
  CHECK(completion->status == layout::kCancelled);
  CHECK(!pair.client->WasBegun(id));
}

MLOS_TEST(channel_notices_that_the_client_is_gone) {
  ChannelPair pair = OpenPair();
  REQUIRE(pair.client != nullptr);
  CHECK(pair.host->DrainSocket());
  pair.client.reset();
  CHECK(IsReadable(pair.host->socket_fd()));
  CHECK(!pair.host->DrainSocket());
}

MLOS_TEST(channel_error_texts_are_cut_and_copied) {
  const ChannelPair pair = OpenPair();
  REQUIRE(pair.client != nullptr);
  const auto block = WriteFloats(*pair.client, {}, 0);
  REQUIRE(block.has_value());
  for (int i = 0; i < 2000; ++i) {  // nothing of them stays held
    REQUIRE(pair.client->Submit(*block, DescriptorBytes(0)).ok());
    const auto entry = pair.host->Take();
    REQUIRE(entry.has_value());
    REQUIRE(pair.host->CompleteError(entry->request_id, entry->slot, layout::kInferenceFailed,
                                     std::string(3000, 'x')));
    const auto completion = pair.client->Poll();
    REQUIRE(completion.has_value());
    CHECK_EQ(completion->message, std::string(layout::kMaxErrorBytes, 'x'));
  }
}

MLOS_TEST(channel_regions_are_sealed_by_their_writers) {
  const ChannelPair pair = OpenPair();
  REQUIRE(pair.client != nullptr);
  for (const int fd : {pair.client->request_region_fd(), pair.client->response_region_fd()}) {
    CHECK(::mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0) == MAP_FAILED);
    CHECK_EQ(::pwrite(fd, "x", 1, 0), -1);
    CHECK_EQ(::ftruncate(fd, 4096), -1);
    CHECK((ReadSeals(fd).value() & F_SEAL_SEAL) != 0);
  }
}

MLOS_TEST(channel_regions_must_fit_each_other) {
  const auto open = [](ChannelFiles& files, UniqueFd request, UniqueFd response) {
    return ClientChannel::Open({.request_region = std::move(request),
                                .response_region = std::move(response),
                                .bell = std::move(files.bell),
                                .socket = std::move(files.client_socket)},
                               0);
  };
  constexpr uint64_t kLeast = layout::kMinArenaBytes;
  auto one = CreateChannelFiles(Options(kLeast, kLeast));
  auto two = CreateChannelFiles(
      {.channel_id = 2, .request_arena_bytes = kLeast, .response_arena_bytes = kLeast});
  REQUIRE(one.ok() && two.ok());
  UniqueFd unsealed(::dup(one.value().response_region.get()));
  UniqueFd request(::dup(one.value().request_region.get()));
  CHECK_EQ(open(one.value(), std::move(request), std::move(unsealed)).error().code,
           "REGION_UNSEALED");
  UniqueFd response(::dup(two.value().response_region.get()));
  const auto host = HostChannel::Open(2, std::move(two.value().response_region), {}, {});
  REQUIRE(host.ok());
  CHECK_EQ(host.value()->Activate(UniqueFd(::dup(one.value().request_region.get()))).error().code,
           "REGION_UNSEALED");
  UniqueFd other(::dup(one.value().request_region.get()));
  CHECK_EQ(open(two.value(), std::move(other), std::move(response)).error().code, "INVALID_REGION");
  // That attempt has sealed it; now it is only of the wrong channel.
  CHECK_EQ(host.value()->Activate(std::move(one.value().request_region)).error().code,
           "INVALID_REGION");
  CHECK_EQ(HostChannel::Open(9, std::move(one.value().response_region), {}, {}).error().code,
           "INVALID_REGION");
}

MLOS_TEST(channel_on_huge_pages_where_the_host_has_them) {
  constexpr uint64_t kBytes = uint64_t{2} << 20;
  ChannelOptions options = Options(kBytes, layout::kMinArenaBytes);
  options.huge_pages = true;
  auto files = CreateChannelFiles(options);
  REQUIRE(files.ok());
  CHECK(!files.value().response_huge);  // too small
  const auto mapping = MapForWriting(files.value().request_region.get(), layout::kKindRequest);
  REQUIRE(mapping.ok());
  const uint64_t page = files.value().request_huge ? kBytes : 4096;
  CHECK_EQ(mapping.value()->bytes().size() % page, uint64_t{0});
  CHECK(MapForReading(files.value().request_region.get(), layout::kKindRequest).ok());
}

MLOS_TEST(channel_is_closed_in_a_forked_child_and_goes_on_in_the_parent) {
  const ChannelPair pair = OpenPair();
  REQUIRE(pair.client != nullptr);
  const uint64_t id = SubmitFloats(*pair.client, kLengths, 1.5F);
  REQUIRE(id != 0);
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    const bool closed = pair.client->state() == layout::kClosed && pair.client->inherited();
    const bool waits = pair.client->Wait(0) != ClientChannel::WaitResult::kClosed;
    const bool submits = SubmitFloats(*pair.client, kLengths, 2.5F) != 0;
    pair.client->Release(0);
    pair.client->Cancel(id);
    ::_exit(closed && !waits && !submits && !pair.client->Poll() ? 0 : 1);
  }
  int ended = 0;
  REQUIRE(::waitpid(child, &ended, 0) == child);
  CHECK_EQ(ended, 0);
  CheckedRequest request;
  CHECK_EQ(EchoAll(*pair.host, request), 1U);
  const auto completion = pair.client->Poll();
  REQUIRE(completion.has_value());
  CHECK(AreFloats(*completion, kLengths, 1.5F));
  CHECK(!pair.host->closed());
}

}  // namespace mlos
