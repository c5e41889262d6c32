#ifndef MLOS_NAPI_ENGINE_VALUES_H_
#define MLOS_NAPI_ENGINE_VALUES_H_

#include <string>
#include <vector>

#include "engine/engine.h"
#include "napi/js_calls.h"
#include "napi/setup.h"
#include "ort/session_options.h"

namespace mlos::binding {

/// Engine values that cross the border; their types in TypeScript are in
/// ts/native/engine-binding.ts. The readers throw INVALID_ARGUMENT.

ModelOptions ReadModelOptions(const Napi::Value& value);
OrtSessionSettings ReadOrtSettings(const Napi::Value& value);
PipelineSpec ReadPipeline(const Napi::Value& value);
ModelSignature ReadSignature(const Napi::Value& value);
std::vector<JsTensor> ReadTensors(const Napi::Value& value);

Napi::Value ToValue(Napi::Env env, const AddedModel& model);

}  // namespace mlos::binding

#endif  // MLOS_NAPI_ENGINE_VALUES_H_
