#ifndef MLOS_ORT_API_H_
#define MLOS_ORT_API_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "base/status.h"

namespace mlos {

/// The part of ONNX Runtime's C ABI that the runner uses, in our own declarations, so that neither
/// a build nor the addon needs anything of the runtime. The runtime's table is an array of function
/// pointers that only ever grows: a function keeps its slot and its signature for good.

struct OrtStatus;
struct OrtEnv;
struct OrtSession;
struct OrtSessionOptions;
struct OrtRunOptions;
struct OrtValue;
struct OrtTypeInfo;
struct OrtTensorInfo;
struct OrtMemoryInfo;
struct OrtAllocator;

/// The lowest version of the table that has every function below (ONNX Runtime 1.24).
inline constexpr uint32_t kOrtApiVersion = 24;

/// What OrtGetApiBase() returns.
struct OrtApiBase {
  const void* (*get_api)(uint32_t version);
  const char* (*get_version_string)();
};

/// Logging from this severity on: warnings, as onnxruntime-node has it.
inline constexpr int kOrtLogWarnings = 2;
inline constexpr int kOrtLogFatal = 4;
/// OrtDeviceAllocator and OrtMemTypeDefault.
inline constexpr int kOrtDeviceAllocator = 0;
inline constexpr int kOrtMemoryDefault = 0;
/// ONNXType of a tensor.
inline constexpr int kOrtTypeTensor = 1;

/// Functions that return an OrtStatus* give null for success; else the status is the caller's to
/// release.
struct OrtApi {
  const char* (*get_error_message)(const OrtStatus* status);
  void (*release_status)(OrtStatus* status);

  OrtStatus* (*create_env)(int log_severity, const char* log_id, OrtEnv** out);
  void (*release_env)(OrtEnv* env);
  OrtStatus* (*create_cpu_memory_info)(int allocator_type, int memory_type, OrtMemoryInfo** out);
  void (*release_memory_info)(OrtMemoryInfo* info);
  /// The allocator is the runtime's own and is never released.
  OrtStatus* (*get_default_allocator)(OrtAllocator** out);
  OrtStatus* (*allocator_free)(OrtAllocator* allocator, void* memory);

  OrtStatus* (*create_session_options)(OrtSessionOptions** out);
  void (*release_session_options)(OrtSessionOptions* options);
  OrtStatus* (*set_execution_mode)(OrtSessionOptions* options, int mode);
  OrtStatus* (*enable_mem_pattern)(OrtSessionOptions* options);
  OrtStatus* (*disable_mem_pattern)(OrtSessionOptions* options);
  OrtStatus* (*enable_cpu_mem_arena)(OrtSessionOptions* options);
  OrtStatus* (*disable_cpu_mem_arena)(OrtSessionOptions* options);
  OrtStatus* (*set_graph_optimization)(OrtSessionOptions* options, int level);
  OrtStatus* (*set_intra_op_threads)(OrtSessionOptions* options, int count);
  OrtStatus* (*set_inter_op_threads)(OrtSessionOptions* options, int count);
  OrtStatus* (*add_free_dimension_by_name)(OrtSessionOptions* options, const char* name,
                                           int64_t value);

  OrtStatus* (*create_session)(const OrtEnv* env, const char* path,
                               const OrtSessionOptions* options, OrtSession** out);
  void (*release_session)(OrtSession* session);
  OrtStatus* (*session_input_count)(const OrtSession* session, size_t* out);
  OrtStatus* (*session_output_count)(const OrtSession* session, size_t* out);
  OrtStatus* (*session_input_type)(const OrtSession* session, size_t index, OrtTypeInfo** out);
  OrtStatus* (*session_output_type)(const OrtSession* session, size_t index, OrtTypeInfo** out);
  /// The names are freed with the allocator.
  OrtStatus* (*session_input_name)(const OrtSession* session, size_t index, OrtAllocator* allocator,
                                   char** out);
  OrtStatus* (*session_output_name)(const OrtSession* session, size_t index,
                                    OrtAllocator* allocator, char** out);
  OrtStatus* (*run)(OrtSession* session, const OrtRunOptions* options,
                    const char* const* input_names, const OrtValue* const* inputs,
                    size_t input_count, const char* const* output_names, size_t output_count,
                    OrtValue** outputs);

  OrtStatus* (*create_run_options)(OrtRunOptions** out);
  void (*release_run_options)(OrtRunOptions* options);
  OrtStatus* (*run_options_set_log_severity)(OrtRunOptions* options, int severity);
  OrtStatus* (*run_options_set_terminate)(OrtRunOptions* options);
  OrtStatus* (*run_options_unset_terminate)(OrtRunOptions* options);

  void (*release_type_info)(OrtTypeInfo* info);
  OrtStatus* (*get_onnx_type)(const OrtTypeInfo* info, int* out);
  /// A view into `info`, not to be released; null where it is no tensor.
  OrtStatus* (*cast_to_tensor_info)(const OrtTypeInfo* info, const OrtTensorInfo** out);
  void (*release_tensor_info)(OrtTensorInfo* info);
  OrtStatus* (*get_element_type)(const OrtTensorInfo* info, int* out);
  OrtStatus* (*get_dimension_count)(const OrtTensorInfo* info, size_t* out);
  OrtStatus* (*get_dimensions)(const OrtTensorInfo* info, int64_t* out, size_t count);
  OrtStatus* (*get_symbolic_dimensions)(const OrtTensorInfo* info, const char** out, size_t count);
  /// False: not even the rank is known.
  bool (*has_shape)(const OrtTensorInfo* info);

  OrtStatus* (*create_tensor)(OrtAllocator* allocator, const int64_t* dims, size_t rank,
                              int element_type, OrtValue** out);
  OrtStatus* (*create_tensor_with_data)(const OrtMemoryInfo* info, void* data, size_t byte_length,
                                        const int64_t* dims, size_t rank, int element_type,
                                        OrtValue** out);
  void (*release_value)(OrtValue* value);
  OrtStatus* (*is_tensor)(const OrtValue* value, int* out);
  OrtStatus* (*get_tensor_data)(OrtValue* value, void** out);
  OrtStatus* (*get_tensor_info)(const OrtValue* value, OrtTensorInfo** out);
  /// Bytes of all strings together.
  OrtStatus* (*get_string_bytes)(const OrtValue* value, size_t* out);
  /// All strings, one after another, and where each begins.
  OrtStatus* (*get_string_content)(const OrtValue* value, void* bytes, size_t byte_length,
                                   size_t* offsets, size_t count);
  /// Makes one string of a tensor `length` bytes long and gives its bytes to be written.
  OrtStatus* (*resize_string)(OrtValue* value, size_t index, size_t length, char** out);
};

/// Reads the functions out of the runtime's table, which has to be of kOrtApiVersion or above.
OrtApi ReadOrtApi(const void* table);

/// Success, or an error of `code` with the runtime's text. Releases `status`.
Status TakeOrtStatus(const OrtApi& api, OrtStatus* status, const char* code);

template <typename T>
struct OrtRelease {
  void (*release)(T* object) = nullptr;
  void operator()(T* object) const { release(object); }
};

/// An object of the runtime that is released with its owner.
template <typename T>
using OrtOwned = std::unique_ptr<T, OrtRelease<T>>;

}  // namespace mlos

#endif  // MLOS_ORT_API_H_
