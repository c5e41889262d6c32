#include "channel_pair.h"

#include <sys/epoll.h>
#include <unistd.h>

#include <cstring>

#include "shm/adaptive_spin.h"
#include "shm/channel_memory.h"
#include "shm/status_code.h"

namespace mlos::test {
namespace {

constexpr uint64_t kChannelId = 7;

uint64_t RoundUp(uint64_t bytes) {
  return (bytes + layout::kBlockAlignment - 1) / layout::kBlockAlignment * layout::kBlockAlignment;
}

layout::TensorDescriptor FloatTensor(uint32_t index, uint64_t offset, uint32_t length) {
  layout::TensorDescriptor tensor{};
  tensor.index = index;
  tensor.dtype = static_cast<uint16_t>(Dtype::kFloat32);
  tensor.rank = 1;
  tensor.offset = offset;
  tensor.byte_length = uint64_t{length} * sizeof(float);
  tensor.dims[0] = length;
  return tensor;
}

}  // namespace

ChannelPair OpenPair(const PairOptions& options) {
  auto made = CreateChannelFiles({.channel_id = kChannelId,
                                  .request_arena_bytes = options.request_arena_bytes,
                                  .response_arena_bytes = options.response_arena_bytes});
  if (!made.ok()) return {};
  ChannelFiles& files = made.value();
  UniqueFd bell(::dup(files.bell.get()));
  UniqueFd request(::dup(files.request_region.get()));
  UniqueFd response(::dup(files.response_region.get()));
  auto host = HostChannel::Open(kChannelId, std::move(response), std::move(bell),
                                std::move(files.host_socket));
  if (!host.ok()) return {};
  ClientChannel::Files client_files{.request_region = std::move(files.request_region),
                                    .response_region = std::move(files.response_region),
                                    .bell = std::move(files.bell),
                                    .socket = std::move(files.client_socket)};
  ChannelPair pair;
  pair.host = std::move(host).value();
  if (options.one_mapping) {
    auto mapping = MapForWriting(request.get(), layout::kKindRequest);
    if (!mapping.ok() || !pair.host->Activate(mapping.value()).ok()) return {};
    pair.client = ClientChannel::OnMemory({mapping.value(), pair.host->response_mapping()},
                                          std::move(client_files), options.spin_us);
    return pair;
  }
  auto client = ClientChannel::Open(std::move(client_files), options.spin_us);
  if (!client.ok() || !pair.host->Activate(std::move(request)).ok()) return {};
  pair.client = std::move(client).value();
  return pair;
}

std::optional<Block> WriteFloats(ClientChannel& client, std::span<const uint32_t> lengths,
                                 float seed) {
  const auto count = static_cast<uint32_t>(lengths.size());
  uint64_t bytes = RoundUp(DescriptorBytes(count));
  for (const uint32_t length : lengths) bytes += RoundUp(uint64_t{length} * sizeof(float));
  const std::optional<Block> block = client.Allocate(bytes);
  if (!block) return std::nullopt;
  std::byte* base = client.request_arena().data();
  layout::RequestDescriptor fixed{};
  fixed.priority = layout::kNormal;
  fixed.input_count = count;
  std::memcpy(base + block->offset, &fixed, sizeof fixed);
  uint64_t at = block->offset + RoundUp(DescriptorBytes(count));
  for (uint32_t i = 0; i < count; ++i) {
    const auto tensor = FloatTensor(i, at, lengths[i]);
    std::memcpy(base + block->offset + DescriptorBytes(i), &tensor, sizeof tensor);
    for (uint32_t j = 0; j < lengths[i]; ++j) {
      const float value = seed + static_cast<float>(i + j);
      std::memcpy(base + at + j * sizeof value, &value, sizeof value);
    }
    at += RoundUp(uint64_t{lengths[i]} * sizeof(float));
  }
  return block;
}

uint64_t SubmitFloats(ClientChannel& client, std::span<const uint32_t> lengths, float seed) {
  const std::optional<Block> block = WriteFloats(client, lengths, seed);
  if (!block) return 0;
  const auto id = client.Submit(*block, DescriptorBytes(static_cast<uint32_t>(lengths.size())));
  return id.ok() ? id.value() : 0;
}

bool AreFloats(const Completion& completion, std::span<const uint32_t> lengths, float seed) {
  if (completion.status != layout::kOk || completion.outputs.size() != lengths.size()) return false;
  for (uint32_t i = 0; i < lengths.size(); ++i) {
    const TensorView& output = completion.outputs[i];
    if (output.index != i || output.data.size() != lengths[i] * sizeof(float)) return false;
    for (uint32_t j = 0; j < lengths[i]; ++j) {
      float value = 0;
      std::memcpy(&value, output.data.data() + j * sizeof value, sizeof value);
      if (value != seed + static_cast<float>(i + j)) return false;
    }
  }
  return true;
}

bool Echo(HostChannel& host, const CheckedRequest& request) {
  const auto count = static_cast<uint32_t>(request.inputs.size());
  uint64_t bytes = RoundUp(DescriptorBytes(count));
  for (const TensorView& input : request.inputs) bytes += RoundUp(input.data.size());
  const auto block = host.AllocateResult(bytes);
  if (!block) {
    return host.CompleteError(request.request_id, request.slot, layout::kTooManyRequests, "full");
  }
  layout::ResultDescriptor fixed{};
  fixed.output_count = count;
  std::memcpy(block->bytes.data(), &fixed, sizeof fixed);
  uint64_t at = RoundUp(DescriptorBytes(count));
  for (uint32_t i = 0; i < count; ++i) {
    const std::span<const std::byte> data = request.inputs[i].data;
    const auto length = static_cast<uint32_t>(data.size() / sizeof(float));
    const auto tensor = FloatTensor(request.inputs[i].index, block->offset + at, length);
    std::memcpy(block->bytes.data() + DescriptorBytes(i), &tensor, sizeof tensor);
    if (!data.empty()) std::memcpy(block->bytes.data() + at, data.data(), data.size());
    at += RoundUp(data.size());
  }
  layout::CompletionEntry entry{};
  entry.request_id = request.request_id;
  entry.slot = request.slot;
  entry.offset = block->offset;
  entry.byte_length = bytes;
  entry.batch = 1;
  return host.Complete(entry);
}

uint32_t EchoAll(HostChannel& host, CheckedRequest& request) {
  uint32_t count = 0;
  while (const auto entry = host.Take()) {
    ++count;
    host.MarkBegun(entry->slot, entry->request_id);
    const Status decoded = host.Decode(*entry, request);
    if (decoded.ok()) {
      Echo(host, request);
    } else {
      host.CompleteError(entry->request_id, entry->slot, StatusOfName(decoded.error().code),
                         decoded.error().message);
    }
  }
  return count;
}

void EchoUntilClosed(HostChannel& host, uint32_t spin_us) {
  const UniqueFd epoll(::epoll_create1(EPOLL_CLOEXEC));
  epoll_event bell{};
  bell.events = EPOLLIN | EPOLLET;
  epoll_event socket{};
  socket.events = EPOLLIN | EPOLLRDHUP;
  socket.data.u32 = 1;
  ::epoll_ctl(epoll.get(), EPOLL_CTL_ADD, host.bell_fd(), &bell);
  ::epoll_ctl(epoll.get(), EPOLL_CTL_ADD, host.socket_fd(), &socket);
  CheckedRequest request;
  host.SetHostSleeping(false);
  while (!host.closed()) {
    EchoAll(host, request);
    if (SpinUntil(uint64_t{spin_us} * 1000, [&host] { return host.HasEntries(); })) continue;
    host.SetHostSleeping(true);
    epoll_event event{};
    if (!host.HasEntries() && ::epoll_wait(epoll.get(), &event, 1, -1) == 1 &&
        event.data.u32 == 1 && !host.DrainSocket()) {
      host.Close(layout::kClientGone);
    }
    host.SetHostSleeping(false);
  }
}

}  // namespace mlos::test
