#ifndef MLOS_CAPI_SIGNATURE_H_
#define MLOS_CAPI_SIGNATURE_H_

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "capi/msgpack.h"
#include "shm/tensor_view.h"

namespace mlos::capi {

/// An input or output as the model declares it.
struct TensorSpec {
  std::string name;
  Dtype dtype = Dtype::kFloat32;
  /// False: even the rank is unknown, and `dims` is empty.
  bool has_shape = false;
  /// -1: any size.
  std::vector<int64_t> dims;

  bool operator==(const TensorSpec&) const = default;
};

struct Signature {
  std::vector<TensorSpec> inputs;
  std::vector<TensorSpec> outputs;

  bool operator==(const Signature&) const = default;
};

/// Reads the signature of an answer, every bound checked; nullopt where it is none.
std::optional<Signature> ReadSignature(const msgpack::Value& value);

std::optional<uint32_t> FindSpec(const std::vector<TensorSpec>& specs, std::string_view name);

/// Checks dimensions against a declaration and returns the number of elements.
/// Error: INVALID_SHAPE, which names the tensor, what was given and what would be right.
Result<uint64_t> CheckShape(const TensorSpec& spec, std::span<const int64_t> dims);

}  // namespace mlos::capi

#endif  // MLOS_CAPI_SIGNATURE_H_
