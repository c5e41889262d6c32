#include "engine/channel_table.h"

#include <sys/epoll.h>
#include <sys/mman.h>

#include <cerrno>

#include "engine/monitor_event.h"
#include "shm/layout.h"

namespace mlos {
namespace {

/// Channels of one engine at once; each has three descriptors and two mappings here.
constexpr size_t kMaxChannels = 4096;

}  // namespace

std::string ChannelTable::LockMemory(const Mapping* mapping) const {
  if (!lock_memory_ || mapping == nullptr) return {};
  const std::span<std::byte> bytes = mapping->bytes();
  if (::mlock(bytes.data(), bytes.size()) == 0) return {};
  return SystemError("mlock", errno, "the arena is not locked").message;
}

Result<std::string> ChannelTable::Open(const OpenOptions& options, OpenFiles files) {
  if (options.channel_id >= kMaxMonitorEventId) {
    return CodedError("INVALID_ARGUMENT", "a channel's id is less than 2^56");
  }
  const std::lock_guard held(lock_);
  if (models_.Find(options.handle) == nullptr) {
    return CodedError("MODEL_NOT_FOUND",
                      "no model has the handle " + std::to_string(options.handle));
  }
  if (channels_.count(options.channel_id) > 0) {
    return CodedError("INVALID_ARGUMENT", "there is a channel of this id already");
  }
  if (channels_.size() >= kMaxChannels) {
    return CodedError("TOO_MANY_REQUESTS",
                      "an engine has at most " + std::to_string(kMaxChannels) + " channels");
  }
  auto host = HostChannel::Open(options.channel_id, std::move(files.response_region),
                                std::move(files.bell), std::move(files.socket));
  if (!host.ok()) return host.error();
  auto channel = std::make_shared<ModelChannel>();
  channel->host = std::move(host).value();
  channel->most_urgent = options.most_urgent;
  channel->shares_sequences = options.shares_sequences;
  const std::shared_ptr<Mapping> response = channel->host->response_mapping();
  channel->answer_room = response->bytes().size() - layout::kResponseArenaOffset;

  epoll_event event{};
  event.events = EPOLLIN | EPOLLRDHUP;
  event.data.u64 = MonitorEvent(MonitorEventKind::kChannel, options.channel_id);
  if (::epoll_ctl(monitor_epoll_, EPOLL_CTL_ADD, channel->host->socket_fd(), &event) != 0) {
    return SystemError("epoll_ctl", errno, "cannot watch the channel's socket");
  }
  channels_.emplace(options.channel_id,
                    Entry{.channel = std::move(channel), .handle = options.handle});
  return LockMemory(response.get());
}

Result<std::string> ChannelTable::Activate(uint64_t channel_id, UniqueFd request_region) {
  const std::lock_guard held(lock_);
  const auto found = channels_.find(channel_id);
  if (found == channels_.end() || found->second.serving) {
    return CodedError("INVALID_ARGUMENT",
                      "no channel " + std::to_string(channel_id) + " waits to be activated");
  }
  Entry& entry = found->second;
  const ModelTable::Entry model = models_.Find(entry.handle);
  if (model == nullptr) return CodedError("MODEL_NOT_FOUND", "the model has been unloaded");
  const Status active = entry.channel->host->Activate(std::move(request_region));
  if (!active.ok()) return active.error();
  const Status added = model->model().AddChannel(entry.channel);
  if (!added.ok()) return added.error();
  entry.serving = true;
  return LockMemory(entry.channel->host->request_mapping().get());
}

void ChannelTable::End(Entry& entry, layout::StatusCode code) {
  HostChannel& host = *entry.channel->host;
  // Runs may hold the channel longer; epoll must not.
  ::epoll_ctl(monitor_epoll_, EPOLL_CTL_DEL, host.socket_fd(), nullptr);
  const ModelTable::Entry model = models_.Find(entry.handle);
  if (entry.serving && model != nullptr) model->model().RemoveChannel(*entry.channel, code);
  host.Close(code);
}

bool ChannelTable::Close(uint64_t channel_id, layout::StatusCode code) {
  const std::lock_guard held(lock_);
  const auto found = channels_.find(channel_id);
  if (found == channels_.end()) return false;
  End(found->second, code);
  channels_.erase(found);
  return true;
}

void ChannelTable::CloseAllOf(uint32_t handle, layout::StatusCode code) {
  const std::lock_guard held(lock_);
  for (auto at = channels_.begin(); at != channels_.end();) {
    if (at->second.handle != handle) {
      ++at;
      continue;
    }
    End(at->second, code);
    at = channels_.erase(at);
  }
}

void ChannelTable::CloseAll(layout::StatusCode code) {
  const std::lock_guard held(lock_);
  for (auto& [id, entry] : channels_) End(entry, code);
  channels_.clear();
}

bool ChannelTable::LookAtSocket(uint64_t channel_id) {
  const std::lock_guard held(lock_);
  const auto found = channels_.find(channel_id);
  if (found == channels_.end()) return false;
  Entry& entry = found->second;
  if (entry.channel->host->DrainSocket() && !entry.channel->host->closed()) {
    const ModelTable::Entry model = models_.Find(entry.handle);
    if (entry.serving && model != nullptr) model->model().LookAtCancellations(*entry.channel);
    return false;
  }
  End(entry, layout::kClientGone);
  channels_.erase(found);
  return true;
}

}  // namespace mlos
