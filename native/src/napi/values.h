#ifndef MLOS_NAPI_VALUES_H_
#define MLOS_NAPI_VALUES_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "napi/setup.h"

namespace mlos::binding {

/// Values that cross the border. The readers throw INVALID_ARGUMENT, naming the argument, for
/// anything but exactly what they promise: TypeScript's types do not exist at run time.

/// A whole number in [min, max]; the bounds lie within +-2^53.
int64_t ReadInteger(const Napi::Value& value, const char* name, int64_t min, int64_t max);

/// A number of bytes: 0 to 2^53-1.
uint64_t ReadBytes(const Napi::Value& value, const char* name);

/// A descriptor's number. That it is open is for the kernel to say.
int ReadFd(const Napi::Value& value, const char* name);

/// UTF-8 without NUL, at most 4,096 bytes: every string that comes in becomes a path or a label.
std::string ReadString(const Napi::Value& value, const char* name);

bool ReadBoolean(const Napi::Value& value, const char* name);

/// A list of at most `max_count` whole numbers in [0, 2^31).
std::vector<int> ReadIntList(const Napi::Value& value, const char* name, uint32_t max_count);

Napi::Value ToValue(Napi::Env env, const std::string& text);
Napi::Value ToValue(Napi::Env env, bool flag);
Napi::Value ToValue(Napi::Env env, int number);
Napi::Value ToValue(Napi::Env env, double number);
/// Rounded above 2^53: no count of bytes or percent comes near.
Napi::Value ToValue(Napi::Env env, uint64_t number);
Napi::Value ToValue(Napi::Env env, const std::vector<int>& numbers);

/// What is absent in C++ is null in JavaScript.
template <typename T>
Napi::Value ToValue(Napi::Env env, const std::optional<T>& value) {
  return value ? ToValue(env, *value) : env.Null();
}

}  // namespace mlos::binding

#endif  // MLOS_NAPI_VALUES_H_
