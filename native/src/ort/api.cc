#include "ort/api.h"

namespace mlos {
namespace {

using Slot = void (*)();

template <typename Function>
void Take(const void* table, size_t slot, Function& function) {
  function = reinterpret_cast<Function>(static_cast<const Slot*>(table)[slot]);
}

void TakeObjects(const void* table, OrtApi& api) {
  Take(table, 2, api.get_error_message);
  Take(table, 93, api.release_status);
  Take(table, 3, api.create_env);
  Take(table, 92, api.release_env);
  Take(table, 69, api.create_cpu_memory_info);
  Take(table, 94, api.release_memory_info);
  Take(table, 78, api.get_default_allocator);
  Take(table, 76, api.allocator_free);
  Take(table, 39, api.create_run_options);
  Take(table, 97, api.release_run_options);
  Take(table, 41, api.run_options_set_log_severity);
  Take(table, 46, api.run_options_set_terminate);
  Take(table, 47, api.run_options_unset_terminate);
}

void TakeOptions(const void* table, OrtApi& api) {
  Take(table, 10, api.create_session_options);
  Take(table, 100, api.release_session_options);
  Take(table, 13, api.set_execution_mode);
  Take(table, 16, api.enable_mem_pattern);
  Take(table, 17, api.disable_mem_pattern);
  Take(table, 18, api.enable_cpu_mem_arena);
  Take(table, 19, api.disable_cpu_mem_arena);
  Take(table, 23, api.set_graph_optimization);
  Take(table, 24, api.set_intra_op_threads);
  Take(table, 25, api.set_inter_op_threads);
  Take(table, 124, api.add_free_dimension_by_name);
}

void TakeSession(const void* table, OrtApi& api) {
  Take(table, 7, api.create_session);
  Take(table, 95, api.release_session);
  Take(table, 30, api.session_input_count);
  Take(table, 31, api.session_output_count);
  Take(table, 33, api.session_input_type);
  Take(table, 34, api.session_output_type);
  Take(table, 36, api.session_input_name);
  Take(table, 37, api.session_output_name);
  Take(table, 9, api.run);
}

void TakeTypes(const void* table, OrtApi& api) {
  Take(table, 98, api.release_type_info);
  Take(table, 56, api.get_onnx_type);
  Take(table, 55, api.cast_to_tensor_info);
  Take(table, 99, api.release_tensor_info);
  Take(table, 60, api.get_element_type);
  Take(table, 61, api.get_dimension_count);
  Take(table, 62, api.get_dimensions);
  Take(table, 63, api.get_symbolic_dimensions);
  Take(table, 390, api.has_shape);
}

void TakeTensors(const void* table, OrtApi& api) {
  Take(table, 48, api.create_tensor);
  Take(table, 49, api.create_tensor_with_data);
  Take(table, 96, api.release_value);
  Take(table, 50, api.is_tensor);
  Take(table, 51, api.get_tensor_data);
  Take(table, 65, api.get_tensor_info);
  Take(table, 53, api.get_string_bytes);
  Take(table, 54, api.get_string_content);
  Take(table, 252, api.resize_string);
}

}  // namespace

OrtApi ReadOrtApi(const void* table) {
  OrtApi api = {};
  TakeObjects(table, api);
  TakeOptions(table, api);
  TakeSession(table, api);
  TakeTypes(table, api);
  TakeTensors(table, api);
  return api;
}

Status TakeOrtStatus(const OrtApi& api, OrtStatus* status, const char* code) {
  if (status == nullptr) return {};
  const char* text = api.get_error_message(status);
  Error error{.code = code, .message = text == nullptr ? "" : text};
  api.release_status(status);
  if (error.message.empty()) error.message = "ONNX Runtime gave no reason.";
  return error;
}

}  // namespace mlos
