#include "napi/values.h"

#include <cmath>
#include <limits>

#include "napi/translate_error.h"

namespace mlos::binding {
namespace {

constexpr int64_t kMaxSafeInteger = (int64_t{1} << 53) - 1;
constexpr size_t kMaxStringBytes = 4096;
constexpr int kMaxInt = std::numeric_limits<int>::max();

}  // namespace

int64_t ReadInteger(const Napi::Value& value, const char* name, int64_t min, int64_t max) {
  const double number = value.IsNumber() ? value.As<Napi::Number>().DoubleValue() : NAN;
  // NaN fails every comparison, so it falls through to the throw; so do infinities and fractions.
  if (number >= static_cast<double>(min) && number <= static_cast<double>(max) &&
      std::trunc(number) == number) {
    return static_cast<int64_t>(number);
  }
  ThrowInvalid(value.Env(), std::string(name) + " must be a whole number from " +
                                std::to_string(min) + " to " + std::to_string(max));
}

uint64_t ReadBytes(const Napi::Value& value, const char* name) {
  return static_cast<uint64_t>(ReadInteger(value, name, 0, kMaxSafeInteger));
}

int ReadFd(const Napi::Value& value, const char* name) {
  return static_cast<int>(ReadInteger(value, name, 0, kMaxInt));
}

std::string ReadString(const Napi::Value& value, const char* name) {
  if (!value.IsString()) ThrowInvalid(value.Env(), std::string(name) + " must be a string");
  std::string text = value.As<Napi::String>().Utf8Value();
  if (text.size() > kMaxStringBytes || text.find('\0') != std::string::npos) {
    ThrowInvalid(value.Env(), std::string(name) + " must have at most 4096 bytes and no NUL");
  }
  return text;
}

bool ReadBoolean(const Napi::Value& value, const char* name) {
  if (!value.IsBoolean()) ThrowInvalid(value.Env(), std::string(name) + " must be a boolean");
  return value.As<Napi::Boolean>().Value();
}

std::vector<int> ReadIntList(const Napi::Value& value, const char* name, uint32_t max_count) {
  if (!value.IsArray()) ThrowInvalid(value.Env(), std::string(name) + " must be an array");
  const auto array = value.As<Napi::Array>();
  const uint32_t count = array.Length();
  if (count > max_count) {
    ThrowInvalid(value.Env(),
                 std::string(name) + " must have at most " + std::to_string(max_count) + " items");
  }
  std::vector<int> numbers;
  numbers.reserve(count);
  for (uint32_t i = 0; i < count; ++i) {
    numbers.push_back(static_cast<int>(ReadInteger(array.Get(i), name, 0, kMaxInt)));
  }
  return numbers;
}

Napi::Value ToValue(Napi::Env env, const std::string& text) { return Napi::String::New(env, text); }

Napi::Value ToValue(Napi::Env env, bool flag) { return Napi::Boolean::New(env, flag); }

Napi::Value ToValue(Napi::Env env, int number) { return Napi::Number::New(env, number); }

Napi::Value ToValue(Napi::Env env, double number) { return Napi::Number::New(env, number); }

Napi::Value ToValue(Napi::Env env, uint64_t number) {
  return Napi::Number::New(env, static_cast<double>(number));
}

Napi::Value ToValue(Napi::Env env, const std::vector<int>& numbers) {
  Napi::Array array = Napi::Array::New(env, numbers.size());
  for (size_t i = 0; i < numbers.size(); ++i) {
    array.Set(static_cast<uint32_t>(i), Napi::Number::New(env, numbers[i]));
  }
  return array;
}

}  // namespace mlos::binding
