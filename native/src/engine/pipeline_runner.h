#ifndef MLOS_ENGINE_PIPELINE_RUNNER_H_
#define MLOS_ENGINE_PIPELINE_RUNNER_H_

#include <memory>
#include <vector>

#include "base/result.h"
#include "engine/engine.h"
#include "engine/runner.h"

namespace mlos {

/// Other models of the engine, one after the other, as one model. Their runners (and so the
/// weights) are shared with the models themselves. What one step makes lies where the next one
/// reads it, and what is an output of the whole is written where the answer lies: nothing is copied
/// between steps. Error: MODEL_LOAD_FAILED for a graph that cannot be run.
Result<std::unique_ptr<Runner>> MakePipelineRunner(const PipelineSpec& spec,
                                                   std::vector<std::shared_ptr<Runner>> steps);

}  // namespace mlos

#endif  // MLOS_ENGINE_PIPELINE_RUNNER_H_
