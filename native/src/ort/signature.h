#ifndef MLOS_ORT_SIGNATURE_H_
#define MLOS_ORT_SIGNATURE_H_

#include "base/result.h"
#include "engine/runner.h"
#include "ort/library.h"

namespace mlos {

/// What the session says of its inputs and outputs. Errors: UNIMPLEMENTED naming what is no tensor
/// of ours, or more of it than a request carries.
Result<ModelSignature> ReadOrtSignature(const OrtLibrary& library, const OrtSession* session);

}  // namespace mlos

#endif  // MLOS_ORT_SIGNATURE_H_
