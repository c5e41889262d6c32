// The bench's native load generator: apps in C and C++, and the floors beside them.
//
//   load mode=run|attached|many|pipelined|ping-pong shape=1x16 seconds=1 warmup=0.3
//   [interval_ms=10]
//        [library=libonnxruntime.so.1 file=model.onnx] [socket=PATH model=ID clients=N depth=N]

#include "load.h"

#include <ctime>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <functional>

namespace bench {
namespace {

constexpr double kNsPerSecond = 1e9;
/// Room for so many answers a second.
constexpr double kMostPerSecond = 1e7;

uint64_t ToNs(double seconds) { return static_cast<uint64_t>(seconds * kNsPerSecond); }

double QuantileUs(const std::vector<uint32_t>& ascending, double q) {
  const auto rank = static_cast<size_t>(q * static_cast<double>(ascending.size() - 1));
  return static_cast<double>(ascending[rank]) / 1000;
}

}  // namespace

void Fail(const std::string& why) {
  std::fprintf(stderr, "load: %s\n", why.c_str());
  std::exit(1);
}

uint64_t NowNs() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<uint64_t>(now.tv_sec) * 1'000'000'000 + static_cast<uint64_t>(now.tv_nsec);
}

Arguments::Arguments(int argc, char** argv) {
  for (int i = 1; i < argc; i++) {
    const std::string argument = argv[i];
    const size_t equals = argument.find('=');
    if (equals == std::string::npos) Fail(argument + " is no key=value");
    values_[argument.substr(0, equals)] = argument.substr(equals + 1);
  }
}

const std::string& Arguments::Text(const std::string& key) const {
  const auto found = values_.find(key);
  if (found == values_.end()) Fail(key + "= is missing");
  return found->second;
}

double Arguments::Number(const std::string& key, double fallback) const {
  const auto found = values_.find(key);
  return found == values_.end() ? fallback : std::strtod(found->second.c_str(), nullptr);
}

std::vector<int64_t> Arguments::Shape() const {
  std::vector<int64_t> dims;
  const char* at = Text("shape").c_str();
  while (*at != '\0') {
    char* end = nullptr;
    dims.push_back(std::strtoll(at, &end, 10));
    if (end == at) Fail("shape= is no list such as 1x16");
    at = *end == 'x' ? end + 1 : end;
  }
  return dims;
}

Stopwatch::Stopwatch(const Arguments& arguments) {
  const double seconds = arguments.Number("seconds", 1);
  begin_ns_ = NowNs() + ToNs(arguments.Number("warmup", 0));
  end_ns_ = begin_ns_ + ToNs(seconds);
  last_ns_ = end_ns_;
  interval_ns_ = ToNs(arguments.Number("interval_ms", 0) / 1000);
  next_ns_ = NowNs();
  samples_.reserve(static_cast<size_t>(seconds * kMostPerSecond));
}

uint64_t Stopwatch::AwaitTurn(uint64_t now_ns) {
  if (interval_ns_ == 0) return now_ns;
  next_ns_ = std::max(next_ns_ + interval_ns_, now_ns);
  const timespec until{.tv_sec = static_cast<time_t>(next_ns_ / 1'000'000'000),
                       .tv_nsec = static_cast<long>(next_ns_ % 1'000'000'000)};
  while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, nullptr) == EINTR) {
  }
  return NowNs();
}

void Stopwatch::Add(uint64_t sent_ns, uint64_t answered_ns) {
  total_++;
  last_ns_ = std::max(last_ns_, answered_ns);
  if (sent_ns < begin_ns_ || samples_.size() == samples_.capacity()) return;
  samples_.push_back(static_cast<uint32_t>(std::min<uint64_t>(answered_ns - sent_ns, UINT32_MAX)));
}

void Stopwatch::Print() {
  std::sort(samples_.begin(), samples_.end());
  const double seconds = static_cast<double>(last_ns_ - begin_ns_) / kNsPerSecond;
  std::printf(
      "{\"requests\":%zu,\"total\":%llu,\"rps\":%.1f,\"p50\":%.3f,\"p95\":%.3f,\"p99\":%.3f}\n",
      samples_.size(), static_cast<unsigned long long>(total_),
      static_cast<double>(samples_.size()) / seconds, QuantileUs(samples_, 0.50),
      QuantileUs(samples_, 0.95), QuantileUs(samples_, 0.99));
}

}  // namespace bench

int main(int argc, char** argv) {
  const std::map<std::string, std::function<void(const bench::Arguments&)>> modes = {
      {"run", bench::RunInProcess},      {"attached", bench::RunAttached},
      {"many", bench::RunMany},          {"pipelined", bench::RunPipelined},
      {"ping-pong", bench::RunPingPong},
  };
  const bench::Arguments arguments(argc, argv);
  const auto mode = modes.find(arguments.Text("mode"));
  if (mode == modes.end()) bench::Fail("there is no mode " + arguments.Text("mode"));
  mode->second(arguments);
  return 0;
}
