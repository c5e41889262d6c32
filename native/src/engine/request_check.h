#ifndef MLOS_ENGINE_REQUEST_CHECK_H_
#define MLOS_ENGINE_REQUEST_CHECK_H_

#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "engine/request.h"
#include "engine/runner.h"

namespace mlos {

/// "float32", as ts/protocol/dtype.ts has it; "" for a number that is no dtype.
std::string_view DtypeName(Dtype dtype);

/// "[1,3]".
std::string FormatShape(const Shape& shape);

/// "float32[batch,3]", "float32[…]" where the rank is not known.
std::string FormatSpec(const ValueSpec& spec);

/// Whether elements of this dtype may be read where another process can write: no operator takes
/// floating-point numbers for indices, lengths or conditions.
bool IsReadInPlace(Dtype dtype);

/// Puts `inputs` into the signature's order and the wanted outputs into a list. The texts are those
/// that the daemon gives for the same mistakes.
/// Errors: kUnknownInput, kMissingInput, kInvalidDtype, kInvalidShape, kInvalidArgument (twice).
std::optional<RequestError> CheckAgainstSignature(
    const ModelSignature& signature, std::span<const TensorView> inputs,
    std::span<const uint64_t, layout::kMaxTensors / 64> wanted, Request& request);

}  // namespace mlos

#endif  // MLOS_ENGINE_REQUEST_CHECK_H_
