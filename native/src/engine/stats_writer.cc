#include "engine/stats_writer.h"

namespace mlos {
namespace {

template <typename T>
void Copy(const std::atomic<T>& from, std::atomic<T>& to) {
  to.store(from.load(std::memory_order_relaxed), std::memory_order_relaxed);
}

template <typename T, size_t N>
void CopyAll(const std::atomic<T> (&from)[N], std::atomic<T> (&to)[N]) {
  for (size_t i = 0; i < N; ++i) Copy(from[i], to[i]);
}

void CopyStats(const layout::ModelStats& from, layout::ModelStats& to) {
  Copy(from.priority, to.priority);
  Copy(from.worker_count, to.worker_count);
  Copy(from.intra_op_threads, to.intra_op_threads);
  Copy(from.batch_limit, to.batch_limit);
  Copy(from.batch_verdict, to.batch_verdict);
  Copy(from.channels, to.channels);
  Copy(from.queued, to.queued);
  Copy(from.sequences, to.sequences);
  Copy(from.part_of, to.part_of);
  Copy(from.requests, to.requests);
  Copy(from.succeeded, to.succeeded);
  Copy(from.failed, to.failed);
  Copy(from.cancelled, to.cancelled);
  Copy(from.expired, to.expired);
  Copy(from.rejected, to.rejected);
  Copy(from.batches, to.batches);
  Copy(from.input_bytes, to.input_bytes);
  Copy(from.output_bytes, to.output_bytes);
  Copy(from.queue_ns, to.queue_ns);
  Copy(from.run_ns, to.run_ns);
  Copy(from.state_bytes, to.state_bytes);
  CopyAll(from.queue_times, to.queue_times);
  CopyAll(from.run_times, to.run_times);
  CopyAll(from.batch_sizes, to.batch_sizes);
  for (uint32_t i = 0; i < layout::kMaxWorkers; ++i) {
    Copy(from.workers[i].thread_id, to.workers[i].thread_id);
    Copy(from.workers[i].cpu, to.workers[i].cpu);
    Copy(from.workers[i].run_started_ns, to.workers[i].run_started_ns);
    Copy(from.workers[i].terminate_asked_ns, to.workers[i].terminate_asked_ns);
  }
}

}  // namespace

void StatsWriter::CountRefused(layout::StatusCode status) {
  switch (status) {
    case layout::kTooManyRequests:
      return Add(row_->rejected, 1);
    case layout::kDeadlineExceeded:
      return Add(row_->expired, 1);
    case layout::kCancelled:
    case layout::kClientGone:
      return Add(row_->cancelled, 1);
    default:
      return Add(row_->failed, 1);
  }
}

void StatsWriter::MoveTo(layout::ModelStats* row) {
  CopyStats(*row_, *row);
  row->handle.store(row_->handle.load(std::memory_order_relaxed), std::memory_order_release);
  row_ = row;
}

void ClearStats(layout::ModelStats& row) {
  const layout::ModelStats zeros{};
  CopyStats(zeros, row);
}

}  // namespace mlos
