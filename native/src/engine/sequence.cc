#include "engine/sequence.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <cstring>

#include "shm/layout.h"

namespace mlos {
namespace {

/// A client's id beside whose it is.
class Key {
 public:
  Key(const ModelChannel* owner, std::string_view id)
      : length_(kOwnerBytes + std::min<size_t>(id.size(), layout::kMaxSequenceIdBytes)) {
    const auto address = std::bit_cast<uintptr_t>(owner);
    std::memcpy(bytes_.data(), &address, kOwnerBytes);
    std::memcpy(bytes_.data() + kOwnerBytes, id.data(), length_ - kOwnerBytes);
  }
  std::string_view view() const { return {bytes_.data(), length_}; }

 private:
  static constexpr size_t kOwnerBytes = sizeof(uintptr_t);

  std::array<char, kOwnerBytes + layout::kMaxSequenceIdBytes> bytes_{};
  size_t length_;
};

}  // namespace

Sequence* SequenceTable::Find(const ModelChannel* owner, std::string_view id) {
  const auto found = sequences_.find(Key(owner, id).view());
  return found == sequences_.end() ? nullptr : found->second.get();
}

Sequence* SequenceTable::Create(const ModelChannel* owner, std::string_view id) {
  if (sequences_.size() >= options_.max_count) return nullptr;
  auto sequence = std::make_unique<Sequence>();
  sequence->key = Key(owner, id).view();
  sequence->table = this;
  sequence->owner = owner;
  return sequences_.emplace(sequence->key, std::move(sequence)).first->second.get();
}

void SequenceTable::Erase(Sequence& sequence) {
  Shrink(sequence.bytes, 0);
  sequences_.erase(sequences_.find(sequence.key));
}

uint64_t SequenceTable::Expire(uint64_t now_ns) {
  if (sequences_.empty()) return UINT64_MAX;
  if (now_ns < next_expiry_ns_) return next_expiry_ns_;
  next_expiry_ns_ = now_ns + idle_ns();
  ForEach([&](Sequence& sequence) {
    if (sequence.turn != nullptr) return;
    const uint64_t due = sequence.used_ns + idle_ns();
    if (due <= now_ns) {
      Erase(sequence);
    } else {
      next_expiry_ns_ = std::min(next_expiry_ns_, due);
    }
  });
  return next_expiry_ns_;
}

bool SequenceTable::Grow(uint64_t from, uint64_t to) {
  if (to <= from) return true;
  const uint64_t more = to - from;
  uint64_t now = bytes_.load(std::memory_order_relaxed);
  do {
    if (more > options_.max_bytes || now > options_.max_bytes - more) return false;
  } while (!bytes_.compare_exchange_weak(now, now + more, std::memory_order_relaxed));
  return true;
}

void SequenceTable::Shrink(uint64_t from, uint64_t to) {
  if (to < from) bytes_.fetch_sub(from - to, std::memory_order_relaxed);
}

}  // namespace mlos
