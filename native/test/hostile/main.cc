// A client that breaks every rule there is, as processes that come, do their worst and are killed.
//
//   hostile_client way=channel|memfd socket=PATH models=ID:KIND,ID:KIND... seconds=6 [seed=1]
//   [processes=3]
//
// KIND is scale, rows, gather or text (raw_channel.h). Prints one line of JSON: what it did, and
// under "findings" what must never happen. The exit code is 0 whatever it found.

#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <sstream>

#include "base/clock.h"
#include "raw_channel.h"

namespace hostile {
namespace {

constexpr double kLongestFight = 0.12;
constexpr uint64_t kNanosPerMilli = 1'000'000;
/// A life that is stuck is ended.
constexpr uint64_t kPatienceNs = 30'000'000'000;

[[noreturn]] void Fail(const std::string& why) {
  std::fprintf(stderr, "hostile_client: %s\n", why.c_str());
  std::exit(2);
}

std::map<std::string, std::string> ReadArguments(int argc, char** argv) {
  std::map<std::string, std::string> values = {{"seed", "1"}, {"processes", "3"}};
  for (int i = 1; i < argc; i++) {
    const std::string argument = argv[i];
    const size_t equals = argument.find('=');
    if (equals == std::string::npos) Fail(argument + " is no key=value");
    values[argument.substr(0, equals)] = argument.substr(equals + 1);
  }
  for (const char* name : {"way", "socket", "models", "seconds"}) {
    if (!values.contains(name)) Fail(std::string(name) + "= is missing");
  }
  return values;
}

Target ReadTarget(const std::map<std::string, std::string>& values) {
  const std::map<std::string, ModelKind> kinds = {{"scale", ModelKind::kScale},
                                                  {"rows", ModelKind::kRows},
                                                  {"gather", ModelKind::kGather},
                                                  {"text", ModelKind::kText}};
  Target target{.socket_path = values.at("socket"), .models = {}};
  std::istringstream list(values.at("models"));
  for (std::string item; std::getline(list, item, ',');) {
    const size_t colon = item.rfind(':');
    const auto kind = kinds.find(colon == std::string::npos ? "" : item.substr(colon + 1));
    if (kind == kinds.end()) Fail("models= has " + item);
    target.models.push_back({.id = item.substr(0, colon), .kind = kind->second});
  }
  return target;
}

/// What a child does. It may be killed anywhere in it.
void Live(const Target& target, Dice dice, Figures& figures) {
  for (uint64_t i = 1 + dice.Below(4); i > 0; i--) {
    auto channel = Attach(target, dice, figures);
    if (!channel || !Activate(*channel, dice, figures)) continue;
    if (dice.OneIn(3)) TryToBreakSeals(*channel, figures);
    // The connection may go at once: the channel outlives it.
    if (dice.OneIn(2)) channel->daemon.reset();
    const double seconds = kLongestFight * static_cast<double>(1 + dice.Below(100)) / 100;
    Attack(*channel, dice, figures, seconds);
  }
}

struct Child {
  pid_t pid = 0;
  uint64_t killed_at_ns = 0;
};

class Crowd {
 public:
  Crowd(const std::map<std::string, std::string>& values, Figures& figures)
      : target_(ReadTarget(values)),
        sends_memfds_(values.at("way") == "memfd"),
        seconds_(std::strtod(values.at("seconds").c_str(), nullptr)),
        dice_(std::strtoull(values.at("seed").c_str(), nullptr, 10)),
        figures_(figures),
        children_(std::strtoull(values.at("processes").c_str(), nullptr, 10)) {}

  void Run() {
    const uint64_t end = mlos::MonotonicNanos() + static_cast<uint64_t>(seconds_ * 1e9);
    while (mlos::MonotonicNanos() < end) {
      for (Child& child : children_) {
        if (child.pid == 0) Begin(child);
        Look(child);
      }
      ::usleep(1000);
    }
    for (const Child& child : children_) {
      if (child.pid == 0) continue;
      ::kill(child.pid, SIGKILL);
      ::waitpid(child.pid, nullptr, 0);
    }
  }

 private:
  void Begin(Child& child) {
    const uint64_t seed = dice_.Next();
    const uint64_t life_ms = dice_.OneIn(2) ? 1 + dice_.Below(200) : kPatienceNs / kNanosPerMilli;
    child.killed_at_ns = mlos::MonotonicNanos() + life_ms * kNanosPerMilli;
    figures_.lives++;
    const pid_t parent = ::getpid();
    child.pid = ::fork();
    if (child.pid != 0) return;
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != parent) ::_exit(1);
    if (sends_memfds_) {
      Dice dice(seed);
      SendMemfds(target_, dice, figures_, seconds_);
    } else {
      Live(target_, Dice(seed), figures_);
    }
    ::_exit(0);
  }

  void Look(Child& child) {
    const bool is_due = mlos::MonotonicNanos() >= child.killed_at_ns;
    if (is_due) ::kill(child.pid, SIGKILL);
    int status = 0;
    if (::waitpid(child.pid, &status, is_due ? 0 : WNOHANG) != child.pid) return;
    if (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL) figures_.killed++;
    const bool is_odd = WIFSIGNALED(status) ? WTERMSIG(status) != SIGKILL : status != 0;
    if (is_odd) {
      std::fprintf(stderr, "hostile_client: a child ended with status %d\n", status);
      figures_.findings[kDiedByItself]++;
    }
    child.pid = 0;
  }

  const Target target_;
  const bool sends_memfds_;
  const double seconds_;
  Dice dice_;
  Figures& figures_;
  std::vector<Child> children_;
};

void Print(const Figures& figures) {
  const std::map<std::string, uint64_t> counts = {
      {"lives", figures.lives},
      {"killed", figures.killed},
      {"attached", figures.attached},
      {"refused", figures.refused},
      {"closed", figures.closed},
      {"entries", figures.entries},
      {"answered_ok", figures.answered_ok},
      {"answered_error", figures.answered_error},
      {"memfds", figures.memfds},
      {"memfds_changing", figures.memfds_taken},
  };
  std::printf("{");
  for (const auto& [name, count] : counts) {
    std::printf("\"%s\":%llu,", name.c_str(), static_cast<unsigned long long>(count));
  }
  std::printf("\"findings\":{");
  const char* comma = "";
  for (uint32_t i = 0; i < kFindings; i++) {
    const uint64_t count = figures.findings[i];
    if (count == 0) continue;
    std::printf("%s\"%s\":%llu", comma, kFindingNames[i], static_cast<unsigned long long>(count));
    comma = ",";
  }
  std::printf("}}\n");
}

}  // namespace
}  // namespace hostile

int main(int argc, char** argv) {
  const auto values = hostile::ReadArguments(argc, argv);
  void* shared = ::mmap(nullptr, sizeof(hostile::Figures), PROT_READ | PROT_WRITE,
                        MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (shared == MAP_FAILED) hostile::Fail("no memory");
  auto* figures = new (shared) hostile::Figures{};
  hostile::Crowd(values, *figures).Run();
  hostile::Print(*figures);
  return 0;
}
