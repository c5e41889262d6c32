#ifndef MLOS_ENGINE_ALIGNED_BUFFER_H_
#define MLOS_ENGINE_ALIGNED_BUFFER_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <span>

#include "shm/layout.h"

namespace mlos {

/// Rounds up to layout::kBlockAlignment; for lengths that fit a region.
constexpr uint64_t AlignBlock(uint64_t byte_length) {
  return (byte_length + layout::kBlockAlignment - 1) / layout::kBlockAlignment *
         layout::kBlockAlignment;
}

/// Private memory aligned like a block of an arena, kept from run to run.
class AlignedBuffer {
 public:
  /// Memory that a worker keeps per tensor between runs.
  static constexpr uint64_t kKeptBytes = uint64_t{16} << 20;

  /// At least `byte_length` bytes, never a null pointer; what was there is lost when it grows.
  /// Throws std::bad_alloc.
  std::span<std::byte> Reserve(uint64_t byte_length) {
    if (byte_length > capacity_ || bytes_ == nullptr) {
      bytes_.reset();
      capacity_ = AlignBlock(byte_length + byte_length / 4 + 1);
      bytes_.reset(static_cast<std::byte*>(
          ::operator new (capacity_, std::align_val_t{layout::kBlockAlignment})));
    }
    return {bytes_.get(), byte_length};
  }
  /// Gives memory back that a rare large request has left.
  void Trim(uint64_t keep_bytes) {
    if (capacity_ <= keep_bytes) return;
    bytes_.reset();
    capacity_ = 0;
  }
  std::byte* data() const { return bytes_.get(); }

 private:
  struct Delete {
    void operator()(std::byte* bytes) const {
      ::operator delete (bytes, std::align_val_t{layout::kBlockAlignment});
    }
  };
  std::unique_ptr<std::byte, Delete> bytes_;
  uint64_t capacity_ = 0;
};

}  // namespace mlos

#endif  // MLOS_ENGINE_ALIGNED_BUFFER_H_
