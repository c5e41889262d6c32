#ifndef MLOS_TEST_ATTACH_DOUBLE_H_
#define MLOS_TEST_ATTACH_DOUBLE_H_

#include <atomic>
#include <functional>
#include <list>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "base/unique_fd.h"
#include "check.h"
#include "shm/host_channel.h"

namespace mlos::test {

/// What the double sends for one frame that it got.
struct Reply {
  /// Length and payload, or anything else.
  std::string bytes;
  std::vector<int> fds;
  bool close_after = false;
};

/// A length and a payload, as on the wire.
std::string Framed(std::string_view payload);

/// A socket that answers each frame with what a function makes of its payload, one connection at a
/// time, on a thread of its own.
class SocketDouble {
 public:
  explicit SocketDouble(std::function<Reply(std::string_view)> answer);
  SocketDouble(const SocketDouble&) = delete;
  SocketDouble& operator=(const SocketDouble&) = delete;
  ~SocketDouble();

  std::string path() const { return folder_.path() + "/daemon.sock"; }

 private:
  void Run();
  void Serve(int connection);

  TempFolder folder_;
  std::function<Reply(std::string_view)> answer_;
  UniqueFd listener_;
  std::atomic<bool> stop_ = false;
  std::thread thread_;
};

/// What an input's first element makes the plugin of AttachDouble do, beside giving it back.
inline constexpr float kDieBefore = -1;
inline constexpr float kDieWithin = -2;
inline constexpr float kKeepSilent = -3;
inline constexpr float kFail = -4;

/// A daemon that attaches to one model, "test/echo@1" with x: float32[any] → y: float32[any], and
/// the plugin that runs it. Each attachment gets a new channel and a new "plugin".
class AttachDouble {
 public:
  AttachDouble();
  ~AttachDouble();

  std::string path() const { return socket_.path(); }
  uint32_t attached() const { return attached_; }
  /// The next attachments are refused with PLUGIN_UNAVAILABLE.
  void RefuseNext(uint32_t count) { refusals_ = count; }
  /// Takes the newest channel away.
  void Revoke();

 private:
  struct Host {
    std::shared_ptr<HostChannel> channel;
    UniqueFd request_region;
    std::thread thread;
    std::atomic<bool> stop = false;
  };

  Reply Answer(std::string_view frame);
  Reply Attach();
  Reply Activate();
  void Run(Host& host);
  /// False where the plugin dies of it.
  bool Handle(Host& host, const layout::RequestEntry& entry);

  std::atomic<uint32_t> attached_ = 0;
  std::atomic<uint32_t> refusals_ = 0;
  std::list<Host> hosts_;
  std::vector<UniqueFd> client_fds_;
  SocketDouble socket_;
};

}  // namespace mlos::test

#endif  // MLOS_TEST_ATTACH_DOUBLE_H_
