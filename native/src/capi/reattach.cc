#include <algorithm>
#include <chrono>
#include <thread>
#include <utility>

#include "base/clock.h"
#include "capi/error_codes.h"
#include "capi/model.h"

namespace mlos::capi {
namespace {

constexpr auto kFirstPause = std::chrono::milliseconds(10);
constexpr auto kLongestPause = std::chrono::milliseconds(640);

/// What passes by itself while the daemon starts the plugin again.
bool Passes(const Error& error) {
  const mlos_status status = StatusOfError(error);
  return status == MLOS_PLUGIN_CRASHED || status == MLOS_PLUGIN_UNAVAILABLE ||
         status == MLOS_TOO_MANY_REQUESTS;
}

}  // namespace

bool Model::MayReattach() const {
  if (!options_.reattach || closed_) return false;
  const layout::StatusCode code = channel_->close_code();
  return code == layout::kPluginCrashed || code == layout::kPluginUnavailable;
}

mlos_status Model::Reattach(uint64_t deadline_ns) {
  const uint64_t last_ns = ReattachDeadline(deadline_ns);
  for (auto pause = kFirstPause;; pause = std::min(2 * pause, kLongestPause)) {
    auto attachment = Attach(options_.target, last_ns);
    if (attachment.ok()) {
      Status adopted = Adopt(std::move(attachment).value());
      return adopted.ok() ? MLOS_OK : Fail(adopted.error());
    }
    const auto pause_ns =
        static_cast<uint64_t>(std::chrono::duration_cast<std::chrono::nanoseconds>(pause).count());
    if (!Passes(attachment.error()) || MonotonicNanos() + pause_ns >= last_ns) {
      return Fail(attachment.error());
    }
    std::this_thread::sleep_for(pause);
  }
}

Status Model::Adopt(Attachment attachment) {
  if (attachment.signature != attachment_.signature) {
    return CodedError("FAILED_PRECONDITION",
                      "The model \"" + attachment.model_id +
                          "\" has other inputs or outputs than before; attach anew.");
  }
  channel_ = std::move(attachment.channel);
  attachment_.model_version = std::move(attachment.model_version);
  ++reattach_count_;
  return {};
}

}  // namespace mlos::capi
