#ifndef MLOS_SHM_TENSOR_VIEW_H_
#define MLOS_SHM_TENSOR_VIEW_H_

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "shm/layout.h"

namespace mlos {

/// Element types; the numbers are ONNX's, as in ts/protocol/dtype.ts.
enum class Dtype : uint16_t {
  kFloat32 = 1,
  kUint8 = 2,
  kInt8 = 3,
  kUint16 = 4,
  kInt16 = 5,
  kInt32 = 6,
  kInt64 = 7,
  kString = 8,
  kBool = 9,
  kFloat16 = 10,
  kFloat64 = 11,
  kUint32 = 12,
  kUint64 = 13,
  kBfloat16 = 16,
};

/// Bytes of one element; 0 for strings; nullopt for a number that is no dtype of ours.
std::optional<uint32_t> ElementBytes(uint16_t dtype);

/// Dimensions of a tensor, row-major.
struct Shape {
  uint32_t rank = 0;
  std::array<int64_t, layout::kMaxRank> dims{};

  std::span<const int64_t> span() const { return {dims.data(), rank}; }
  friend bool operator==(const Shape& a, const Shape& b) {
    return a.rank == b.rank && std::equal(a.dims.begin(), a.dims.begin() + a.rank, b.dims.begin());
  }
};

/// Product of the dimensions; nullopt when one is negative or the product of those that are not 0
/// is more than 2^40.
std::optional<uint64_t> ElementCount(const Shape& shape);

/// A tensor whose description has been checked. `data` may lie in memory that another process
/// writes: read each element at most once where its value decides anything.
struct TensorView {
  /// Position in the signature.
  uint32_t index = 0;
  Dtype dtype = Dtype::kFloat32;
  Shape shape;
  std::span<const std::byte> data;
};

/// Bytes of a descriptor (of a request or an answer) with `tensors` tensors.
constexpr uint64_t DescriptorBytes(uint32_t tensors) {
  return sizeof(layout::RequestDescriptor) + tensors * sizeof(layout::TensorDescriptor);
}
static_assert(sizeof(layout::RequestDescriptor) == sizeof(layout::ResultDescriptor));

/// The same of a request that belongs to a sequence.
constexpr uint64_t SequenceRequestBytes(uint32_t tensors) {
  return DescriptorBytes(tensors) + sizeof(layout::SequenceDescriptor);
}

}  // namespace mlos

#endif  // MLOS_SHM_TENSOR_VIEW_H_
