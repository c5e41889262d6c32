#ifndef MLOS_ORT_TENSORS_H_
#define MLOS_ORT_TENSORS_H_

#include <array>
#include <cstddef>

#include "base/result.h"
#include "ort/library.h"
#include "shm/tensor_view.h"

namespace mlos {

/// One input or output as the runtime sees it: tensors over memory of the arena, without a copy.
/// A few are kept, because a client uses its blocks again and making a tensor costs more than
/// finding one. A kept tensor's memory may be gone: it is touched only when it is bound anew.
class TensorsInPlace {
 public:
  explicit TensorsInPlace(const OrtLibrary& library) : library_(library) {}

  /// The tensor of that description over `memory`, which is as long as the description says. Stays
  /// this object's. Error: INFERENCE_FAILED.
  Status Find(std::span<std::byte> memory, Dtype dtype, const Shape& shape, OrtValue** out);

 private:
  struct Kept {
    const std::byte* data = nullptr;
    Shape shape;
    OrtOwned<OrtValue> value;
  };
  static constexpr size_t kKept = 8;

  const OrtLibrary& library_;
  std::array<Kept, kKept> kept_;
  size_t next_ = 0;
};

/// Dtype and shape of a tensor that the runtime made. Error: INFERENCE_FAILED where it is no
/// tensor, not of `dtype` or of too many dimensions.
Status ReadTensorShape(const OrtApi& api, const OrtValue* value, Dtype dtype, Shape* out);

/// Bytes that the elements of such a tensor take; INFERENCE_FAILED where that overflows.
Result<uint64_t> TensorBytes(Dtype dtype, const Shape& shape);

}  // namespace mlos

#endif  // MLOS_ORT_TENSORS_H_
