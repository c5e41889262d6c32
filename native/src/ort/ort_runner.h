#ifndef MLOS_ORT_ORT_RUNNER_H_
#define MLOS_ORT_ORT_RUNNER_H_

#include <memory>

#include "base/result.h"
#include "engine/runner.h"
#include "ort/library.h"
#include "ort/session_options.h"

namespace mlos {

/// Loads an ONNX model into ONNX Runtime. Many threads may run it at once, each with a context of
/// its own. Errors: MODEL_LOAD_FAILED with the runtime's text, INVALID_ARGUMENT for a setting that
/// it refuses, UNIMPLEMENTED for inputs or outputs that are no tensors of ours.
Result<std::unique_ptr<Runner>> OpenOrtRunner(std::shared_ptr<OrtLibrary> library,
                                              const OrtSessionSettings& settings);

}  // namespace mlos

#endif  // MLOS_ORT_ORT_RUNNER_H_
