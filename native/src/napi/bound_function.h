#ifndef MLOS_NAPI_BOUND_FUNCTION_H_
#define MLOS_NAPI_BOUND_FUNCTION_H_

#include <array>
#include <cstddef>
#include <exception>
#include <memory>
#include <utility>

#include "napi/setup.h"

namespace mlos::binding {

/// Functions for what is called a hundred thousand times a second: numbers in, a number out,
/// through Node-API itself. The object comes with the function, so there is no handle to check; it
/// lives as long as any function that is bound to it.

/// How many numbers a method takes.
template <typename Method>
struct NumberMethod;
template <typename T, typename... Numbers>
struct NumberMethod<double (T::*)(Numbers...)> {
  static constexpr size_t kArity = sizeof...(Numbers);
  using Object = T;
};

template <auto kMethod, size_t... kIndex>
napi_value CallBound(napi_env env, napi_callback_info info, std::index_sequence<kIndex...>) {
  using Object = typename NumberMethod<decltype(kMethod)>::Object;
  constexpr size_t kArity = sizeof...(kIndex);
  std::array<napi_value, kArity + 1> values{};  // one more, because none cannot be
  std::array<double, kArity + 1> numbers{};
  size_t count = kArity;
  void* object = nullptr;
  if (napi_get_cb_info(env, info, &count, values.data(), nullptr, &object) != napi_ok) {
    return nullptr;
  }
  for (size_t i = 0; i < kArity; ++i) {
    if (napi_get_value_double(env, values[i], &numbers[i]) != napi_ok) {
      napi_throw_type_error(env, "INVALID_ARGUMENT", "every argument must be a number");
      return nullptr;
    }
  }
  napi_value result = nullptr;
  try {
    const double number = (static_cast<Object*>(object)->*kMethod)(numbers[kIndex]...);
    napi_create_double(env, number, &result);
  } catch (const std::exception& error) {
    napi_throw_error(env, "INTERNAL", error.what());
  }
  return result;
}

template <auto kMethod>
napi_value BoundCallback(napi_env env, napi_callback_info info) {
  constexpr size_t kArity = NumberMethod<decltype(kMethod)>::kArity;
  return CallBound<kMethod>(env, info, std::make_index_sequence<kArity>());
}

/// Adds a function `name` to `target` that calls `kMethod` of `object`.
template <auto kMethod, typename T>
void BindFunction(Napi::Env env, Napi::Object target, const char* name, std::shared_ptr<T> object) {
  T* const address = object.get();
  napi_value created = nullptr;
  const napi_status status =
      napi_create_function(env, name, NAPI_AUTO_LENGTH, BoundCallback<kMethod>, address, &created);
  if (status != napi_ok) throw Napi::Error::New(env);
  const Napi::Function function(env, created);
  function.AddFinalizer([object = std::move(object)](Napi::BasicEnv, T*) {}, address);
  target.Set(name, function);
}

}  // namespace mlos::binding

#endif  // MLOS_NAPI_BOUND_FUNCTION_H_
