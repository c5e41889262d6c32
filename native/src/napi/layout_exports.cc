#include <initializer_list>

#include "napi/channel_mailbox.h"
#include "napi/exports.h"
#include "napi/values.h"
#include "shm/control_message.h"
#include "shm/stats_layout.h"

namespace mlos::binding {
namespace {

struct Entry {
  const char* name;
  uint64_t value;
};

Napi::Object CallFaults(Napi::Env env) {
  Napi::Object object = Napi::Object::New(env);
  object.Set("busy", ToValue(env, int{kBusy}));
  object.Set("freed", ToValue(env, int{kFreed}));
  object.Set("closed", ToValue(env, int{kChannelClosed}));
  object.Set("timeout", ToValue(env, int{kTimedOut}));
  object.Set("full", ToValue(env, int{kSlotsTaken}));
  object.Set("noRoom", ToValue(env, int{kNoRoom}));
  object.Set("invalid", ToValue(env, int{kInvalid}));
  return object;
}

Napi::Object ToObject(Napi::Env env, std::initializer_list<Entry> entries) {
  Napi::Object object = Napi::Object::New(env);
  for (const Entry& entry : entries) object.Set(entry.name, ToValue(env, entry.value));
  return object;
}

Napi::Object Mailbox(Napi::Env env) {
  return ToObject(env, {{"requestId", mailbox::kRequestId},
                        {"status", mailbox::kStatus},
                        {"outputWords", mailbox::kOutputWords},
                        {"outputCount", mailbox::kOutputCount},
                        {"releaseOffset", mailbox::kReleaseOffset},
                        {"queueNs", mailbox::kQueueNs},
                        {"runNs", mailbox::kRunNs},
                        {"batch", mailbox::kBatch},
                        {"releaseCount", mailbox::kReleaseCount},
                        {"releases", mailbox::kReleases},
                        {"maxReleases", mailbox::kMaxReleases},
                        {"body", mailbox::kBody}});
}

/// Names as in ts/protocol/error-codes.ts, but for OK and CLIENT_GONE, which no caller ever sees.
Napi::Object StatusCodes(Napi::Env env) {
  return ToObject(env, {{"OK", layout::kOk},
                        {"INVALID_ARGUMENT", layout::kInvalidArgument},
                        {"MISSING_INPUT", layout::kMissingInput},
                        {"UNKNOWN_INPUT", layout::kUnknownInput},
                        {"INVALID_DTYPE", layout::kInvalidDtype},
                        {"INVALID_SHAPE", layout::kInvalidShape},
                        {"INVALID_VALUE", layout::kInvalidValue},
                        {"TOO_MANY_REQUESTS", layout::kTooManyRequests},
                        {"CANCELLED", layout::kCancelled},
                        {"DEADLINE_EXCEEDED", layout::kDeadlineExceeded},
                        {"INFERENCE_FAILED", layout::kInferenceFailed},
                        {"INTERNAL", layout::kInternal},
                        {"PLUGIN_CRASHED", layout::kPluginCrashed},
                        {"PLUGIN_UNAVAILABLE", layout::kPluginUnavailable},
                        {"MODEL_NOT_FOUND", layout::kModelNotFound},
                        {"PAYLOAD_TOO_LARGE", layout::kPayloadTooLarge},
                        {"SHUTTING_DOWN", layout::kShuttingDown},
                        {"UNIMPLEMENTED", layout::kUnimplemented},
                        {"INVALID_FRAME", layout::kInvalidFrame},
                        {"CLIENT_GONE", layout::kClientGone},
                        {"PERMISSION_DENIED", layout::kPermissionDenied},
                        {"FAILED_PRECONDITION", layout::kFailedPrecondition}});
}

Napi::Object Bounds(Napi::Env env) {
  return ToObject(env, {{"version", layout::kVersion},
                        {"ringEntries", layout::kRingEntries},
                        {"slots", layout::kSlots},
                        {"maxHeldResults", layout::kMaxHeldResults},
                        {"maxTensors", layout::kMaxTensors},
                        {"maxRank", layout::kMaxRank},
                        {"blockAlignment", layout::kBlockAlignment},
                        {"maxErrorBytes", layout::kMaxErrorBytes},
                        {"minArenaBytes", layout::kMinArenaBytes},
                        {"maxArenaBytes", layout::kMaxArenaBytes},
                        {"maxModels", layout::kMaxModels},
                        {"maxWorkers", layout::kMaxWorkers},
                        {"timeBuckets", layout::kTimeBuckets},
                        {"batchBuckets", layout::kBatchBuckets},
                        {"requestDescriptorBytes", sizeof(layout::RequestDescriptor)},
                        {"sequenceDescriptorBytes", sizeof(layout::SequenceDescriptor)},
                        {"maxSequenceIdBytes", layout::kMaxSequenceIdBytes},
                        {"resultDescriptorBytes", sizeof(layout::ResultDescriptor)},
                        {"tensorDescriptorBytes", sizeof(layout::TensorDescriptor)},
                        {"requestArenaOffset", layout::kRequestArenaOffset},
                        {"responseArenaOffset", layout::kResponseArenaOffset}});
}

Napi::Object Priorities(Napi::Env env) {
  return ToObject(env, {{"realtime", layout::kRealtime},
                        {"high", layout::kHigh},
                        {"normal", layout::kNormal},
                        {"batch", layout::kBatch}});
}

Napi::Object SequenceFlags(Napi::Env env) {
  return ToObject(env, {{"start", layout::kSequenceStart}, {"end", layout::kSequenceEnd}});
}

Napi::Object BatchVerdicts(Napi::Env env) {
  return ToObject(env, {{"off", layout::kBatchOff},
                        {"fixed", layout::kBatchFixed},
                        {"pending", layout::kBatchPending},
                        {"gains", layout::kBatchGains},
                        {"no gain", layout::kBatchNoGain},
                        {"unfit", layout::kBatchUnfit}});
}

Napi::Object ControlKinds(Napi::Env env) {
  return ToObject(env, {{"startEngine", layout::kStartEngine},
                        {"openChannel", layout::kOpenChannel},
                        {"activateChannel", layout::kActivateChannel},
                        {"closeChannel", layout::kCloseChannel},
                        {"channelGone", layout::kChannelGone}});
}

Napi::Object ControlMessageFields(Napi::Env env) {
  using layout::ControlMessage;
  return ToObject(env, {{"byteLength", sizeof(ControlMessage)},
                        {"replyBit", layout::kReply},
                        {"sharesSequences", layout::kSharesSequences},
                        {"kind", offsetof(ControlMessage, kind)},
                        {"sequence", offsetof(ControlMessage, sequence)},
                        {"channelId", offsetof(ControlMessage, channel_id)},
                        {"argument", offsetof(ControlMessage, argument)},
                        {"argument2", offsetof(ControlMessage, argument2)},
                        {"status", offsetof(ControlMessage, status)},
                        {"textLength", offsetof(ControlMessage, text_length)},
                        {"text", offsetof(ControlMessage, text)},
                        {"textBytes", sizeof(ControlMessage::text)}});
}

// Of standard layout in fact: every field is a lock-free atomic of its number's size (layout.h).
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Winvalid-offsetof"

Napi::Object RegionHeaderFields(Napi::Env env) {
  using layout::RegionHeader;
  return ToObject(env, {{"magic", offsetof(RegionHeader, magic)},
                        {"version", offsetof(RegionHeader, version)},
                        {"kind", offsetof(RegionHeader, kind)},
                        {"regionBytes", offsetof(RegionHeader, byte_length)},
                        {"statsKind", layout::kKindStats}});
}

Napi::Object StatsPageFields(Napi::Env env) {
  using layout::StatsPage;
  return ToObject(env, {{"byteLength", sizeof(StatsPage)},
                        {"startedNs", offsetof(StatsPage, started_ns)},
                        {"models", offsetof(StatsPage, models)}});
}

Napi::Object ModelStatsFields(Napi::Env env) {
  using layout::ModelStats;
  return ToObject(env, {{"byteLength", sizeof(ModelStats)},
                        {"handle", offsetof(ModelStats, handle)},
                        {"priority", offsetof(ModelStats, priority)},
                        {"workerCount", offsetof(ModelStats, worker_count)},
                        {"intraOpThreads", offsetof(ModelStats, intra_op_threads)},
                        {"batchLimit", offsetof(ModelStats, batch_limit)},
                        {"batchVerdict", offsetof(ModelStats, batch_verdict)},
                        {"channels", offsetof(ModelStats, channels)},
                        {"queued", offsetof(ModelStats, queued)},
                        {"sequences", offsetof(ModelStats, sequences)},
                        {"requests", offsetof(ModelStats, requests)},
                        {"succeeded", offsetof(ModelStats, succeeded)},
                        {"failed", offsetof(ModelStats, failed)},
                        {"cancelled", offsetof(ModelStats, cancelled)},
                        {"expired", offsetof(ModelStats, expired)},
                        {"rejected", offsetof(ModelStats, rejected)},
                        {"batches", offsetof(ModelStats, batches)},
                        {"inputBytes", offsetof(ModelStats, input_bytes)},
                        {"outputBytes", offsetof(ModelStats, output_bytes)},
                        {"queueNs", offsetof(ModelStats, queue_ns)},
                        {"runNs", offsetof(ModelStats, run_ns)},
                        {"stateBytes", offsetof(ModelStats, state_bytes)},
                        {"partOf", offsetof(ModelStats, part_of)},
                        {"queueTimes", offsetof(ModelStats, queue_times)},
                        {"runTimes", offsetof(ModelStats, run_times)},
                        {"batchSizes", offsetof(ModelStats, batch_sizes)},
                        {"workers", offsetof(ModelStats, workers)}});
}

Napi::Object WorkerStatsFields(Napi::Env env) {
  using layout::WorkerStats;
  return ToObject(env, {{"byteLength", sizeof(WorkerStats)},
                        {"threadId", offsetof(WorkerStats, thread_id)},
                        {"cpu", offsetof(WorkerStats, cpu)},
                        {"runStartedNs", offsetof(WorkerStats, run_started_ns)},
                        {"terminateAskedNs", offsetof(WorkerStats, terminate_asked_ns)}});
}

#pragma GCC diagnostic pop

/// channelLayout() -> every number of layout.h that TypeScript needs
Napi::Value ChannelLayout(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  Napi::Object object = Napi::Object::New(env);
  object.Set("bounds", Bounds(env));
  object.Set("status", StatusCodes(env));
  object.Set("priorities", Priorities(env));
  object.Set("sequenceFlags", SequenceFlags(env));
  object.Set("batchVerdicts", BatchVerdicts(env));
  object.Set("controlKinds", ControlKinds(env));
  object.Set("controlMessage", ControlMessageFields(env));
  object.Set("regionHeader", RegionHeaderFields(env));
  object.Set("statsPage", StatsPageFields(env));
  object.Set("modelStats", ModelStatsFields(env));
  object.Set("workerStats", WorkerStatsFields(env));
  object.Set("mailbox", Mailbox(env));
  object.Set("callFaults", CallFaults(env));
  object.Set("magic", Napi::BigInt::New(env, layout::kMagic));
  return object;
}

}  // namespace

void ExportLayout(Napi::Env env, Napi::Object exports) {
  ExportFunction<ChannelLayout>(env, exports, "channelLayout");
}

}  // namespace mlos::binding
