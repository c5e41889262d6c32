#ifndef MLOS_TEST_CHANNEL_PAIR_H_
#define MLOS_TEST_CHANNEL_PAIR_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <span>

#include "shm/channel_files.h"
#include "shm/client_channel.h"
#include "shm/host_channel.h"

namespace mlos::test {

struct PairOptions {
  uint64_t request_arena_bytes = layout::kMinArenaBytes;
  uint64_t response_arena_bytes = layout::kMinArenaBytes;
  uint32_t spin_us = 20;
  /// One mapping of each region for both ends, so that ThreadSanitizer sees what they share.
  bool one_mapping = false;
};

/// Both ends of a channel, open. Empty where that failed.
struct ChannelPair {
  std::unique_ptr<ClientChannel> client;
  std::shared_ptr<HostChannel> host;
};

ChannelPair OpenPair(const PairOptions& options = {});

/// Writes the descriptor and the elements of one float tensor for each length (in elements) into a
/// new block of the request arena; element j of tensor i is `seed + i + j`. Nothing when there is
/// no room.
std::optional<Block> WriteFloats(ClientChannel& client, std::span<const uint32_t> lengths,
                                 float seed);

/// Allocates, writes and submits; 0 when any of it failed.
uint64_t SubmitFloats(ClientChannel& client, std::span<const uint32_t> lengths, float seed);

/// Whether the outputs are what WriteFloats() made of the same arguments.
bool AreFloats(const Completion& completion, std::span<const uint32_t> lengths, float seed);

/// Answers a request with its own inputs, or with kTooManyRequests where there is no room.
bool Echo(HostChannel& host, const CheckedRequest& request);

/// Answers everything that waits in the channel with its own inputs; returns how many it was.
uint32_t EchoAll(HostChannel& host, CheckedRequest& request);

/// Echoes until the channel is closed or its client is gone; spins for `spin_us`, then sleeps on
/// the bell as an engine does, without a bound: a wake-up that is lost hangs.
void EchoUntilClosed(HostChannel& host, uint32_t spin_us);

}  // namespace mlos::test

#endif  // MLOS_TEST_CHANNEL_PAIR_H_
