#ifndef MLOS_ORT_SESSION_OPTIONS_H_
#define MLOS_ORT_SESSION_OPTIONS_H_

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "ort/api.h"

namespace mlos {

/// The runtime's numbers.
enum class OrtGraphOptimization : int {
  kDisabled = 0,
  kBasic = 1,
  kExtended = 2,
  kLayout = 3,
  kAll = 99,
};

enum class OrtExecutionMode : int { kSequential = 0, kParallel = 1 };

/// How a model is opened. What is not given stays at the runtime's default, but for `mem_pattern`.
struct OrtSessionSettings {
  std::string model_path;
  /// 0: the runtime decides.
  std::optional<uint32_t> intra_op_threads;
  std::optional<uint32_t> inter_op_threads;
  std::optional<OrtGraphOptimization> graph_optimization;
  std::optional<OrtExecutionMode> execution_mode;
  std::optional<bool> cpu_mem_arena;
  /// Off where it is not given: the runtime keeps a pattern of each combination of sizes that it
  /// has ever seen, so that a client which varies them would make it grow without end.
  std::optional<bool> mem_pattern;
  /// Sizes of dimensions that the model names.
  std::vector<std::pair<std::string, int64_t>> free_dimensions;
};

/// The most threads that may be asked for.
inline constexpr uint32_t kMaxOrtThreads = 1024;

/// Errors: INVALID_ARGUMENT where the runtime or a bound refuses a setting.
Result<OrtOwned<OrtSessionOptions>> CreateOrtSessionOptions(const OrtApi& api,
                                                            const OrtSessionSettings& settings);

}  // namespace mlos

#endif  // MLOS_ORT_SESSION_OPTIONS_H_
