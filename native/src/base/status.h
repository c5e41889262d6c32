#ifndef MLOS_BASE_STATUS_H_
#define MLOS_BASE_STATUS_H_

#include <optional>
#include <string>
#include <utility>

namespace mlos {

/// Why an operation failed. Errors are values inside the core and become exceptions only at the
/// border to JavaScript.
struct Error {
  /// Stable symbol for programs: the errno's name ("EPERM") or a word of ours ("REGION_UNSEALED").
  std::string code;
  /// One sentence for people.
  std::string message;
  /// errno of the system call that failed; 0 when none did.
  int error_number = 0;
  /// Name of the system call that failed; empty when none did.
  std::string syscall{};
};

/// An error that is no system call's.
Error CodedError(std::string code, std::string message);

/// Builds the error of a system call that has just failed. `error_number` is the errno it left.
Error SystemError(const char* syscall, int error_number, const std::string& what);

/// The name of an errno, as "ENOENT"; "E<number>" for one that the table does not know.
std::string ErrnoName(int error_number);

/// Success, or an Error.
class [[nodiscard]] Status {
 public:
  Status() = default;
  Status(Error error) : error_(std::move(error)) {}

  bool ok() const { return !error_.has_value(); }
  const Error& error() const { return error_.value(); }

 private:
  std::optional<Error> error_;
};

}  // namespace mlos

#endif  // MLOS_BASE_STATUS_H_
