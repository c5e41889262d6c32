#ifndef MLOS_ENGINE_STATS_WRITER_H_
#define MLOS_ENGINE_STATS_WRITER_H_

#include <cstdint>

#include "engine/time_buckets.h"
#include "shm/stats_layout.h"

namespace mlos {

/// Writes one model's row of the stats page.
///
/// Whoever calls holds the model's lock, so each counter has one writer at a time and is raised by
/// a load and a store: no locked instruction. Readers are other processes, which see each number
/// whole but not all of them from one moment. Exceptions to the lock are marked.
class StatsWriter {
 public:
  explicit StatsWriter(layout::ModelStats* row) : row_(row) {}

  void CountTaken(uint64_t input_bytes) {
    Add(row_->requests, 1);
    Add(row_->input_bytes, input_bytes);
  }
  /// Of a request that is answered with anything but success.
  void CountRefused(layout::StatusCode status);
  void CountSucceeded(uint64_t output_bytes) {
    Add(row_->succeeded, 1);
    Add(row_->output_bytes, output_bytes);
  }
  void CountQueued(uint64_t queue_ns) {
    Add(row_->queue_ns, queue_ns);
    Add(row_->queue_times[TimeBucket(queue_ns)], 1);
  }
  void CountRun(uint64_t requests, uint64_t run_ns) {
    Add(row_->batches, 1);
    Add(row_->run_ns, run_ns);
    Add(row_->run_times[TimeBucket(run_ns)], 1);
    Add(row_->batch_sizes[BatchBucket(requests)], 1);
  }
  void SetQueued(uint32_t waiting) { Set(row_->queued, waiting); }
  void SetSequences(uint32_t sequences, uint64_t state_bytes) {
    Set(row_->sequences, sequences);
    Set(row_->state_bytes, state_bytes);
  }
  void SetChannels(uint32_t channels) { Set(row_->channels, channels); }
  void SetBatch(layout::BatchVerdict verdict, uint32_t limit) {
    Set(row_->batch_verdict, static_cast<uint32_t>(verdict));
    Set(row_->batch_limit, limit);
  }
  void Describe(layout::Priority priority, uint32_t workers, uint32_t intra_op_threads,
                uint32_t part_of) {
    Set(row_->part_of, part_of);
    Set(row_->priority, static_cast<uint32_t>(priority));
    Set(row_->worker_count, workers);
    Set(row_->intra_op_threads, intra_op_threads);
  }
  /// Last of all when the row is filled in, 0 first of all when it is freed.
  void SetHandle(uint32_t handle) { row_->handle.store(handle, std::memory_order_release); }

  void SetThread(uint32_t worker, uint32_t thread_id) {
    Set(row_->workers[worker].thread_id, thread_id);
  }
  void BeginRun(uint32_t worker, uint64_t now_ns) {
    Set(row_->workers[worker].terminate_asked_ns, uint64_t{0});
    Set(row_->workers[worker].run_started_ns, now_ns);
  }
  void AskTerminate(uint32_t worker, uint64_t now_ns) {
    Set(row_->workers[worker].terminate_asked_ns, now_ns);
  }
  void EndRun(uint32_t worker, uint32_t cpu) {
    Set(row_->workers[worker].run_started_ns, uint64_t{0});
    Set(row_->workers[worker].terminate_asked_ns, uint64_t{0});
    Set(row_->workers[worker].cpu, cpu);
  }

  /// Carries everything over to another row and writes there from now on.
  void MoveTo(layout::ModelStats* row);

 private:
  static void Add(std::atomic<uint64_t>& counter, uint64_t amount) {
    counter.store(counter.load(std::memory_order_relaxed) + amount, std::memory_order_relaxed);
  }
  template <typename T>
  static void Set(std::atomic<T>& gauge, T value) {
    gauge.store(value, std::memory_order_relaxed);
  }

  layout::ModelStats* row_;
};

/// Zeros a row that is given to a model, but for its handle.
void ClearStats(layout::ModelStats& row);

}  // namespace mlos

#endif  // MLOS_ENGINE_STATS_WRITER_H_
