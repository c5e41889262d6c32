#include <fcntl.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <climits>
#include <cstdint>
#include <thread>

#include "base/checked.h"
#include "base/clock.h"
#include "base/file_lock.h"
#include "base/parent_death.h"
#include "base/pidfd.h"
#include "base/readiness_watcher.h"
#include "base/small_file.h"
#include "check.h"

namespace mlos {
namespace {

/// A child that waits to be killed; killed and reaped at the latest when the object goes.
class Child {
 public:
  Child() : pid_(::fork()) {
    while (pid_ == 0) ::pause();
  }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;
  ~Child() {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }
  pid_t pid() const { return pid_; }

 private:
  pid_t pid_;
};

}  // namespace

MLOS_TEST(checked_arithmetic_refuses_what_64_bits_cannot_hold) {
  CHECK_EQ(CheckedAdd(UINT64_MAX - 1, 1), std::optional(UINT64_MAX));
  CHECK(!CheckedAdd(UINT64_MAX, 1));
  CHECK_EQ(CheckedMul(uint64_t{1} << 32, (uint64_t{1} << 32) - 1),
           std::optional(UINT64_MAX - UINT32_MAX));
  CHECK(!CheckedMul(uint64_t{1} << 32, uint64_t{1} << 32));
  CHECK(RangeFits(4, 4, 8));
  CHECK(RangeFits(8, 0, 8));
  CHECK(!RangeFits(9, 0, 8));
  CHECK(!RangeFits(4, 5, 8));
  CHECK(!RangeFits(UINT64_MAX, UINT64_MAX, 8));
}

MLOS_TEST(clock_never_goes_back) {
  const uint64_t before = MonotonicNanos();
  CHECK(MonotonicNanos() >= before);
}

MLOS_TEST(errors_of_system_calls_carry_name_number_and_call) {
  const Error error = SystemError("open", ENOENT, "cannot open x");
  CHECK_EQ(error.code, "ENOENT");
  CHECK_EQ(error.error_number, ENOENT);
  CHECK_EQ(error.syscall, "open");
  CHECK_EQ(ErrnoName(9999), "E9999");
}

MLOS_TEST(unique_fd_closes_and_moves) {
  const int number = ::eventfd(0, EFD_CLOEXEC);
  {
    UniqueFd first(number);
    UniqueFd second(std::move(first));
    CHECK_EQ(second.get(), number);
  }
  CHECK(::fcntl(number, F_GETFD) < 0);
}

MLOS_TEST(parsers_refuse_what_is_malformed) {
  CHECK_EQ(ParseNumber("0x1002"), std::optional<uint64_t>(0x1002));
  CHECK(!ParseNumber(""));
  CHECK(!ParseNumber("0x"));
  CHECK(!ParseNumber("12 "));
  CHECK(!ParseNumber("-1"));
  CHECK(!ParseNumber("99999999999999999999"));
  CHECK_EQ(ParseIdList("0-2,8,10-11"), std::optional(std::vector<int>{0, 1, 2, 8, 10, 11}));
  CHECK_EQ(ParseIdList(""), std::optional(std::vector<int>{}));
  CHECK(!ParseIdList("3-1"));
  CHECK(!ParseIdList("0-4294967295"));
  CHECK(!ParseIdList("a"));
  CHECK_EQ(ParseSuffix("card0", "card"), std::optional(0));
  CHECK(!ParseSuffix("card0-HDMI-A-1", "card"));
  CHECK(!ParseSuffix("card", "card"));
  CHECK(!ReadSmallFile("/nonexistent"));
}

MLOS_TEST(pidfd_tells_the_end_of_a_process_that_nobody_reaped) {
  const Child child;
  const auto pidfd = OpenPidFd(child.pid());
  REQUIRE(pidfd.ok());
  const int fd = pidfd.value().get();
  CHECK(SignalPidFd(fd, 0).ok());
  CHECK_EQ(WaitForExit(fd, 0).value(), false);
  CHECK_EQ(WaitForExit(fd, 5).value(), false);
  CHECK(SignalPidFd(fd, SIGKILL).ok());
  CHECK_EQ(WaitForExit(fd, -1).value(), true);
  CHECK_EQ(::kill(child.pid(), 0), 0);  // a zombie still looks alive to kill()
}

MLOS_TEST(pidfd_of_nobody_is_esrch) { CHECK_EQ(OpenPidFd(INT_MAX).error().code, "ESRCH"); }

MLOS_TEST(watcher_fires_once_and_not_after_remove) {
  std::atomic<int> rings = 0;
  auto started = ReadinessWatcher::Start([&] { ++rings; });
  REQUIRE(started.ok());
  ReadinessWatcher& watcher = *started.value();
  UniqueFd event(::eventfd(0, EFD_CLOEXEC));
  const UniqueFd never(::eventfd(0, EFD_CLOEXEC));

  const uint64_t first = watcher.Add(event.get()).value();
  const uint64_t other = watcher.Add(never.get()).value();
  CHECK(first != other);
  const uint64_t one = 1;
  REQUIRE(::write(event.get(), &one, sizeof one) == sizeof one);
  while (rings == 0) std::this_thread::yield();
  CHECK_EQ(watcher.TakeFired(), std::vector<uint64_t>{first});
  CHECK(watcher.TakeFired().empty());

  // Readable at once, and removed before anyone asked: never reported.
  const uint64_t second = watcher.Add(event.get()).value();
  while (rings == 1) std::this_thread::yield();
  watcher.Remove(second);
  CHECK(watcher.TakeFired().empty());

  // The caller's descriptor may go; the watch has its own.
  const uint64_t third = watcher.Add(event.get()).value();
  event.Reset();
  while (rings == 2) std::this_thread::yield();
  CHECK_EQ(watcher.TakeFired(), std::vector<uint64_t>{third});

  watcher.Remove(other);
  watcher.Remove(other);
  CHECK_EQ(watcher.Add(-1).error().code, "EBADF");
}

MLOS_TEST(watcher_stops_while_watches_wait) {
  for (int i = 0; i < 50; ++i) {
    const UniqueFd never(::eventfd(0, EFD_CLOEXEC));
    auto watcher = ReadinessWatcher::Start([] {});
    REQUIRE(watcher.ok());
    CHECK(watcher.value()->Add(never.get()).ok());
  }
}

MLOS_TEST(file_lock_excludes_and_is_dropped) {
  const test::TempFolder folder;
  const std::string path = folder.path() + "/lock";
  {
    const auto held = AcquireFileLock(path);
    REQUIRE(held.ok());
    // flock counts open files, not processes: a second open in this process is a stranger too.
    CHECK_EQ(AcquireFileLock(path).error().code, "EWOULDBLOCK");
  }
  CHECK(AcquireFileLock(path).ok());
}

MLOS_TEST(file_lock_refuses_links_and_bad_paths) {
  const test::TempFolder folder;
  const std::string link = folder.path() + "/link";
  REQUIRE(::symlink("/etc/passwd", link.c_str()) == 0);
  CHECK_EQ(AcquireFileLock(link).error().code, "ELOOP");
  CHECK_EQ(AcquireFileLock(folder.path() + "/no/such").error().code, "ENOENT");
}

MLOS_TEST(parent_death_signal_refuses_a_parent_that_is_not_ours) {
  CHECK(SetParentDeathSignal(SIGTERM, std::nullopt).ok());
  CHECK_EQ(SetParentDeathSignal(SIGTERM, INT_MAX).error().code, "PARENT_DIED");
  CHECK(SetParentDeathSignal(0, std::nullopt).ok());
}

MLOS_TEST(parent_death_signal_arrives) {
  // A middle process starts a grandchild, which watches it, and is then killed.
  std::array<int, 2> pipe_ends{};
  REQUIRE(::pipe(pipe_ends.data()) == 0);
  const pid_t middle = ::fork();
  if (middle == 0) {
    if (::fork() == 0) {
      const bool ok = SetParentDeathSignal(SIGKILL, std::nullopt).ok();
      const pid_t self = ok ? ::getpid() : 0;
      [[maybe_unused]] const auto written = ::write(pipe_ends[1], &self, sizeof self);
    }
    for (;;) ::pause();
  }
  pid_t grandchild = 0;
  REQUIRE(::read(pipe_ends[0], &grandchild, sizeof grandchild) == sizeof grandchild);
  REQUIRE(grandchild > 0);
  const auto pidfd = OpenPidFd(grandchild);
  REQUIRE(pidfd.ok());
  ::kill(middle, SIGKILL);
  ::waitpid(middle, nullptr, 0);
  CHECK_EQ(WaitForExit(pidfd.value().get(), 20'000).value(), true);
  ::close(pipe_ends[0]);
  ::close(pipe_ends[1]);
}

}  // namespace mlos
