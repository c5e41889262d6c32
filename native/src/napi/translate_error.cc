#include "napi/translate_error.h"

namespace mlos::binding {

void Throw(Napi::Env env, const Error& error) {
  Napi::Error thrown = Napi::Error::New(env, error.message);
  thrown.Set("code", Napi::String::New(env, error.code));
  if (error.error_number != 0) thrown.Set("errno", Napi::Number::New(env, -error.error_number));
  if (!error.syscall.empty()) thrown.Set("syscall", Napi::String::New(env, error.syscall));
  throw thrown;
}

void ThrowInvalid(Napi::Env env, const std::string& message) {
  Throw(env,
        Error{.code = "INVALID_ARGUMENT", .message = message, .error_number = 0, .syscall = ""});
}

}  // namespace mlos::binding
