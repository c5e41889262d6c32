#ifndef MLOS_BENCH_LOAD_H_
#define MLOS_BENCH_LOAD_H_

#include <cstdint>
#include <map>
#include <string>
#include <vector>

/// What the bench's native load generator measures with. Nothing is allocated while it measures.
namespace bench {

/// `key=value` arguments. An absent key ends the program with a sentence.
class Arguments {
 public:
  Arguments(int argc, char** argv);
  const std::string& Text(const std::string& key) const;
  double Number(const std::string& key, double fallback) const;
  /// "1x16" → {1, 16}.
  std::vector<int64_t> Shape() const;

 private:
  std::map<std::string, std::string> values_;
};

[[noreturn]] void Fail(const std::string& why);

uint64_t NowNs();

/// When a measurement begins and ends, at which pace it asks, and what it saw.
class Stopwatch {
 public:
  /// `seconds`, `warmup` and `interval_ms` (0: at once again) of the arguments.
  explicit Stopwatch(const Arguments& arguments);

  /// Until the time is over and there is an answer to measure.
  bool Running(uint64_t now_ns) const { return now_ns < end_ns_ || samples_.empty(); }
  /// Sleeps until it is time for the next request, and returns when that was over.
  uint64_t AwaitTurn(uint64_t now_ns);
  void Add(uint64_t sent_ns, uint64_t answered_ns);
  /// Writes one line of JSON: requests, total, rps, p50, p95 and p99 in microseconds.
  void Print();

 private:
  uint64_t begin_ns_ = 0;
  uint64_t end_ns_ = 0;
  uint64_t last_ns_ = 0;
  uint64_t interval_ns_ = 0;
  uint64_t next_ns_ = 0;
  uint64_t total_ = 0;
  std::vector<uint32_t> samples_;
};

/// OrtApi::Run of a session of one's own, inputs and outputs bound once: what nothing can undercut.
void RunInProcess(const Arguments& arguments);
/// One attached client that asks and waits.
void RunAttached(const Arguments& arguments);
/// `clients` attached clients of one thread, each of which asks again when it is answered.
void RunMany(const Arguments& arguments);
/// One attached client with `depth` requests under way.
void RunPipelined(const Arguments& arguments);
/// Two processes that wake each other through futexes in shared memory, and nothing else.
void RunPingPong(const Arguments& arguments);

}  // namespace bench

#endif  // MLOS_BENCH_LOAD_H_
