#ifndef MLOS_NAPI_HANDLE_H_
#define MLOS_NAPI_HANDLE_H_

#include <memory>

#include "napi/setup.h"
#include "napi/translate_error.h"

namespace mlos::binding {

/// Gives a native object to JavaScript as an opaque, tagged handle. The garbage collector deletes
/// it; that is the net under close(), not a way to close.
template <typename T>
Napi::Value MakeHandle(Napi::Env env, std::unique_ptr<T> object, const napi_type_tag& tag) {
  auto handle = Napi::External<T>::New(env, object.get(), [](Napi::BasicEnv, T* owned) {
    delete owned;  // NOLINT(cppcoreguidelines-owning-memory): the other half of release() below
  });
  static_cast<void>(object.release());
  handle.TypeTag(&tag);
  return handle;
}

/// The object behind a handle; throws INVALID_ARGUMENT for anything else. It lives as long as the
/// call does, because the caller's argument keeps the handle alive.
template <typename T>
T& ReadHandle(const Napi::Value& value, const napi_type_tag& tag) {
  if (!value.IsExternal() || !value.As<Napi::External<T>>().CheckTypeTag(&tag)) {
    ThrowInvalid(value.Env(), "the handle is of another kind");
  }
  return *value.As<Napi::External<T>>().Data();
}

}  // namespace mlos::binding

#endif  // MLOS_NAPI_HANDLE_H_
