#ifndef MLOS_BASE_CHECKED_H_
#define MLOS_BASE_CHECKED_H_

#include <cstdint>
#include <optional>

namespace mlos {

/// Sums and products of numbers that a stranger chose: nothing when 64 bits do not hold the answer.

inline std::optional<uint64_t> CheckedAdd(uint64_t a, uint64_t b) {
  uint64_t out = 0;
  if (__builtin_add_overflow(a, b, &out)) return std::nullopt;
  return out;
}

inline std::optional<uint64_t> CheckedMul(uint64_t a, uint64_t b) {
  uint64_t out = 0;
  if (__builtin_mul_overflow(a, b, &out)) return std::nullopt;
  return out;
}

/// Whether [offset, offset + length) lies inside [0, size).
inline bool RangeFits(uint64_t offset, uint64_t length, uint64_t size) {
  // No sum is formed, so nothing can overflow.
  return offset <= size && length <= size - offset;
}

}  // namespace mlos

#endif  // MLOS_BASE_CHECKED_H_
