#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <utility>

#include "capi/api.h"

namespace mlos::capi {
namespace {

constexpr const char* kDefaultSocket = "/tmp/mlos.sock";
/// `limits.modelIdLength` of the protocol, in bytes of UTF-8.
constexpr size_t kMaxModelIdBytes = 1024;

#define MLOS_TEXT_OF(x) #x
#define MLOS_TEXT(x) MLOS_TEXT_OF(x)
constexpr const char* kVersion = MLOS_TEXT(MLOS_VERSION_MAJOR) "." MLOS_TEXT(
    MLOS_VERSION_MINOR) "." MLOS_TEXT(MLOS_VERSION_PATCH);

std::string SocketPath(const char* given) {
  if (given != nullptr) return given;
  // Read once, at the program's own asking; see the header about threads.
  const char* set = std::getenv("MLOS_API_IPC_SOCKET_PATH");  // NOLINT(concurrency-mt-unsafe)
  return set != nullptr && *set != '\0' ? set : kDefaultSocket;
}

/// What the caller's structure has, whichever version of the library it was made for.
mlos_status ReadOptions(const mlos_attach_options* given, mlos_attach_options& options) {
  mlos_attach_options_init(&options);
  if (given == nullptr) return MLOS_OK;
  if (given->size < sizeof options.size || given->size > sizeof options) {
    return Fail(MLOS_INVALID_ARGUMENT,
                "mlos_attach_options.size is not the size of a structure that this library "
                "knows; use mlos_attach_options_init().");
  }
  std::memcpy(&options, given, given->size);
  if (options.priority < -1 || options.priority > MLOS_BATCH || options.spin_us < -1) {
    return Fail(MLOS_INVALID_ARGUMENT, "priority is -1 to 3, spin_us -1 or more.");
  }
  return MLOS_OK;
}

Model::Options OptionsOf(const char* socket_path, const char* model_id,
                         const mlos_attach_options& options) {
  Model::Options out;
  out.target.socket_path = SocketPath(socket_path);
  out.target.model_id = model_id;
  out.target.input_bytes = options.input_bytes;
  out.target.output_bytes = options.output_bytes;
  out.target.priority = options.priority;
  out.target.spin_us = options.spin_us;
  out.timeout_us = options.timeout_us;
  out.reattach_timeout_us = options.reattach_timeout_us;
  out.reattach = options.no_reattach == 0;
  return out;
}

mlos_status WriteSpec(const std::vector<TensorSpec>& specs, uint32_t index,
                      mlos_tensor_spec* spec) {
  if (spec == nullptr || index >= specs.size()) return InvalidArgument();
  const TensorSpec& found = specs[index];
  spec->name = found.name.c_str();
  spec->dtype = static_cast<mlos_dtype>(found.dtype);
  spec->rank = found.has_shape ? static_cast<int32_t>(found.dims.size()) : -1;
  spec->dims = found.dims.data();
  return MLOS_OK;
}

int32_t Find(const std::vector<TensorSpec>& specs, const char* name) {
  if (name == nullptr) return -1;
  const std::optional<uint32_t> found = FindSpec(specs, name);
  return found.has_value() ? static_cast<int32_t>(*found) : -1;
}

}  // namespace
}  // namespace mlos::capi

using namespace mlos::capi;  // NOLINT(google-build-using-namespace): the C names are global

const char* mlos_version(void) { return kVersion; }

const char* mlos_status_name(mlos_status status) { return NameOfStatus(status); }

const char* mlos_last_error(void) { return LastError(); }

void mlos_attach_options_init(mlos_attach_options* options) {
  if (options == nullptr) return;
  *options = mlos_attach_options{};
  options->size = sizeof *options;
  options->priority = -1;
  options->spin_us = -1;
}

mlos_status mlos_attach(const char* socket_path, const char* model_id,
                        const mlos_attach_options* options, mlos_model** model) {
  return Guarded([&] {
    if (model == nullptr) return InvalidArgument();
    *model = nullptr;
    if (model_id == nullptr || std::strlen(model_id) > kMaxModelIdBytes) return InvalidArgument();
    mlos_attach_options known;
    if (mlos_status status = ReadOptions(options, known); status != MLOS_OK) return status;
    auto opened = Model::Open(OptionsOf(socket_path, model_id, known));
    if (!opened.ok()) return Fail(opened.error());
    *model = new mlos_model{std::move(opened).value()};  // NOLINT(cppcoreguidelines-owning-memory)
    return MLOS_OK;
  });
}

void mlos_close(mlos_model* model) {
  const std::unique_ptr<mlos_model> owned(model);
  if (owned != nullptr) owned->model->Close();
}

uint32_t mlos_input_count(const mlos_model* model) {
  if (model == nullptr) return 0;
  return static_cast<uint32_t>(model->model->signature().inputs.size());
}

uint32_t mlos_output_count(const mlos_model* model) {
  if (model == nullptr) return 0;
  return static_cast<uint32_t>(model->model->signature().outputs.size());
}

mlos_status mlos_input_spec(const mlos_model* model, uint32_t index, mlos_tensor_spec* spec) {
  if (model == nullptr) return InvalidArgument();
  return WriteSpec(model->model->signature().inputs, index, spec);
}

mlos_status mlos_output_spec(const mlos_model* model, uint32_t index, mlos_tensor_spec* spec) {
  if (model == nullptr) return InvalidArgument();
  return WriteSpec(model->model->signature().outputs, index, spec);
}

int32_t mlos_find_input(const mlos_model* model, const char* name) {
  return model == nullptr ? -1 : Find(model->model->signature().inputs, name);
}

int32_t mlos_find_output(const mlos_model* model, const char* name) {
  return model == nullptr ? -1 : Find(model->model->signature().outputs, name);
}

const char* mlos_model_id(const mlos_model* model) {
  return model == nullptr ? "" : model->model->attachment().model_id.c_str();
}

const char* mlos_model_version(const mlos_model* model) {
  return model == nullptr ? "" : model->model->attachment().model_version.c_str();
}

const char* mlos_plugin_id(const mlos_model* model) {
  return model == nullptr ? "" : model->model->attachment().plugin_id.c_str();
}

uint64_t mlos_reattach_count(const mlos_model* model) {
  return model == nullptr ? 0 : model->model->reattach_count();
}

mlos_request* mlos_poll(mlos_model* model) {
  return model == nullptr ? nullptr : HandleOf(model->model->Poll());
}

mlos_status mlos_wait(mlos_model* model, uint64_t timeout_us, mlos_request** request) {
  return Guarded([&] {
    if (model == nullptr || request == nullptr) return InvalidArgument();
    Request* finished = nullptr;
    const mlos_status status = model->model->Wait(timeout_us, &finished);
    *request = HandleOf(finished);
    return status;
  });
}

int mlos_listen(mlos_model* model) { return model == nullptr ? -1 : model->model->Listen(); }

void mlos_stop_listening(mlos_model* model) {
  if (model != nullptr) model->model->StopListening();
}
