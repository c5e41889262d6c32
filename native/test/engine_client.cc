#include "engine_client.h"

#include <poll.h>

#include <cstring>
#include <thread>

#include "base/clock.h"
#include "shm/fd_passing.h"

namespace mlos::test {
namespace {

constexpr int kPatienceMs = 20'000;

}  // namespace

FakeDaemon::FakeDaemon(const EngineOptions& options) {
  auto sockets = CreateSocketPair(SocketKind::kSeqPacket);
  if (!sockets.ok()) return;
  control_ = std::move(sockets.value().first);
  auto engine = Engine::Start(std::move(sockets.value().second), options);
  if (!engine.ok()) return;
  auto region = Region::Create(
      {.byte_length = sizeof(layout::StatsPage), .label = "mlos-stats", .populate = true});
  if (!region.ok()) return;
  stats_ = std::move(region).value();
  auto* page = reinterpret_cast<layout::StatsPage*>(stats_->mapping()->bytes().data());
  page->header.magic = layout::kMagic;
  page->header.version = layout::kVersion;
  page->header.kind = layout::kKindStats;
  page->header.byte_length = sizeof(layout::StatsPage);
  engine_ = std::move(engine).value();
  const auto reply = Ask(layout::kStartEngine, 0, options.spin_us, 0, {stats_->fd()});
  if (reply.status != layout::kOk) engine_.reset();
}

layout::ControlMessage FakeDaemon::Next() {
  layout::ControlMessage message{};
  message.status = layout::kInternal;
  pollfd waiting{.fd = control_.get(), .events = POLLIN, .revents = 0};
  if (::poll(&waiting, 1, kPatienceMs) != 1) return message;
  auto received = ReceiveDescriptors(control_.get(), sizeof message, 0);
  if (!received.ok() || !received.value() || received.value()->bytes.size() != sizeof message) {
    return message;
  }
  std::memcpy(&message, received.value()->bytes.data(), sizeof message);
  return message;
}

void FakeDaemon::SendRaw(std::span<const std::byte> bytes, const std::vector<int>& fds) {
  static_cast<void>(SendDescriptors(control_.get(), bytes, fds));
}

layout::ControlMessage FakeDaemon::Ask(layout::ControlMessage message, std::vector<int> fds) {
  message.sequence = ++sequence_;
  SendRaw(std::as_bytes(std::span(&message, 1)), fds);
  for (;;) {
    const layout::ControlMessage reply = Next();
    if (reply.kind != layout::kChannelGone) return reply;
  }
}

layout::ControlMessage FakeDaemon::Ask(uint32_t kind, uint64_t channel_id, uint32_t argument,
                                       uint32_t argument2, std::vector<int> fds) {
  layout::ControlMessage message{};
  message.kind = kind;
  message.channel_id = channel_id;
  message.argument = argument;
  message.argument2 = argument2;
  return Ask(message, std::move(fds));
}

Result<AddedModel> FakeDaemon::AddRunner(std::unique_ptr<Runner> runner,
                                         const ModelOptions& options) {
  const auto open = [&]() -> Result<std::unique_ptr<Runner>> { return std::move(runner); };
  return engine_->AddModel(open, options);
}

uint32_t FakeDaemon::Add(const FakeModel& model, const ModelOptions& options,
                         std::shared_ptr<FakeLog> log) {
  const auto added = engine_->AddModel(
      [&]() -> Result<std::unique_ptr<Runner>> {
        return std::unique_ptr<Runner>(std::make_unique<FakeRunner>(model, log));
      },
      options);
  return added.ok() ? added.value().handle : 0;
}

EngineClient FakeDaemon::Attach(uint32_t handle, layout::Priority most_urgent, uint64_t arena_bytes,
                                bool shares_sequences) {
  const uint64_t id = next_channel_++;
  auto files = CreateChannelFiles({.channel_id = id,
                                   .request_arena_bytes = arena_bytes,
                                   .response_arena_bytes = arena_bytes,
                                   .huge_pages = false});
  if (!files.ok()) return EngineClient(nullptr);
  ChannelFiles& made = files.value();
  const uint32_t sharing = shares_sequences ? layout::kSharesSequences : 0;
  const auto opened = Ask(layout::kOpenChannel, id, handle, most_urgent | sharing,
                          {made.response_region.get(), made.bell.get(), made.host_socket.get()});
  if (opened.status != layout::kOk) return EngineClient(nullptr);
  made.host_socket.Reset();
  auto client = ClientChannel::Open({.request_region = std::move(made.request_region),
                                     .response_region = std::move(made.response_region),
                                     .bell = std::move(made.bell),
                                     .socket = std::move(made.client_socket)},
                                    50);
  if (!client.ok()) return EngineClient(nullptr);
  const auto active =
      Ask(layout::kActivateChannel, id, 0, 0, {client.value()->request_region_fd()});
  if (active.status != layout::kOk) return EngineClient(nullptr);
  return EngineClient(std::move(client).value());
}

const layout::ModelStats& FakeDaemon::Stats(uint32_t handle) const {
  const auto* page = reinterpret_cast<const layout::StatsPage*>(stats_->mapping()->bytes().data());
  for (const layout::ModelStats& row : page->models) {
    if (row.handle.load() == handle) return row;
  }
  return page->models[0];
}

uint64_t EngineClient::Send(float value, const Wish& wish) {
  const uint64_t head = (SequenceRequestBytes(2) + 63) / 64 * 64;
  const uint64_t bytes = uint64_t{wish.rows} * 4 * sizeof(float);
  const uint64_t stride = (bytes + 63) / 64 * 64;
  const auto block = channel_->Allocate(head + 2 * stride);
  if (!block) return 0;
  std::byte* at = channel_->request_arena().data() + block->offset;
  layout::RequestDescriptor request{};
  request.deadline_ns = wish.deadline_ns;
  request.priority = wish.priority;
  request.input_count = 2;
  request.has_sequence = wish.sequence.empty() ? 0 : 1;
  std::memcpy(at, &request, sizeof request);
  if (!wish.sequence.empty()) {
    layout::SequenceDescriptor sequence{};
    sequence.flags = wish.flags;
    sequence.id_length = static_cast<uint32_t>(wish.sequence.size());
    std::memcpy(sequence.id, wish.sequence.data(), wish.sequence.size());
    std::memcpy(at + DescriptorBytes(2), &sequence, sizeof sequence);
  }
  for (uint32_t i = 0; i < 2; ++i) {
    layout::TensorDescriptor tensor{};
    tensor.index = i;
    tensor.dtype = static_cast<uint16_t>(Dtype::kFloat32);
    tensor.rank = 2;
    tensor.offset = block->offset + head + i * stride;
    tensor.byte_length = bytes;
    tensor.dims[0] = wish.rows;
    tensor.dims[1] = 4;
    std::memcpy(at + sizeof request + i * sizeof tensor, &tensor, sizeof tensor);
    const std::vector<float> elements(uint64_t{wish.rows} * 4, value * static_cast<float>(i + 1));
    std::memcpy(at + head + i * stride, elements.data(), bytes);
  }
  const Result<uint64_t> id = channel_->Submit(
      *block, wish.sequence.empty() ? DescriptorBytes(2) : SequenceRequestBytes(2));
  if (!id.ok()) {
    channel_->Free(*block);
    return 0;
  }
  blocks_.emplace(id.value(), *block);
  return id.value();
}

Completion EngineClient::Receive() {
  Completion completion;
  const uint64_t until = MonotonicNanos() + uint64_t{kPatienceMs} * 1'000'000;
  if (channel_->Wait(until) == ClientChannel::WaitResult::kReady &&
      channel_->PollInto(completion)) {
    const auto block = blocks_.find(completion.request_id);
    if (block != blocks_.end()) {
      channel_->Free(block->second);
      blocks_.erase(block);
    }
    return completion;
  }
  completion.status = layout::kInternal;
  completion.message = "nothing came";
  return completion;
}

bool EngineClient::IsAnswer(const Completion& completion, float value, uint32_t rows) {
  bool right = completion.status == layout::kOk && completion.outputs.size() == 1;
  if (right) {
    const TensorView& y = completion.outputs[0];
    right = y.shape.rank == 2 && y.shape.dims[0] == rows &&
            y.data.size() == uint64_t{rows} * 4 * sizeof(float);
    for (size_t at = 0; right && at < y.data.size(); at += sizeof(float)) {
      float element = 0;
      std::memcpy(&element, y.data.data() + at, sizeof element);
      right = element == value * 3;
    }
  }
  if (completion.offset) channel_->Release(*completion.offset);
  return right;
}

bool EngineClient::Ask(float value, const Wish& wish) {
  return Send(value, wish) != 0 && IsAnswer(Receive(), value, wish.rows);
}

uint64_t InMilliseconds(uint64_t milliseconds) {
  return MonotonicNanos() + milliseconds * 1'000'000;
}

bool Eventually(const std::function<bool()>& holds) {
  const uint64_t until = InMilliseconds(kPatienceMs);
  while (!holds()) {
    if (MonotonicNanos() > until) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return true;
}

}  // namespace mlos::test
