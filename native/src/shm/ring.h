#ifndef MLOS_SHM_RING_H_
#define MLOS_SHM_RING_H_

#include <atomic>
#include <cstdint>

#include "shm/copy_in.h"
#include "shm/layout.h"

namespace mlos {

/// The two ends of a ring of layout::kRingEntries entries: one writer, one reader, in two processes
/// that do not trust each other. Each end keeps its own index in private memory and publishes it;
/// the other side's index is checked against it.

/// One thread at a time.
template <typename Entry>
class RingWriter {
 public:
  RingWriter(Entry* entries, std::atomic<uint32_t>& tail, const std::atomic<uint32_t>& head)
      : entries_(entries), shared_tail_(tail), shared_head_(head) {}

  /// False when the ring is full, or the reader's index makes no sense.
  bool Push(const Entry& entry) {
    if (tail_ - head_seen_ >= layout::kRingEntries && !LookAtHead()) return false;
    entries_[tail_ & (layout::kRingEntries - 1)] = entry;
    // Partner: the acquire load in RingReader::Next(). seq_cst for the sleep protocol (sleep.h,
    // W1).
    shared_tail_.store(++tail_, std::memory_order_seq_cst);
    return true;
  }

 private:
  bool LookAtHead() {
    // Partner: the release store in RingReader::Next(): an entry is overwritten after it was
    // copied.
    const uint32_t head = shared_head_.load(std::memory_order_acquire);
    if (head - head_seen_ > tail_ - head_seen_) return false;
    head_seen_ = head;
    return tail_ - head_seen_ < layout::kRingEntries;
  }

  Entry* const entries_;
  std::atomic<uint32_t>& shared_tail_;
  const std::atomic<uint32_t>& shared_head_;
  uint32_t tail_ = 0;
  uint32_t head_seen_ = 0;
};

/// One thread at a time, but for HasNext().
template <typename Entry>
class RingReader {
 public:
  enum class Found { kNothing, kEntry, kNonsense };

  RingReader(const Entry* entries, const std::atomic<uint32_t>& tail, std::atomic<uint32_t>& head)
      : entries_(entries), shared_tail_(tail), shared_head_(head) {}

  /// Whether Next() has something to say. Any thread.
  bool HasNext() const {
    // seq_cst for the sleep protocol (sleep.h, S3).
    return shared_tail_.load(std::memory_order_seq_cst) != head_.load(std::memory_order_relaxed);
  }

  /// Copies the next entry out. kNonsense: the writer claims more than a ring holds.
  Found Next(Entry& entry) {
    const uint32_t head = head_.load(std::memory_order_relaxed);
    if (head == tail_seen_) {
      // Partner: the store in RingWriter::Push().
      const uint32_t tail = shared_tail_.load(std::memory_order_acquire);
      if (tail == head) return Found::kNothing;
      if (tail - head > layout::kRingEntries) return Found::kNonsense;
      tail_seen_ = tail;
    }
    CopyIn(&entry, &entries_[head & (layout::kRingEntries - 1)], sizeof entry);
    head_.store(head + 1, std::memory_order_relaxed);
    // Partner: the load in RingWriter::LookAtHead().
    shared_head_.store(head + 1, std::memory_order_release);
    return Found::kEntry;
  }

 private:
  const Entry* const entries_;
  const std::atomic<uint32_t>& shared_tail_;
  std::atomic<uint32_t>& shared_head_;
  std::atomic<uint32_t> head_{0};  // written by Next() alone
  uint32_t tail_seen_ = 0;
};

}  // namespace mlos

#endif  // MLOS_SHM_RING_H_
