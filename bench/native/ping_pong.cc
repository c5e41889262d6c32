#include <linux/futex.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <climits>
#include <csignal>

#include "load.h"

namespace bench {
namespace {

struct Table {
  alignas(64) std::atomic<uint32_t> ping{0};
  alignas(64) std::atomic<uint32_t> pong{0};
};

void WaitWhile(std::atomic<uint32_t>& word, uint32_t value) {
  while (word.load(std::memory_order_acquire) == value) {
    syscall(SYS_futex, &word, FUTEX_WAIT, value, nullptr, nullptr, 0);
  }
}

void Wake(std::atomic<uint32_t>& word) {
  word.fetch_add(1, std::memory_order_release);
  syscall(SYS_futex, &word, FUTEX_WAKE, INT_MAX, nullptr, nullptr, 0);
}

[[noreturn]] void Answer(Table& table) {
  for (uint32_t seen = 0;; seen++) {
    WaitWhile(table.ping, seen);
    Wake(table.pong);
  }
}

}  // namespace

void RunPingPong(const Arguments& arguments) {
  void* memory =
      mmap(nullptr, sizeof(Table), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) Fail("mmap failed");
  auto* table = new (memory) Table;  // NOLINT(cppcoreguidelines-owning-memory): shared memory
  const pid_t child = fork();
  if (child < 0) Fail("fork failed");
  if (child == 0) Answer(*table);
  Stopwatch watch(arguments);
  uint64_t sent = watch.AwaitTurn(NowNs());
  for (uint32_t seen = 0; watch.Running(sent); seen++) {
    Wake(table->ping);
    WaitWhile(table->pong, seen);
    const uint64_t answered = NowNs();
    watch.Add(sent, answered);
    sent = watch.AwaitTurn(answered);
  }
  kill(child, SIGKILL);
  waitpid(child, nullptr, 0);
  watch.Print();
}

}  // namespace bench
