#include <poll.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <functional>

#include "base/clock.h"
#include "channel_pair.h"
#include "check.h"
#include "child_process.h"
#include "shm/channel_files.h"
#include "shm/fd_passing.h"

/// Client and host in two processes, one of which is killed.

namespace mlos {
namespace {

using test::ChildProcess;

constexpr std::array<uint32_t, 1> kLength = {100};
constexpr uint64_t kChannelId = 3;

/// One byte each way says "your turn".
void Tell(const UniqueFd& socket) { static_cast<void>(!::write(socket.get(), "x", 1)); }

bool Hear(const UniqueFd& socket) {
  pollfd entry{.fd = socket.get(), .events = POLLIN, .revents = 0};
  char byte = 0;
  return ::poll(&entry, 1, 10'000) == 1 && ::read(socket.get(), &byte, 1) == 1;
}

ChannelFiles MakeFiles() {
  auto made = CreateChannelFiles({.channel_id = kChannelId,
                                  .request_arena_bytes = layout::kMinArenaBytes,
                                  .response_arena_bytes = layout::kMinArenaBytes});
  return made.ok() ? std::move(made).value() : ChannelFiles{};
}

/// In the host's process: opens and activates, in step with the client.
std::shared_ptr<HostChannel> OpenHost(ChannelFiles files, const UniqueFd& turn) {
  files.client_socket.Reset();
  auto host = HostChannel::Open(kChannelId, std::move(files.response_region), std::move(files.bell),
                                std::move(files.host_socket));
  Tell(turn);
  if (!host.ok() || !Hear(turn)) return nullptr;
  if (!host.value()->Activate(std::move(files.request_region)).ok()) return nullptr;
  Tell(turn);
  return std::move(host).value();
}

std::unique_ptr<ClientChannel> OpenClient(ChannelFiles files, const UniqueFd& turn,
                                          uint32_t spin_us) {
  files.host_socket.Reset();
  if (!Hear(turn)) return nullptr;
  auto client = ClientChannel::Open({.request_region = std::move(files.request_region),
                                     .response_region = std::move(files.response_region),
                                     .bell = std::move(files.bell),
                                     .socket = std::move(files.client_socket)},
                                    spin_us);
  Tell(turn);
  if (!client.ok() || !Hear(turn)) return nullptr;
  return std::move(client).value();
}

}  // namespace

MLOS_TEST(channel_process_answers_and_its_death_is_noticed) {
  for (const uint32_t spin_us : {0U, 50U}) {
    auto turns = CreateSocketPair(SocketKind::kStream);
    REQUIRE(turns.ok());
    const auto& [ours, theirs] = turns.value();
    ChannelFiles files = MakeFiles();
    ChildProcess host([&files, &turn = theirs, spin_us] {
      const auto channel = OpenHost(std::move(files), turn);
      if (channel) test::EchoUntilClosed(*channel, spin_us);
    });
    const auto client = OpenClient(std::move(files), ours, spin_us);
    REQUIRE(client != nullptr);
    const auto block = test::WriteFloats(*client, kLength, 4);
    REQUIRE(block.has_value());
    Completion completion;
    for (int i = 0; i < 1000; ++i) {
      REQUIRE(client->Submit(*block, DescriptorBytes(1)).ok());
      REQUIRE(client->Wait(0) == ClientChannel::WaitResult::kReady);
      REQUIRE(client->PollInto(completion));
      REQUIRE(test::AreFloats(completion, kLength, 4));
      client->Release(*completion.offset);
    }
    host.Kill();
    client->CheckPeer();
    CHECK(client->state() == layout::kClosed);
    CHECK(client->close_code() == layout::kPluginCrashed);
    CHECK(client->Wait(0) == ClientChannel::WaitResult::kClosed);
  }
}

MLOS_TEST(channel_process_killed_under_a_sleeping_client) {
  auto turns = CreateSocketPair(SocketKind::kStream);
  REQUIRE(turns.ok());
  const auto& [ours, theirs] = turns.value();
  ChannelFiles files = MakeFiles();
  // Begins with the first request, never with the second, answers neither, and dies by itself.
  ChildProcess host([&files, &turn = theirs] {
    const auto channel = OpenHost(std::move(files), turn);
    if (!channel || !Hear(turn)) return;
    const auto first = channel->Take();
    if (first) channel->MarkBegun(first->slot, first->request_id);
    static_cast<void>(channel->Take());
    ::usleep(30'000);
    ::_exit(1);  // no destructor says goodbye
  });
  const auto client = OpenClient(std::move(files), ours, 0);
  REQUIRE(client != nullptr);
  const uint64_t first = test::SubmitFloats(*client, kLength, 0);
  const uint64_t second = test::SubmitFloats(*client, kLength, 0);
  REQUIRE(first != 0 && second != 0);
  Tell(ours);
  CHECK(client->Wait(0) == ClientChannel::WaitResult::kClosed);
  CHECK(client->close_code() == layout::kPluginCrashed);
  CHECK_EQ(client->in_flight(), 2U);
  CHECK(client->WasBegun(first));
  CHECK(!client->WasBegun(second));
}

MLOS_TEST(channel_process_killed_client_is_noticed_by_the_host) {
  auto turns = CreateSocketPair(SocketKind::kStream);
  REQUIRE(turns.ok());
  const auto& [ours, theirs] = turns.value();
  ChannelFiles files = MakeFiles();
  ChildProcess client([&files, &turn = ours] {
    const auto channel = OpenClient(std::move(files), turn, 0);
    while (channel && test::SubmitFloats(*channel, kLength, 0) != 0) {
    }
    Tell(turn);
    ::pause();
  });
  const auto host = OpenHost(std::move(files), theirs);
  REQUIRE(host != nullptr);
  REQUIRE(Hear(theirs));
  CHECK(host->DrainSocket());
  client.Kill();
  CHECK(!host->DrainSocket());
  CheckedRequest request;  // what it left behind harms nobody
  CHECK(test::EchoAll(*host, request) > 0);
  CHECK(!host->closed());
}

}  // namespace mlos
