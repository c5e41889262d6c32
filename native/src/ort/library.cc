#include "ort/library.h"

#include <dlfcn.h>

#include <charconv>
#include <string_view>

namespace mlos {
namespace {

Error Unusable(std::string message) {
  return Error{.code = "UNIMPLEMENTED", .message = std::move(message)};
}

/// Whether "1.<minor>.<patch>" has the table of kOrtApiVersion: the minor version is the table's.
/// Asked before GetApi(), which complains on stderr about a number it does not know.
bool IsNewEnough(std::string_view version) {
  constexpr std::string_view kMajor = "1.";
  if (!version.starts_with(kMajor)) return false;
  version.remove_prefix(kMajor.size());
  uint32_t minor = 0;
  const auto [end, error] = std::from_chars(version.data(), version.data() + version.size(), minor);
  return error == std::errc() && end != version.data() && minor >= kOrtApiVersion;
}

}  // namespace

Result<std::shared_ptr<OrtLibrary>> OrtLibrary::Open(const std::string& path) {
  void* handle = ::dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (handle == nullptr) {
    const char* reason = ::dlerror();  // NOLINT(concurrency-mt-unsafe): glibc keeps it per thread
    return Unusable(reason == nullptr ? "cannot load " + path : reason);
  }
  using GetApiBase = const OrtApiBase* (*)();
  const auto get_base = reinterpret_cast<GetApiBase>(::dlsym(handle, "OrtGetApiBase"));
  const OrtApiBase* base = get_base == nullptr ? nullptr : get_base();
  if (base == nullptr) return Unusable(path + " is not ONNX Runtime");
  const char* text = base->get_version_string();
  const std::string version = text == nullptr ? "" : text;
  const void* table = IsNewEnough(version) ? base->get_api(kOrtApiVersion) : nullptr;
  if (table == nullptr) {
    return Unusable(path + " is ONNX Runtime " + version + "; 1." + std::to_string(kOrtApiVersion) +
                    " or a later 1.x is needed");
  }
  const std::shared_ptr<OrtLibrary> library(new OrtLibrary(ReadOrtApi(table), version));
  if (Status status = library->CreateObjects(); !status.ok()) return status.error();
  return library;
}

Status OrtLibrary::CreateObjects() {
  OrtEnv* env = nullptr;
  OrtStatus* failure = api_.create_env(kOrtLogWarnings, "mlos", &env);
  if (failure != nullptr) return TakeOrtStatus(api_, failure, "UNIMPLEMENTED");
  env_ = {env, {api_.release_env}};
  OrtMemoryInfo* memory = nullptr;
  failure = api_.create_cpu_memory_info(kOrtDeviceAllocator, kOrtMemoryDefault, &memory);
  if (failure != nullptr) return TakeOrtStatus(api_, failure, "UNIMPLEMENTED");
  cpu_memory_ = {memory, {api_.release_memory_info}};
  return TakeOrtStatus(api_, api_.get_default_allocator(&allocator_), "UNIMPLEMENTED");
}

}  // namespace mlos
