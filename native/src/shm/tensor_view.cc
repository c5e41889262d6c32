#include "shm/tensor_view.h"

namespace mlos {

std::optional<uint32_t> ElementBytes(uint16_t dtype) {
  switch (static_cast<Dtype>(dtype)) {
    case Dtype::kString:
      return 0;
    case Dtype::kUint8:
    case Dtype::kInt8:
    case Dtype::kBool:
      return 1;
    case Dtype::kUint16:
    case Dtype::kInt16:
    case Dtype::kFloat16:
    case Dtype::kBfloat16:
      return 2;
    case Dtype::kFloat32:
    case Dtype::kInt32:
    case Dtype::kUint32:
      return 4;
    case Dtype::kInt64:
    case Dtype::kFloat64:
    case Dtype::kUint64:
      return 8;
  }
  return std::nullopt;
}

std::optional<uint64_t> ElementCount(const Shape& shape) {
  constexpr uint64_t kMost = uint64_t{1} << 40;
  uint64_t count = 1;
  bool empty = false;
  for (const int64_t dim : shape.span()) {
    if (dim < 0) return std::nullopt;
    const auto size = static_cast<uint64_t>(dim);
    // A dimension of 0 does not excuse the others: whoever multiplies only those must not overflow.
    if (size == 0) {
      empty = true;
    } else if (count > kMost / size) {
      return std::nullopt;
    } else {
      count *= size;
    }
  }
  return empty ? 0 : count;
}

}  // namespace mlos
