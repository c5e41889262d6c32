#ifndef MLOS_BASE_UNIQUE_FD_H_
#define MLOS_BASE_UNIQUE_FD_H_

#include <unistd.h>

#include <utility>

namespace mlos {

/// The one owner of a file descriptor; closes it when it goes.
class UniqueFd {
 public:
  UniqueFd() = default;
  explicit UniqueFd(int fd) : fd_(fd) {}
  UniqueFd(UniqueFd&& other) noexcept : fd_(other.Release()) {}
  UniqueFd& operator=(UniqueFd&& other) noexcept {
    if (this != &other) Reset(other.Release());
    return *this;
  }
  UniqueFd(const UniqueFd&) = delete;
  UniqueFd& operator=(const UniqueFd&) = delete;
  ~UniqueFd() { Reset(); }

  bool valid() const { return fd_ >= 0; }
  int get() const { return fd_; }

  /// Hands the descriptor to the caller, who closes it.
  int Release() { return std::exchange(fd_, -1); }

  void Reset(int fd = -1) {
    const int old = std::exchange(fd_, fd);
    // Linux frees the number even when close() says EINTR: a second try could close a stranger's.
    if (old >= 0) ::close(old);
  }

 private:
  int fd_ = -1;
};

}  // namespace mlos

#endif  // MLOS_BASE_UNIQUE_FD_H_
