#ifndef MLOS_SHM_STATS_LAYOUT_H_
#define MLOS_SHM_STATS_LAYOUT_H_

#include "shm/layout.h"

namespace mlos::layout {

/// The stats page of an engine: what the host writes and the daemon reads. The rest of what is
/// shared stands in layout.h.

/// Models that one engine can hold at once.
inline constexpr uint32_t kMaxModels = 256;
inline constexpr uint32_t kMaxWorkers = 16;
/// Upper bounds of time buckets in microseconds: 1, 2, 5, 10 ... 50,000,000; the last is open.
inline constexpr uint32_t kTimeBuckets = 25;
/// Batch sizes 1, 2, 3-4, 5-8 … 513-1024 and more.
inline constexpr uint32_t kBatchBuckets = 12;

struct WorkerStats {
  std::atomic<uint32_t> thread_id;  // 0: no such worker
  std::atomic<uint32_t> cpu;        // that the last batch ended on
  // On CLOCK_MONOTONIC: when the run under way began (0: idle), when it was asked to end (0:
  // never).
  std::atomic<uint64_t> run_started_ns;
  std::atomic<uint64_t> terminate_asked_ns;
};
static_assert(sizeof(WorkerStats) == 24);

/// Counters only grow; gauges are what holds now. One writer (the host), readers are not in step.
struct alignas(kCacheLine) ModelStats {
  /// The model's handle; 0: the row is free.
  std::atomic<uint32_t> handle;
  std::atomic<uint32_t> priority;
  std::atomic<uint32_t> worker_count;
  std::atomic<uint32_t> intra_op_threads;
  /// The largest batch in use; 1: batching is off.
  std::atomic<uint32_t> batch_limit;
  /// BatchVerdict.
  std::atomic<uint32_t> batch_verdict;
  std::atomic<uint32_t> channels;
  std::atomic<uint32_t> queued;
  /// Sequences that have a state, or requests.
  std::atomic<uint32_t> sequences;
  /// The handle of the model that this is a part of: its weights once more, or a session beside it.
  /// 0: a model for itself.
  std::atomic<uint32_t> part_of;
  std::atomic<uint64_t> requests;
  std::atomic<uint64_t> succeeded;
  std::atomic<uint64_t> failed;
  std::atomic<uint64_t> cancelled;
  std::atomic<uint64_t> expired;
  /// Refused by back-pressure.
  std::atomic<uint64_t> rejected;
  std::atomic<uint64_t> batches;
  std::atomic<uint64_t> input_bytes;
  std::atomic<uint64_t> output_bytes;
  std::atomic<uint64_t> queue_ns;
  std::atomic<uint64_t> run_ns;
  /// Of the states of all sequences.
  std::atomic<uint64_t> state_bytes;
  std::atomic<uint64_t> queue_times[kTimeBuckets];
  std::atomic<uint64_t> run_times[kTimeBuckets];
  std::atomic<uint64_t> batch_sizes[kBatchBuckets];
  WorkerStats workers[kMaxWorkers];
};

enum BatchVerdict : uint32_t {
  kBatchOff = 0,
  kBatchFixed = 1,  // the caller named the size
  /// Auto: not measured yet.
  kBatchPending = 2,
  kBatchGains = 3,
  kBatchNoGain = 4,
  /// Auto or fixed: the model's answers change when requests are joined, or its shapes forbid it.
  kBatchUnfit = 5,
};

struct StatsPage {
  RegionHeader header{};
  std::atomic<uint64_t> started_ns;
  alignas(kCacheLine) ModelStats models[kMaxModels];
};

}  // namespace mlos::layout

#endif  // MLOS_SHM_STATS_LAYOUT_H_
