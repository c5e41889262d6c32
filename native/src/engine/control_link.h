#ifndef MLOS_ENGINE_CONTROL_LINK_H_
#define MLOS_ENGINE_CONTROL_LINK_H_

#include <cstdint>
#include <deque>
#include <functional>
#include <string>
#include <vector>

#include "base/unique_fd.h"
#include "shm/control_message.h"
#include "shm/layout.h"

namespace mlos {

/// The host's end of the SEQPACKET socket to the daemon. One thread: the monitor.
///
/// Never blocks. A daemon that does not read its answers is not listened to until it does, so what
/// is kept for it stays bounded.
class ControlLink {
 public:
  struct Reply {
    layout::StatusCode status = layout::kOk;
    std::string text;
  };
  using Handle = std::function<Reply(const layout::ControlMessage&, std::vector<UniqueFd> fds)>;

  ControlLink(UniqueFd socket, Handle handle)
      : socket_(std::move(socket)), handle_(std::move(handle)) {}

  int fd() const { return socket_.get(); }
  /// Takes what is there, answers each message; false when the daemon's end is closed or broken.
  bool TakeMessages();
  /// Says that a channel has ended through its client.
  void SayChannelGone(uint64_t channel_id);
  /// Sends what is kept; false as above.
  bool Flush();
  bool has_unsent() const { return !unsent_.empty(); }

 private:
  Reply Answer(const layout::ControlMessage& message, std::vector<UniqueFd> fds) const;
  void Say(const layout::ControlMessage& asked, const Reply& reply);

  const UniqueFd socket_;
  const Handle handle_;
  std::deque<layout::ControlMessage> unsent_;
};

}  // namespace mlos

#endif  // MLOS_ENGINE_CONTROL_LINK_H_
