#ifndef MLOS_ENGINE_STATE_TENSOR_H_
#define MLOS_ENGINE_STATE_TENSOR_H_

#include <cstdint>
#include <span>

#include "engine/aligned_buffer.h"
#include "shm/tensor_view.h"

namespace mlos {

/// One state of one sequence, or of several joined, in private memory that is used again.
struct StateTensor {
  Dtype dtype = Dtype::kFloat32;
  Shape shape;
  uint64_t byte_length = 0;
  AlignedBuffer buffer;

  std::span<std::byte> Resize(Dtype of, const Shape& to, uint64_t bytes) {
    dtype = of;
    shape = to;
    byte_length = bytes;
    return buffer.Reserve(bytes);
  }
  /// As input `index` of a run.
  TensorView View(uint32_t index) const {
    return {.index = index, .dtype = dtype, .shape = shape, .data = {buffer.data(), byte_length}};
  }
};

}  // namespace mlos

#endif  // MLOS_ENGINE_STATE_TENSOR_H_
