#ifndef MLOS_NAPI_MAPPED_BUFFER_H_
#define MLOS_NAPI_MAPPED_BUFFER_H_

#include <memory>

#include "napi/setup.h"
#include "shm/mapping.h"

namespace mlos::binding {

/// The ArrayBuffer that shows a whole mapping to JavaScript: one for all, so that to detach it
/// detaches every view at once.
class MappedBuffer {
 public:
  /// The buffer, made at the first call and made anew when JavaScript has moved the bytes of the
  /// last one away (ArrayBuffer.prototype.transfer); those bytes nobody here can detach.
  Napi::Value Get(Napi::Env env, const std::shared_ptr<Mapping>& mapping);
  /// Detaches the buffer and lets go of the mapping. Idempotent. Bytes that were moved away stay
  /// mapped until the garbage collector has seen to their buffer.
  void Close();

 private:
  /// What an ArrayBuffer holds. Its finalizer may run long after Close(), so the mapping can be
  /// dropped from here before that.
  struct Hold {
    std::shared_ptr<Mapping> mapping;
  };

  bool IsAttached() const { return !buffer_.IsEmpty() && !buffer_.Value().IsDetached(); }

  Napi::Reference<Napi::ArrayBuffer> buffer_;
  std::shared_ptr<Hold> hold_;
};

}  // namespace mlos::binding

#endif  // MLOS_NAPI_MAPPED_BUFFER_H_
