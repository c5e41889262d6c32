#include "base/parent_death.h"

#include <sys/prctl.h>
#include <unistd.h>

#include <cerrno>

namespace mlos {

Status SetParentDeathSignal(int signal_number, std::optional<pid_t> expected_parent) {
  const pid_t parent_before = expected_parent.value_or(::getppid());
  if (::prctl(PR_SET_PDEATHSIG, static_cast<unsigned long>(signal_number), 0, 0, 0) != 0) {
    return SystemError("prctl", errno, "cannot ask for a parent-death signal");
  }
  // The order matters: only a look after the wish closes the gap between the two.
  if (signal_number != 0 && ::getppid() != parent_before) {
    return Error{.code = "PARENT_DIED",
                 .message = "process " + std::to_string(parent_before) +
                            " is no longer the parent: it died before it could be watched",
                 .error_number = 0,
                 .syscall = ""};
  }
  return {};
}

}  // namespace mlos
