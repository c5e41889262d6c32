#ifndef MLOS_ORT_STRINGS_H_
#define MLOS_ORT_STRINGS_H_

#include "base/result.h"
#include "engine/runner.h"
#include "ort/library.h"

namespace mlos {

/// Strings travel packed (layout.h): one uint32 length per element, then the bytes of all. The
/// runtime has a std::string for each, so they are copied.

/// Makes the runtime's tensor of an input. Reads each length once. Error: INVALID_VALUE where the
/// packed form does not fit its own lengths or the shape.
Result<OrtOwned<OrtValue>> UnpackStrings(const OrtLibrary& library, const TensorView& input);

/// Packs a string tensor of `shape` into the sink as output `index`. Errors: PAYLOAD_TOO_LARGE
/// where the sink has no room, INFERENCE_FAILED.
Status PackStrings(const OrtApi& api, const OrtValue* value, uint32_t index, const Shape& shape,
                   OutputSink& sink);

}  // namespace mlos

#endif  // MLOS_ORT_STRINGS_H_
