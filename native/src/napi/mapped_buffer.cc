#include "napi/mapped_buffer.h"

#include <utility>

namespace mlos::binding {

Napi::Value MappedBuffer::Get(Napi::Env env, const std::shared_ptr<Mapping>& mapping) {
  if (!IsAttached()) {
    auto hold = std::make_shared<Hold>(Hold{mapping});
    const auto bytes = mapping->bytes();
    // The finalizer's copy of `hold` is what keeps the memory under views that outlive the owner.
    const auto buffer =
        Napi::ArrayBuffer::New(env, bytes.data(), bytes.size(), [hold](Napi::BasicEnv, void*) {});
    buffer_ = Napi::Reference<Napi::ArrayBuffer>::New(buffer, 1);
    hold_ = std::move(hold);
  }
  return buffer_.Value();
}

void MappedBuffer::Close() {
  if (IsAttached()) {
    buffer_.Value().Detach();
    // No JavaScript can reach the bytes any more; waiting for the finalizer would keep them.
    hold_->mapping.reset();
  }
  buffer_.Reset();
  hold_.reset();
}

}  // namespace mlos::binding
