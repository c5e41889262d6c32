#ifndef MLOS_ORT_RUN_CONTEXT_H_
#define MLOS_ORT_RUN_CONTEXT_H_

#include <memory>

#include "base/result.h"
#include "engine/runner.h"
#include "ort/model.h"

namespace mlos {

/// Inputs are read where they lie. Outputs whose shape is known ahead are written where they shall
/// lie; others are made by the runtime and copied once. Once the shapes of a run have been seen, a
/// run allocates nothing of its own (strings excepted).
Result<std::unique_ptr<RunContext>> CreateOrtRunContext(std::shared_ptr<const OrtModel> model);

}  // namespace mlos

#endif  // MLOS_ORT_RUN_CONTEXT_H_
