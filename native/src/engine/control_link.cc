#include "engine/control_link.h"

#include <algorithm>
#include <cstring>

#include "shm/fd_passing.h"

namespace mlos {
namespace {

/// Messages taken at once, so that channels are looked after between them.
constexpr int kMessagesAtOnce = 16;

/// Descriptors that a kind brings.
size_t DescriptorsOf(uint32_t kind) {
  switch (kind) {
    case layout::kStartEngine:
    case layout::kActivateChannel:
      return 1;
    case layout::kOpenChannel:
      return 3;
    default:
      return 0;
  }
}

bool IsKnown(uint32_t kind) {
  return kind == layout::kStartEngine || kind == layout::kOpenChannel ||
         kind == layout::kActivateChannel || kind == layout::kCloseChannel;
}

}  // namespace

ControlLink::Reply ControlLink::Answer(const layout::ControlMessage& message,
                                       std::vector<UniqueFd> fds) const {
  if (!IsKnown(message.kind)) {
    return {layout::kInvalidFrame, "unknown kind " + std::to_string(message.kind)};
  }
  const size_t wanted = DescriptorsOf(message.kind);
  if (fds.size() != wanted) {
    return {layout::kInvalidFrame, "kind " + std::to_string(message.kind) + " brings " +
                                       std::to_string(wanted) + " descriptors, but " +
                                       std::to_string(fds.size()) + " came"};
  }
  return handle_(message, std::move(fds));
}

bool ControlLink::TakeMessages() {
  for (int i = 0; i < kMessagesAtOnce && unsent_.empty(); ++i) {
    Result<std::optional<ReceivedMessage>> received =
        ReceiveDescriptors(fd(), sizeof(layout::ControlMessage), kMaxDescriptors);
    layout::ControlMessage message{};
    if (!received.ok()) {
      if (received.error().code != "MESSAGE_TRUNCATED") return false;
      Say(message, {layout::kInvalidFrame, "the message is too long"});
      if (!Flush()) return false;
      continue;
    }
    if (!received.value().has_value()) return true;
    ReceivedMessage& got = *received.value();
    if (got.bytes.empty()) return false;
    Reply reply{layout::kInvalidFrame, "a message has " + std::to_string(sizeof message) +
                                           " bytes, not " + std::to_string(got.bytes.size())};
    std::memcpy(&message, got.bytes.data(), std::min(sizeof message, got.bytes.size()));
    if (got.bytes.size() == sizeof message) reply = Answer(message, std::move(got.fds));
    Say(message, reply);
    if (!Flush()) return false;
  }
  return true;
}

void ControlLink::SayChannelGone(uint64_t channel_id) {
  layout::ControlMessage message{};
  message.kind = layout::kChannelGone;
  message.channel_id = channel_id;
  unsent_.push_back(message);
}

void ControlLink::Say(const layout::ControlMessage& asked, const Reply& reply) {
  layout::ControlMessage message{};
  message.kind = asked.kind | layout::kReply;
  message.sequence = asked.sequence;
  message.channel_id = asked.channel_id;
  message.status = reply.status;
  const std::string_view text = reply.text;
  size_t length = std::min(text.size(), sizeof message.text);
  // A character that is cut in two would not be UTF-8.
  while (length < text.size() && length > 0 && (text[length] & 0xc0) == 0x80) --length;
  message.text_length = static_cast<uint32_t>(length);
  std::copy_n(text.begin(), length, message.text);
  unsent_.push_back(message);
}

bool ControlLink::Flush() {
  while (!unsent_.empty()) {
    const auto bytes = std::as_bytes(std::span(&unsent_.front(), 1));
    const Result<size_t> sent = SendDescriptors(fd(), bytes, {});
    if (!sent.ok()) return sent.error().code == "EAGAIN";
    unsent_.pop_front();
  }
  return true;
}

}  // namespace mlos
