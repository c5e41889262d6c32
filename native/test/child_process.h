#ifndef MLOS_TEST_CHILD_PROCESS_H_
#define MLOS_TEST_CHILD_PROCESS_H_

#include <sys/types.h>

#include <functional>

namespace mlos::test {

/// A fork of this process that runs `body` and nothing else. Killed (SIGKILL) and reaped at the
/// latest when the object goes, or when this process dies.
class ChildProcess {
 public:
  explicit ChildProcess(const std::function<void()>& body);
  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;
  ~ChildProcess() { Kill(); }

  void Kill();

 private:
  pid_t pid_;
};

}  // namespace mlos::test

#endif  // MLOS_TEST_CHILD_PROCESS_H_
