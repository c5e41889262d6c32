#include "capi/error_codes.h"

#include <cerrno>

#include <algorithm>
#include <array>
#include <utility>

#include "shm/layout.h"
#include "shm/status_code.h"
#include "shm/tensor_view.h"

namespace mlos::capi {
namespace {

// The numbers that travel through shared memory and those of mlos.h are the same.
static_assert(static_cast<int>(MLOS_OK) == layout::kOk);
static_assert(static_cast<int>(MLOS_INVALID_ARGUMENT) == layout::kInvalidArgument);
static_assert(static_cast<int>(MLOS_MISSING_INPUT) == layout::kMissingInput);
static_assert(static_cast<int>(MLOS_UNKNOWN_INPUT) == layout::kUnknownInput);
static_assert(static_cast<int>(MLOS_INVALID_DTYPE) == layout::kInvalidDtype);
static_assert(static_cast<int>(MLOS_INVALID_SHAPE) == layout::kInvalidShape);
static_assert(static_cast<int>(MLOS_INVALID_VALUE) == layout::kInvalidValue);
static_assert(static_cast<int>(MLOS_TOO_MANY_REQUESTS) == layout::kTooManyRequests);
static_assert(static_cast<int>(MLOS_CANCELLED) == layout::kCancelled);
static_assert(static_cast<int>(MLOS_DEADLINE_EXCEEDED) == layout::kDeadlineExceeded);
static_assert(static_cast<int>(MLOS_INFERENCE_FAILED) == layout::kInferenceFailed);
static_assert(static_cast<int>(MLOS_INTERNAL) == layout::kInternal);
static_assert(static_cast<int>(MLOS_PLUGIN_CRASHED) == layout::kPluginCrashed);
static_assert(static_cast<int>(MLOS_PLUGIN_UNAVAILABLE) == layout::kPluginUnavailable);
static_assert(static_cast<int>(MLOS_MODEL_NOT_FOUND) == layout::kModelNotFound);
static_assert(static_cast<int>(MLOS_PAYLOAD_TOO_LARGE) == layout::kPayloadTooLarge);
static_assert(static_cast<int>(MLOS_SHUTTING_DOWN) == layout::kShuttingDown);
static_assert(static_cast<int>(MLOS_UNIMPLEMENTED) == layout::kUnimplemented);
static_assert(static_cast<int>(MLOS_INVALID_FRAME) == layout::kInvalidFrame);
static_assert(static_cast<int>(MLOS_CLIENT_GONE) == layout::kClientGone);
static_assert(static_cast<int>(MLOS_PERMISSION_DENIED) == layout::kPermissionDenied);

template <typename A>
constexpr bool SameDtype(A ours, Dtype core) {
  return static_cast<int>(ours) == static_cast<int>(core);
}
static_assert(SameDtype(MLOS_FLOAT32, Dtype::kFloat32) && SameDtype(MLOS_UINT8, Dtype::kUint8));
static_assert(SameDtype(MLOS_INT8, Dtype::kInt8) && SameDtype(MLOS_UINT16, Dtype::kUint16));
static_assert(SameDtype(MLOS_INT16, Dtype::kInt16) && SameDtype(MLOS_INT32, Dtype::kInt32));
static_assert(SameDtype(MLOS_INT64, Dtype::kInt64) && SameDtype(MLOS_STRING, Dtype::kString));
static_assert(SameDtype(MLOS_BOOL, Dtype::kBool) && SameDtype(MLOS_FLOAT16, Dtype::kFloat16));
static_assert(SameDtype(MLOS_FLOAT64, Dtype::kFloat64) && SameDtype(MLOS_UINT32, Dtype::kUint32));
static_assert(SameDtype(MLOS_UINT64, Dtype::kUint64));
static_assert(SameDtype(MLOS_BFLOAT16, Dtype::kBfloat16));

static_assert(MLOS_MAX_RANK == layout::kMaxRank && MLOS_MAX_TENSORS == layout::kMaxTensors);
static_assert(MLOS_MAX_IN_FLIGHT == layout::kSlots);
// python/mlos reads it field by field.
static_assert(sizeof(mlos_tensor) == 24 + 8 * MLOS_MAX_RANK);
static_assert(static_cast<int>(MLOS_REALTIME) == layout::kRealtime);
static_assert(static_cast<int>(MLOS_BATCH) == layout::kBatch);

/// Codes whose numbers do not travel through shared memory, at their number minus 100.
constexpr std::array<const char*, 19> kAttachNames = {
    "FAILED_PRECONDITION", "INVALID_MODEL_ID",       "NO_PLUGIN_FOR_FORMAT", "MODEL_LOAD_FAILED",
    "DATA_CORRUPTED",      "STORAGE_FULL",           "UNKNOWN_METHOD",       "PLUGIN_NOT_FOUND",
    "ALREADY_EXISTS",      "INVALID_MANIFEST",       "INVALID_JSON",         "FORBIDDEN_ORIGIN",
    "METHOD_NOT_ALLOWED",  "UNSUPPORTED_MEDIA_TYPE", "HEADERS_TOO_LARGE",    "SIGNATURE_INVALID",
    "MISSING_DEPENDENCY",  "MODEL_LOADING",          "SOURCE_UNAVAILABLE",
};
static_assert(MLOS_FAILED_PRECONDITION == 100);
static_assert(MLOS_SEQUENCE_START == layout::kSequenceStart);
static_assert(MLOS_SEQUENCE_END == layout::kSequenceEnd);
static_assert(MLOS_SOURCE_UNAVAILABLE == MLOS_FAILED_PRECONDITION + kAttachNames.size() - 1);

mlos_status StatusOfErrno(int error_number) {
  switch (error_number) {
    case ENOENT:
    case ECONNREFUSED:
    case ECONNRESET:
    case EPIPE:
      return MLOS_FAILED_PRECONDITION;
    case EACCES:
    case EPERM:
      return MLOS_PERMISSION_DENIED;
    case ENOMEM:
    case ENOSPC:
      return MLOS_STORAGE_FULL;
    case ETIMEDOUT:
      return MLOS_DEADLINE_EXCEEDED;
    default:
      return MLOS_INTERNAL;
  }
}

// Of the thread: the C API has no other place that a failed mlos_attach() could leave a text in.
thread_local std::string last_error;

}  // namespace

mlos_status StatusOfCode(std::string_view code) {
  const auto* found = std::find(kAttachNames.begin(), kAttachNames.end(), code);
  if (found != kAttachNames.end()) {
    return static_cast<mlos_status>(MLOS_FAILED_PRECONDITION + (found - kAttachNames.begin()));
  }
  return static_cast<mlos_status>(StatusOfName(code));
}

mlos_status StatusOfError(const Error& error) {
  if (error.error_number != 0) return StatusOfErrno(error.error_number);
  return StatusOfCode(error.code);
}

const char* NameOfStatus(mlos_status status) {
  const auto number = static_cast<uint32_t>(status);
  const uint32_t place = number - MLOS_FAILED_PRECONDITION;
  if (place < kAttachNames.size()) return kAttachNames[place];
  // The names are literals, so that each ends with a NUL.
  return StatusName(static_cast<layout::StatusCode>(number)).data();
}

mlos_status Fail(mlos_status status, std::string_view message) {
  last_error.assign(message);
  return status;
}

mlos_status Fail(const Error& error) { return Fail(StatusOfError(error), error.message); }

const char* LastError() { return last_error.c_str(); }

}  // namespace mlos::capi
