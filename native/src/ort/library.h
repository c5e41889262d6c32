#ifndef MLOS_ORT_LIBRARY_H_
#define MLOS_ORT_LIBRARY_H_

#include <memory>
#include <string>

#include "base/result.h"
#include "ort/api.h"

namespace mlos {

/// ONNX Runtime as a process has loaded it, with its environment. Every runner holds it, so it goes
/// after the last of them; one per process is enough. The library itself stays loaded: its threads
/// and thread-local destructors are not worth the risk.
class OrtLibrary {
 public:
  /// Loads the library at `path`. UNIMPLEMENTED where it cannot be used, with the reason: it is not
  /// there, is something else, or is too old.
  static Result<std::shared_ptr<OrtLibrary>> Open(const std::string& path);

  const OrtApi& api() const { return api_; }
  const OrtEnv* env() const { return env_.get(); }
  const OrtMemoryInfo* cpu_memory() const { return cpu_memory_.get(); }
  OrtAllocator* allocator() const { return allocator_; }
  /// "1.30.0".
  const std::string& version() const { return version_; }

 private:
  OrtLibrary(const OrtApi& api, std::string version) : api_(api), version_(std::move(version)) {}
  Status CreateObjects();

  const OrtApi api_;
  const std::string version_;
  OrtOwned<OrtEnv> env_;
  OrtOwned<OrtMemoryInfo> cpu_memory_;
  OrtAllocator* allocator_ = nullptr;
};

}  // namespace mlos

#endif  // MLOS_ORT_LIBRARY_H_
