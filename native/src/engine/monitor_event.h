#ifndef MLOS_ENGINE_MONITOR_EVENT_H_
#define MLOS_ENGINE_MONITOR_EVENT_H_

#include <cstdint>

namespace mlos {

/// What an event of the monitor's epoll is about, packed into the 64 bits that epoll carries.
enum class MonitorEventKind : uint64_t { kStop, kControl, kAlarm, kModel, kChannel };

/// Ids (a model's handle, a channel's id) have to be below this.
constexpr uint64_t kMaxMonitorEventId = uint64_t{1} << 56;

constexpr uint64_t MonitorEvent(MonitorEventKind kind, uint64_t id) {
  return static_cast<uint64_t>(kind) << 56 | id;
}
constexpr MonitorEventKind KindOf(uint64_t event) {
  return static_cast<MonitorEventKind>(event >> 56);
}
constexpr uint64_t IdOf(uint64_t event) { return event & (kMaxMonitorEventId - 1); }

}  // namespace mlos

#endif  // MLOS_ENGINE_MONITOR_EVENT_H_
