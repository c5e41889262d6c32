#include "ort/session_options.h"

namespace mlos {
namespace {

/// Calls setters one after another and keeps the first failure.
class Settings {
 public:
  Settings(const OrtApi& api, OrtSessionOptions* options) : api_(api), options_(options) {}

  template <typename Function, typename... Arguments>
  void Set(Function function, Arguments... arguments) {
    if (failure_ == nullptr) failure_ = function(options_, arguments...);
  }

  template <typename T>
  void SetNumber(OrtStatus* (*function)(OrtSessionOptions*, int), const std::optional<T>& value) {
    if (value) Set(function, static_cast<int>(*value));
  }

  Status Finish() { return TakeOrtStatus(api_, failure_, "INVALID_ARGUMENT"); }

 private:
  const OrtApi& api_;
  OrtSessionOptions* options_;
  OrtStatus* failure_ = nullptr;
};

bool ThreadsFit(const OrtSessionSettings& settings) {
  return settings.intra_op_threads.value_or(0) <= kMaxOrtThreads &&
         settings.inter_op_threads.value_or(0) <= kMaxOrtThreads;
}

Status Apply(const OrtApi& api, OrtSessionOptions* options, const OrtSessionSettings& given) {
  Settings settings(api, options);
  settings.SetNumber(api.set_intra_op_threads, given.intra_op_threads);
  settings.SetNumber(api.set_inter_op_threads, given.inter_op_threads);
  settings.SetNumber(api.set_graph_optimization, given.graph_optimization);
  settings.SetNumber(api.set_execution_mode, given.execution_mode);
  if (given.cpu_mem_arena) {
    settings.Set(*given.cpu_mem_arena ? api.enable_cpu_mem_arena : api.disable_cpu_mem_arena);
  }
  const bool with_patterns = given.mem_pattern.value_or(false);
  settings.Set(with_patterns ? api.enable_mem_pattern : api.disable_mem_pattern);
  for (const auto& [name, size] : given.free_dimensions) {
    settings.Set(api.add_free_dimension_by_name, name.c_str(), size);
  }
  return settings.Finish();
}

}  // namespace

Result<OrtOwned<OrtSessionOptions>> CreateOrtSessionOptions(const OrtApi& api,
                                                            const OrtSessionSettings& settings) {
  if (!ThreadsFit(settings)) {
    return Error{.code = "INVALID_ARGUMENT",
                 .message = "At most " + std::to_string(kMaxOrtThreads) + " threads."};
  }
  OrtSessionOptions* created = nullptr;
  OrtStatus* failure = api.create_session_options(&created);
  if (failure != nullptr) return TakeOrtStatus(api, failure, "MODEL_LOAD_FAILED").error();
  OrtOwned<OrtSessionOptions> options(created, {api.release_session_options});
  if (Status status = Apply(api, created, settings); !status.ok()) return status.error();
  return options;
}

}  // namespace mlos
