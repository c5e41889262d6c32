#include "cpu/target.h"

#include <unistd.h>

#include <cerrno>
#include <set>

#include "base/small_file.h"

namespace mlos {
namespace {

// A process that starts threads faster than they are listed must not hold the caller for ever.
constexpr int kMaxRounds = 64;

}  // namespace

pid_t MainThread(const CpuTarget& target) {
  if (target.id != 0) return target.id;
  return target.kind == CpuTarget::Kind::kProcess ? ::getpid() : 0;
}

Status ForEachThread(const CpuTarget& target, const std::function<Status(pid_t)>& apply) {
  const pid_t main_thread = MainThread(target);
  if (target.kind == CpuTarget::Kind::kThread) return apply(main_thread);

  const std::string folder = "/proc/" + std::to_string(main_thread) + "/task";
  std::set<pid_t> done;
  for (int round = 0; round < kMaxRounds; ++round) {
    bool any_new = false;
    for (const std::string& name : ListFolder(folder)) {
      const auto thread = ParseNumber(name);
      if (!thread || !done.insert(static_cast<pid_t>(*thread)).second) continue;
      any_new = true;
      const Status applied = apply(static_cast<pid_t>(*thread));
      if (!applied.ok() && applied.error().error_number != ESRCH) return applied;
    }
    if (!any_new) break;
  }
  // Without /proc, or without the process: let the system call itself say what is wrong.
  return done.empty() ? apply(main_thread) : Status{};
}

}  // namespace mlos
