#include "capi/attach.h"

#include <algorithm>
#include <array>
#include <optional>
#include <string_view>
#include <utility>

#include "capi/daemon_connection.h"
#include "capi/error_codes.h"

namespace mlos::capi {
namespace {

constexpr std::array<std::string_view, layout::kPriorities> kPriorityNames = {"realtime", "high",
                                                                              "normal", "batch"};
/// A daemon that asked for more would have its clients burn a core.
constexpr uint64_t kMaxSpinUs = 10'000;

std::string AttachParams(const AttachTarget& target) {
  msgpack::Writer writer;
  const bool with_priority = target.priority >= 0;
  const bool with_inputs = target.input_bytes != 0;
  const bool with_outputs = target.output_bytes != 0;
  writer.Map(1U + (with_priority ? 1U : 0U) + (with_inputs ? 1U : 0U) + (with_outputs ? 1U : 0U));
  writer.Text("model_id");
  writer.Text(target.model_id);
  if (with_priority) {
    writer.Text("priority");
    writer.Text(kPriorityNames.at(static_cast<size_t>(target.priority)));
  }
  if (with_inputs) {
    writer.Text("input_bytes");
    writer.Unsigned(target.input_bytes);
  }
  if (with_outputs) {
    writer.Text("output_bytes");
    writer.Unsigned(target.output_bytes);
  }
  return writer.bytes();
}

std::string ActivateParams(uint64_t channel_id) {
  msgpack::Writer writer;
  writer.Map(1);
  writer.Text("channel_id");
  writer.Unsigned(channel_id);
  return writer.bytes();
}

/// A text member, without NUL: it is handed out as a C text.
std::optional<std::string> ReadText(const msgpack::Value& result, std::string_view key) {
  const msgpack::Value* value = result.Find(key);
  if (value == nullptr || !value->AsText().has_value()) return std::nullopt;
  const std::string_view text = *value->AsText();
  if (text.find('\0') != std::string_view::npos) return std::nullopt;
  return std::string(text);
}

std::optional<uint64_t> ReadUnsigned(const msgpack::Value& result, std::string_view key) {
  const msgpack::Value* value = result.Find(key);
  return value == nullptr ? std::nullopt : value->AsUnsigned();
}

/// What the answer says, but for the descriptors; nullopt where something is missing.
std::optional<Attachment> ReadFacts(const msgpack::Value& result) {
  const msgpack::Value* signature = result.Find("signature");
  if (signature == nullptr) return std::nullopt;
  std::optional<Signature> specs = ReadSignature(*signature);
  std::optional<std::string> model_id = ReadText(result, "model_id");
  std::optional<std::string> version = ReadText(result, "model_version");
  std::optional<std::string> plugin_id = ReadText(result, "plugin_id");
  if (!specs || !model_id || !version || !plugin_id) return std::nullopt;
  Attachment attachment;
  attachment.signature = *std::move(specs);
  attachment.model_id = *std::move(model_id);
  attachment.model_version = *std::move(version);
  attachment.plugin_id = *std::move(plugin_id);
  return attachment;
}

}  // namespace

Result<Attachment> Attach(const AttachTarget& target, uint64_t deadline_ns) {
  auto connection = DaemonConnection::Open(target.socket_path, deadline_ns);
  if (!connection.ok()) return connection.error();
  DaemonConnection& daemon = connection.value();
  auto answer = daemon.Call("models.attach", AttachParams(target), deadline_ns);
  if (!answer.ok()) return answer.error();

  auto& [frame, result, fds] = answer.value();
  std::optional<Attachment> attachment = ReadFacts(result);
  const std::optional<uint64_t> channel_id = ReadUnsigned(result, "channel_id");
  const std::optional<uint64_t> spin_us = ReadUnsigned(result, "spin_us");
  if (!attachment || !channel_id || !spin_us || fds.size() != 4) {
    return CodedError("INVALID_FRAME",
                      "The daemon's answer to models.attach is not of the form that this "
                      "library knows.");
  }
  ClientChannel::Files files{.request_region = std::move(fds[0]),
                             .response_region = std::move(fds[1]),
                             .bell = std::move(fds[2]),
                             .socket = std::move(fds[3])};
  const uint64_t spin = target.spin_us < 0 ? *spin_us : static_cast<uint64_t>(target.spin_us);
  auto channel =
      ClientChannel::Open(std::move(files), static_cast<uint32_t>(std::min(spin, kMaxSpinUs)));
  if (!channel.ok()) return channel.error();
  attachment->channel = std::move(channel).value();
  auto activated = daemon.Call("channels.activate", ActivateParams(*channel_id), deadline_ns);
  if (!activated.ok()) return activated.error();
  return *std::move(attachment);
}

}  // namespace mlos::capi
