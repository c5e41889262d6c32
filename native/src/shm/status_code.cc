#include "shm/status_code.h"

#include <algorithm>
#include <array>

namespace mlos {
namespace {

/// At the place of its number; the static_assert below holds the two lists together.
constexpr std::array<std::string_view, 22> kNames = {
    "OK",
    "INVALID_ARGUMENT",
    "MISSING_INPUT",
    "UNKNOWN_INPUT",
    "INVALID_DTYPE",
    "INVALID_SHAPE",
    "INVALID_VALUE",
    "TOO_MANY_REQUESTS",
    "CANCELLED",
    "DEADLINE_EXCEEDED",
    "INFERENCE_FAILED",
    "INTERNAL",
    "PLUGIN_CRASHED",
    "PLUGIN_UNAVAILABLE",
    "MODEL_NOT_FOUND",
    "PAYLOAD_TOO_LARGE",
    "SHUTTING_DOWN",
    "UNIMPLEMENTED",
    "INVALID_FRAME",
    "CLIENT_GONE",
    "PERMISSION_DENIED",
    "FAILED_PRECONDITION",
};
static_assert(kNames[layout::kFailedPrecondition] == "FAILED_PRECONDITION");
static_assert(kNames[layout::kInternal] == "INTERNAL");
static_assert(kNames.size() == layout::kFailedPrecondition + 1);

}  // namespace

std::string_view StatusName(layout::StatusCode status) {
  return IsStatus(status) ? kNames[status] : kNames[layout::kInternal];
}

layout::StatusCode StatusOfName(std::string_view name) {
  const auto* found = std::find(kNames.begin(), kNames.end(), name);
  if (found == kNames.end()) return layout::kInternal;
  return static_cast<layout::StatusCode>(found - kNames.begin());
}

bool IsStatus(uint32_t number) { return number < kNames.size(); }

}  // namespace mlos
