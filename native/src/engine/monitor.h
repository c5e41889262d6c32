#ifndef MLOS_ENGINE_MONITOR_H_
#define MLOS_ENGINE_MONITOR_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <thread>

#include "engine/alarm.h"
#include "engine/channel_table.h"
#include "engine/control_link.h"
#include "engine/model_table.h"

namespace mlos {

/// The engine's thread for what must not wait for a run: the daemon's messages, clients that are
/// gone or cancel, deadlines, and the intake of models whose workers are all busy. Sleeps
/// otherwise.
class Monitor {
 public:
  struct Parts {
    /// With the alarm in it; models and channels add themselves.
    UniqueFd epoll;
    Alarm* alarm = nullptr;
    ModelTable* models = nullptr;
    ChannelTable* channels = nullptr;
    /// Null: an engine without a daemon.
    std::unique_ptr<ControlLink> control;
  };
  /// Errors of the system.
  static Result<std::unique_ptr<Monitor>> Start(Parts parts);
  /// Ends the thread.
  Monitor(const Monitor&) = delete;
  Monitor& operator=(const Monitor&) = delete;
  ~Monitor();

  int epoll() const { return parts_.epoll.get(); }

 private:
  Monitor(Parts parts, UniqueFd stop) : parts_(std::move(parts)), stop_(std::move(stop)) {}
  Status Watch(int fd, uint64_t event, uint32_t events) const;
  void Main();
  /// False: the thread is to end.
  bool Handle(uint64_t event);
  void LookAtDeadlines();
  void ServeControl();
  void DropControl();

  Parts parts_;
  const UniqueFd stop_;
  std::thread thread_;
};

}  // namespace mlos

#endif  // MLOS_ENGINE_MONITOR_H_
