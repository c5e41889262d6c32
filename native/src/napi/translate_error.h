#ifndef MLOS_NAPI_TRANSLATE_ERROR_H_
#define MLOS_NAPI_TRANSLATE_ERROR_H_

#include <string>
#include <utility>

#include "base/result.h"
#include "napi/setup.h"

namespace mlos::binding {

/// Throws the error as a JavaScript Error with `code`, and with `errno` (negative, as Node has it)
/// and `syscall` when a system call failed. The only place where the two worlds' errors meet.
[[noreturn]] void Throw(Napi::Env env, const Error& error);

/// Throws INVALID_ARGUMENT.
[[noreturn]] void ThrowInvalid(Napi::Env env, const std::string& message);

inline void Check(Napi::Env env, const Status& status) {
  if (!status.ok()) Throw(env, status.error());
}

template <typename T>
T Unwrap(Napi::Env env, Result<T> result) {
  if (!result.ok()) Throw(env, result.error());
  return std::move(result).value();
}

}  // namespace mlos::binding

#endif  // MLOS_NAPI_TRANSLATE_ERROR_H_
