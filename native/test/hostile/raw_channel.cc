#include "raw_channel.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstring>

#include "base/clock.h"

namespace hostile {
namespace {

namespace layout = mlos::layout;
using mlos::msgpack::Writer;

constexpr uint64_t kAnswerWithinNs = 20'000'000'000;
constexpr unsigned kSealFutureWrite = 0x0010U;
constexpr std::array<uint64_t, 4> kArenaBytes = {1 << 16, 1 << 17, 1 << 20, 3 << 20};

uint64_t SizeOf(int fd) {
  struct stat facts {};
  return ::fstat(fd, &facts) == 0 ? static_cast<uint64_t>(facts.st_size) : 0;
}

std::string AttachParams(const std::string& model, Dice& dice) {
  Writer writer;
  writer.Map(3);
  writer.Text("model_id");
  writer.Text(model);
  writer.Text("input_bytes");
  writer.Unsigned(dice.Of(kArenaBytes));
  writer.Text("output_bytes");
  writer.Unsigned(dice.Of(kArenaBytes));
  return writer.bytes();
}

std::string ChannelParams(uint64_t id) {
  Writer writer;
  writer.Map(1);
  writer.Text("channel_id");
  writer.Unsigned(id);
  return writer.bytes();
}

/// Notes where the daemon does not answer at all: it must, whatever else goes on.
void NoteLost(const mlos::Error& error, Figures& figures) {
  if (error.code == "DEADLINE_EXCEEDED") figures.findings[kNoAnswer]++;
}

void Seal(const RawChannel& channel) {
  ::fcntl(channel.request_fd.get(), F_ADD_SEALS, kSealFutureWrite | F_SEAL_SEAL);
}

void CorruptHeader(layout::RegionHeader& header, Dice& dice) {
  switch (dice.Below(5)) {
    case 0:
      header.magic ^= 1;
      break;
    case 1:
      header.version++;
      break;
    case 2:
      header.kind = layout::kKindResponse;
      break;
    case 3:
      header.byte_length += 4096;
      break;
    default:
      header.channel_id++;
  }
}

/// Has the daemon take a region that it must refuse.
void TryBadRegion(RawChannel& channel, Dice& dice, Figures& figures) {
  Finding finding = kUnsealedTaken;
  const uint64_t choice = dice.Below(3);
  if (choice == 1) {
    finding = kSparseTaken;
    const auto page = static_cast<off_t>(4096 * (1 + dice.Below(channel.request_bytes / 4096 - 1)));
    ::fallocate(channel.request_fd.get(), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, page, 4096);
  } else if (choice == 2) {
    finding = kBadHeaderTaken;
    CorruptHeader(channel.control()->header, dice);
  }
  if (choice != 0) Seal(channel);
  const std::string code = channel.Activate(channel.id);
  if (code.empty()) figures.findings[finding]++;
  if (code == "DEADLINE_EXCEEDED") figures.findings[kNoAnswer]++;
}

}  // namespace

std::string RawChannel::Activate(uint64_t channel_id) {
  auto answer = daemon->Call("channels.activate", ChannelParams(channel_id),
                             mlos::MonotonicNanos() + kAnswerWithinNs);
  return answer.ok() ? "" : answer.error().code;
}

void RawChannel::Push(const layout::RequestEntry& entry) {
  auto* ring = reinterpret_cast<layout::RequestEntry*>(request + layout::kRequestRingOffset);
  std::memcpy(&ring[tail % layout::kRingEntries], &entry, sizeof entry);
  control()->request_tail.store(++tail);
  RingBell();
}

void RawChannel::RingBell() const {
  if (host()->host_sleeping.load() == 0) return;
  const uint64_t one = 1;
  // Nobody ever reads a bell that we have filled: a write that blocks would never end.
  ::fcntl(bell.get(), F_SETFL, O_NONBLOCK);
  static_cast<void>(!::write(bell.get(), &one, sizeof one));
}

std::unique_ptr<RawChannel> Attach(const Target& target, Dice& dice, Figures& figures) {
  const uint64_t deadline = mlos::MonotonicNanos() + kAnswerWithinNs;
  auto connection = mlos::capi::DaemonConnection::Open(target.socket_path, deadline);
  if (!connection.ok()) {
    NoteLost(connection.error(), figures);
    return nullptr;
  }
  auto channel = std::make_unique<RawChannel>();
  channel->daemon = std::make_unique<mlos::capi::DaemonConnection>(std::move(connection).value());
  const Target::Model& model = target.models[dice.Below(target.models.size())];
  auto answer = channel->daemon->Call("models.attach", AttachParams(model.id, dice), deadline);
  if (!answer.ok()) {
    NoteLost(answer.error(), figures);
    figures.refused++;
    return nullptr;
  }
  auto& [frame, result, fds] = answer.value();
  const auto* id = result.Find("channel_id");
  if (id == nullptr || fds.size() != 4) return nullptr;
  channel->id = id->AsUnsigned().value_or(0);
  channel->kind = model.kind;
  channel->request_fd = std::move(fds[0]);
  channel->response_fd = std::move(fds[1]);
  channel->bell = std::move(fds[2]);
  channel->socket = std::move(fds[3]);
  channel->request_bytes = SizeOf(channel->request_fd.get());
  channel->response_bytes = SizeOf(channel->response_fd.get());
  void* request = ::mmap(nullptr, channel->request_bytes, PROT_READ | PROT_WRITE, MAP_SHARED,
                         channel->request_fd.get(), 0);
  void* response = ::mmap(nullptr, channel->response_bytes, PROT_READ, MAP_SHARED,
                          channel->response_fd.get(), 0);
  if (request == MAP_FAILED || response == MAP_FAILED) return nullptr;
  channel->request = static_cast<uint8_t*>(request);
  channel->response = static_cast<const uint8_t*>(response);
  return channel;
}

bool Activate(RawChannel& channel, Dice& dice, Figures& figures) {
  switch (dice.Below(12)) {
    case 0:
      TryBadRegion(channel, dice, figures);
      return false;
    case 1:
      // Neighbours' channels have neighbouring ids.
      if (channel.Activate(channel.id - 1 - dice.Below(3)).empty()) {
        figures.findings[kForeignActivated]++;
      }
      break;
    case 2:
      // Attached and never activated.
      return false;
    case 3:
      // Entries before the host has the region.
      for (int i = 0; i < 8; i++) {
        channel.Push({.kind = static_cast<uint32_t>(dice.Evil()),
                      .slot = static_cast<uint32_t>(dice.Evil()),
                      .request_id = dice.Evil(),
                      .offset = dice.Evil(),
                      .byte_length = dice.Evil(),
                      .reserved = {}});
      }
      break;
    default:
      break;
  }
  Seal(channel);
  const std::string code = channel.Activate(channel.id);
  if (code == "DEADLINE_EXCEEDED") figures.findings[kNoAnswer]++;
  if (!code.empty()) return false;
  figures.attached++;
  if (dice.OneIn(8) && channel.Activate(channel.id).empty()) figures.findings[kActivatedTwice]++;
  return true;
}

}  // namespace hostile
