#include "napi/engine_values.h"

#include <array>
#include <limits>
#include <optional>
#include <string_view>
#include <utility>

#include "napi/bounds.h"
#include "napi/translate_error.h"
#include "napi/values.h"

namespace mlos::binding {
namespace {

constexpr int64_t kMaxBatch = 1024;
constexpr int64_t kMaxQueue = 1'000'000;
constexpr int64_t kMaxSequences = 65'536;
constexpr int64_t kMaxStateBytes = int64_t{1} << 40;
constexpr int64_t kMaxIdleMillis = 86'400'000;
constexpr int64_t kMaxDelayMicros = 10'000'000;

Napi::Object ReadObject(const Napi::Value& value, const char* name) {
  if (!value.IsObject()) ThrowInvalid(value.Env(), std::string(name) + " must be an object");
  return value.As<Napi::Object>();
}

/// A list of at most `max_count` values.
Napi::Array ReadArray(const Napi::Value& value, const char* name, uint32_t max_count) {
  if (!value.IsArray() || value.As<Napi::Array>().Length() > max_count) {
    ThrowInvalid(value.Env(), std::string(name) + " must be an array of at most " +
                                  std::to_string(max_count) + " items");
  }
  return value.As<Napi::Array>();
}

uint32_t ReadCount(const Napi::Object& object, const char* name, int64_t min, int64_t max) {
  return static_cast<uint32_t>(ReadInteger(object.Get(name), name, min, max));
}

/// The place of a word in a list of words.
template <size_t kSize>
size_t ReadWord(const Napi::Value& value, const char* name,
                const std::array<std::string_view, kSize>& words) {
  const std::string given = ReadString(value, name);
  for (size_t i = 0; i < kSize; ++i) {
    if (given == words[i]) return i;
  }
  ThrowInvalid(value.Env(), std::string(name) + " is none of the words that it may be");
}

/// What null stands for is nullopt.
template <typename Read>
auto ReadOptional(const Napi::Value& value, Read read) -> std::optional<decltype(read(value))> {
  if (value.IsNull()) return std::nullopt;
  return read(value);
}

std::optional<uint32_t> ReadThreads(const Napi::Object& object, const char* name) {
  return ReadOptional(object.Get(name), [name](const Napi::Value& value) {
    return static_cast<uint32_t>(ReadInteger(value, name, 0, kMaxOrtThreads));
  });
}

std::optional<bool> ReadFlag(const Napi::Object& object, const char* name) {
  return ReadOptional(object.Get(name),
                      [name](const Napi::Value& value) { return ReadBoolean(value, name); });
}

Dtype ReadDtype(const Napi::Value& value) {
  const auto number = static_cast<uint16_t>(ReadInteger(value, "dtype", 0, UINT16_MAX));
  if (!ElementBytes(number)) ThrowInvalid(value.Env(), "dtype is no number of a dtype");
  return static_cast<Dtype>(number);
}

std::vector<int64_t> ReadDims(const Napi::Value& value, int64_t min) {
  const Napi::Array array = ReadArray(value, "shape", layout::kMaxRank);
  std::vector<int64_t> dims;
  for (uint32_t axis = 0; axis < array.Length(); ++axis) {
    dims.push_back(ReadInteger(array.Get(axis), "shape", min, kMaxDim));
  }
  return dims;
}

ValueSpec ReadSpec(const Napi::Value& value) {
  const Napi::Object object = ReadObject(value, "signature");
  ValueSpec spec;
  spec.name = ReadString(object.Get("name"), "name");
  spec.dtype = ReadDtype(object.Get("dtype"));
  spec.has_shape = !object.Get("shape").IsNull();
  if (spec.has_shape) spec.dims = ReadDims(object.Get("shape"), -1);
  const Napi::Array names = ReadArray(object.Get("dims"), "dims", layout::kMaxRank);
  for (uint32_t i = 0; i < names.Length(); ++i) {
    spec.dim_names.push_back(ReadString(names.Get(i), "dims"));
  }
  spec.dim_names.resize(spec.dims.size());
  return spec;
}

std::vector<ValueSpec> ReadSpecs(const Napi::Value& value, const char* name) {
  const Napi::Array array = ReadArray(value, name, layout::kMaxTensors);
  std::vector<ValueSpec> specs;
  for (uint32_t i = 0; i < array.Length(); ++i) specs.push_back(ReadSpec(array.Get(i)));
  return specs;
}

JsTensor ReadTensor(const Napi::Value& value) {
  const Napi::Object object = ReadObject(value, "tensor");
  JsTensor tensor;
  tensor.index = ReadCount(object, "index", 0, layout::kMaxTensors - 1);
  tensor.dtype = ReadDtype(object.Get("dtype"));
  const std::vector<int64_t> dims = ReadDims(object.Get("shape"), 0);
  tensor.shape.rank = static_cast<uint32_t>(dims.size());
  std::copy(dims.begin(), dims.end(), tensor.shape.dims.begin());
  const Napi::Value bytes = object.Get("bytes");
  if (!bytes.IsTypedArray() || bytes.As<Napi::TypedArray>().TypedArrayType() != napi_uint8_array) {
    ThrowInvalid(value.Env(), "bytes must be a Uint8Array");
  }
  const auto array = bytes.As<Napi::Uint8Array>();
  const auto* const data = reinterpret_cast<const std::byte*>(array.Data());
  tensor.bytes.assign(data, data + array.ByteLength());
  return tensor;
}

std::vector<std::string> ReadNames(const Napi::Value& value, const char* name) {
  const Napi::Array array = ReadArray(value, name, layout::kMaxTensors);
  std::vector<std::string> names;
  for (uint32_t i = 0; i < array.Length(); ++i) names.push_back(ReadString(array.Get(i), name));
  return names;
}

std::vector<std::pair<std::string, std::string>> ReadPairs(const Napi::Value& value,
                                                           const char* name) {
  const Napi::Array array = ReadArray(value, name, layout::kMaxTensors);
  std::vector<std::pair<std::string, std::string>> pairs;
  for (uint32_t i = 0; i < array.Length(); ++i) {
    const Napi::Array pair = ReadArray(array.Get(i), name, 2);
    pairs.emplace_back(ReadString(pair.Get(uint32_t{0}), name),
                       ReadString(pair.Get(uint32_t{1}), name));
  }
  return pairs;
}

StateSpec ReadState(const Napi::Value& value) {
  const Napi::Object object = ReadObject(value, "state");
  if (!object.Get("initial").IsNumber()) ThrowInvalid(value.Env(), "initial must be a number");
  return {.input = ReadString(object.Get("input"), "input"),
          .output = ReadString(object.Get("output"), "output"),
          .shape = ReadOptional(object.Get("shape"),
                                [](const Napi::Value& shape) { return ReadDims(shape, -1); }),
          .initial = object.Get("initial").As<Napi::Number>().DoubleValue()};
}

void ReadSequences(const Napi::Value& value, ModelOptions& options) {
  if (value.IsNull() || value.IsUndefined()) return;
  const Napi::Object object = ReadObject(value, "sequences");
  const Napi::Array states = ReadArray(object.Get("states"), "states", layout::kMaxTensors);
  for (uint32_t i = 0; i < states.Length(); ++i) {
    options.states.push_back(ReadState(states.Get(i)));
  }
  options.sequences.max_count = ReadCount(object, "maxCount", 1, kMaxSequences);
  options.sequences.max_bytes =
      static_cast<uint64_t>(ReadInteger(object.Get("maxBytes"), "maxBytes", 1, kMaxStateBytes));
  options.sequences.idle_ms = ReadCount(object, "idleMs", 1, kMaxIdleMillis);
}

Napi::Value SpecsToValue(Napi::Env env, const std::vector<ValueSpec>& specs) {
  Napi::Array array = Napi::Array::New(env, specs.size());
  for (uint32_t i = 0; i < specs.size(); ++i) {
    const ValueSpec& spec = specs[i];
    Napi::Object object = Napi::Object::New(env);
    Napi::Array shape = Napi::Array::New(env, spec.dims.size());
    Napi::Array names = Napi::Array::New(env, spec.dims.size());
    for (uint32_t axis = 0; axis < spec.dims.size(); ++axis) {
      shape.Set(axis, Napi::Number::New(env, static_cast<double>(spec.dims[axis])));
      const bool named = axis < spec.dim_names.size();
      names.Set(axis, Napi::String::New(env, named ? spec.dim_names[axis] : ""));
    }
    object.Set("name", Napi::String::New(env, spec.name));
    object.Set("dtype", Napi::Number::New(env, static_cast<double>(spec.dtype)));
    object.Set("shape", spec.has_shape ? Napi::Value(shape) : env.Null());
    object.Set("dims", names);
    array.Set(i, object);
  }
  return array;
}

}  // namespace

ModelOptions ReadModelOptions(const Napi::Value& value) {
  const Napi::Object object = ReadObject(value, "options");
  constexpr std::array<std::string_view, 3> kModes = {"off", "fixed", "auto"};
  ModelOptions options;
  options.priority =
      static_cast<layout::Priority>(ReadCount(object, "priority", 0, layout::kPriorities - 1));
  options.instances = ReadCount(object, "instances", 1, layout::kMaxWorkers);
  options.max_queue = ReadCount(object, "maxQueue", 1, kMaxQueue);
  options.batching.mode =
      static_cast<BatchOptions::Mode>(ReadWord(object.Get("batching"), "batching", kModes));
  options.batching.max_batch = ReadCount(object, "maxBatch", 1, kMaxBatch);
  options.batching.max_delay_us = ReadCount(object, "maxDelayUs", 0, kMaxDelayMicros);
  options.cpus = ReadIntList(object.Get("cpus"), "cpus", kMaxCpus);
  options.intra_op_threads = ReadCount(object, "intraOpThreads", 0, kMaxOrtThreads);
  options.part_of = ReadCount(object, "partOf", 0, std::numeric_limits<uint32_t>::max());
  ReadSequences(object.Get("sequences"), options);
  return options;
}

OrtSessionSettings ReadOrtSettings(const Napi::Value& value) {
  const Napi::Object object = ReadObject(value, "settings");
  constexpr std::array<std::string_view, 5> kLevels = {"disabled", "basic", "extended", "layout",
                                                       "all"};
  constexpr std::array<OrtGraphOptimization, 5> kLevelValues = {
      OrtGraphOptimization::kDisabled, OrtGraphOptimization::kBasic,
      OrtGraphOptimization::kExtended, OrtGraphOptimization::kLayout, OrtGraphOptimization::kAll};
  constexpr std::array<std::string_view, 2> kModes = {"sequential", "parallel"};
  OrtSessionSettings settings;
  settings.model_path = ReadString(object.Get("modelPath"), "modelPath");
  settings.intra_op_threads = ReadThreads(object, "intraOpThreads");
  settings.inter_op_threads = ReadThreads(object, "interOpThreads");
  settings.graph_optimization =
      ReadOptional(object.Get("graphOptimization"), [&](const Napi::Value& level) {
        return kLevelValues.at(ReadWord(level, "graphOptimization", kLevels));
      });
  settings.execution_mode = ReadOptional(object.Get("executionMode"), [&](const Napi::Value& mode) {
    return static_cast<OrtExecutionMode>(ReadWord(mode, "executionMode", kModes));
  });
  settings.cpu_mem_arena = ReadFlag(object, "cpuMemArena");
  settings.mem_pattern = ReadFlag(object, "memPattern");
  const Napi::Array dims =
      ReadArray(object.Get("freeDimensions"), "freeDimensions", layout::kMaxTensors);
  for (uint32_t i = 0; i < dims.Length(); ++i) {
    const Napi::Array pair = ReadArray(dims.Get(i), "freeDimensions", 2);
    settings.free_dimensions.emplace_back(
        ReadString(pair.Get(uint32_t{0}), "freeDimensions"),
        ReadInteger(pair.Get(uint32_t{1}), "freeDimensions", 0, kMaxDim));
  }
  return settings;
}

PipelineSpec ReadPipeline(const Napi::Value& value) {
  const Napi::Object object = ReadObject(value, "pipeline");
  PipelineSpec spec{.inputs = ReadNames(object.Get("inputs"), "inputs"),
                    .outputs = ReadNames(object.Get("outputs"), "outputs"),
                    .steps = {}};
  const Napi::Array steps = ReadArray(object.Get("steps"), "steps", layout::kMaxModels);
  for (uint32_t i = 0; i < steps.Length(); ++i) {
    const Napi::Object step = ReadObject(steps.Get(i), "steps");
    spec.steps.push_back({.handle = ReadCount(step, "handle", 1, kMaxHandle),
                          .name = ReadString(step.Get("name"), "name"),
                          .inputs = ReadPairs(step.Get("inputs"), "inputs"),
                          .outputs = ReadPairs(step.Get("outputs"), "outputs")});
  }
  return spec;
}

ModelSignature ReadSignature(const Napi::Value& value) {
  const Napi::Object object = ReadObject(value, "signature");
  return {.inputs = ReadSpecs(object.Get("inputs"), "inputs"),
          .outputs = ReadSpecs(object.Get("outputs"), "outputs")};
}

std::vector<JsTensor> ReadTensors(const Napi::Value& value) {
  const Napi::Array array = ReadArray(value, "outputs", layout::kMaxTensors);
  std::vector<JsTensor> tensors;
  for (uint32_t i = 0; i < array.Length(); ++i) tensors.push_back(ReadTensor(array.Get(i)));
  return tensors;
}

Napi::Value ToValue(Napi::Env env, const AddedModel& model) {
  Napi::Object signature = Napi::Object::New(env);
  signature.Set("inputs", SpecsToValue(env, model.signature.inputs));
  signature.Set("outputs", SpecsToValue(env, model.signature.outputs));
  Napi::Array measures = Napi::Array::New(env, model.measures.size());
  for (uint32_t i = 0; i < model.measures.size(); ++i) {
    Napi::Object measure = Napi::Object::New(env);
    measure.Set("name", Napi::String::New(env, model.measures[i].name));
    measure.Set("outcome", Napi::String::New(env, model.measures[i].outcome));
    measure.Set("detail", Napi::String::New(env, model.measures[i].detail));
    measures.Set(i, measure);
  }
  Napi::Object object = Napi::Object::New(env);
  object.Set("handle", Napi::Number::New(env, model.handle));
  object.Set("signature", signature);
  object.Set("runner", Napi::String::New(env, model.runner));
  object.Set("measures", measures);
  return object;
}

}  // namespace mlos::binding
