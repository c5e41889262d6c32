#ifndef MLOS_BASE_RESULT_H_
#define MLOS_BASE_RESULT_H_

#include <utility>
#include <variant>

#include "base/status.h"

namespace mlos {

/// A value, or the Error that stands in its place. Asking for the absent one is a bug of the
/// caller and throws std::bad_variant_access.
template <typename T>
class [[nodiscard]] Result {
 public:
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}
  Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}

  bool ok() const { return state_.index() == 0; }
  T& value() & { return std::get<0>(state_); }
  const T& value() const& { return std::get<0>(state_); }
  T&& value() && { return std::get<0>(std::move(state_)); }
  const Error& error() const { return std::get<1>(state_); }

 private:
  std::variant<T, Error> state_;
};

}  // namespace mlos

#endif  // MLOS_BASE_RESULT_H_
