#ifndef MLOS_CAPI_DAEMON_CONNECTION_H_
#define MLOS_CAPI_DAEMON_CONNECTION_H_

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"
#include "capi/msgpack.h"

namespace mlos::capi {

/// The largest frame that is taken: a signature of the largest size that the daemon stores, twice.
inline constexpr uint32_t kMaxAnswerBytes = uint32_t{2} << 20;

/// A connection to the daemon's IPC socket that makes one call at a time (docs/ipc.md).
class DaemonConnection {
 public:
  struct Answer {
    /// The frame that `result` points into.
    std::unique_ptr<std::vector<char>> frame;
    msgpack::Value result;
    /// Descriptors that came with it.
    std::vector<UniqueFd> fds;
  };

  /// `deadline_ns` on CLOCK_MONOTONIC, here and below.
  /// Errors: FAILED_PRECONDITION where nobody listens, PERMISSION_DENIED, DEADLINE_EXCEEDED.
  static Result<DaemonConnection> Open(const std::string& path, uint64_t deadline_ns);

  /// Calls a method; `params` is one msgpack value. Errors: what the daemon answers under its own
  /// code and text; FAILED_PRECONDITION where the connection ends, INVALID_FRAME for bytes that are
  /// no answer, DEADLINE_EXCEEDED. After any of the last three the connection is of no use.
  Result<Answer> Call(std::string_view method, std::string_view params, uint64_t deadline_ns);

 private:
  explicit DaemonConnection(UniqueFd socket, std::string path)
      : socket_(std::move(socket)), path_(std::move(path)) {}
  Status Send(std::string_view bytes, uint64_t deadline_ns);
  /// Fills `into`; descriptors are collected in `fds`.
  Status Receive(std::vector<char>& into, std::vector<UniqueFd>& fds, uint64_t deadline_ns);
  Status WaitFor(short events, uint64_t deadline_ns);
  Error Lost() const;

  UniqueFd socket_;
  std::string path_;
  uint64_t last_id_ = 0;
};

}  // namespace mlos::capi

#endif  // MLOS_CAPI_DAEMON_CONNECTION_H_
