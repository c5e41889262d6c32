#ifndef MLOS_TEST_ENGINE_FAKES_H_
#define MLOS_TEST_ENGINE_FAKES_H_

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstring>
#include <memory>
#include <mutex>
#include <span>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "engine/runner.h"

namespace mlos::test {

template <typename T>
std::span<const std::byte> Bytes(const std::vector<T>& values) {
  return std::as_bytes(std::span(values));
}

inline ValueSpec Spec(std::string name, Dtype dtype, std::vector<int64_t> dims,
                      std::vector<std::string> dim_names) {
  return {.name = std::move(name),
          .dtype = dtype,
          .has_shape = true,
          .dims = std::move(dims),
          .dim_names = std::move(dim_names)};
}

/// A view as long as its shape says (strings: all) of the first bytes.
inline TensorView View(uint32_t index, Dtype dtype, std::initializer_list<int64_t> dims,
                       std::span<const std::byte> bytes) {
  TensorView view{.index = index, .dtype = dtype, .shape = {}, .data = bytes};
  view.shape.rank = static_cast<uint32_t>(dims.size());
  std::copy(dims.begin(), dims.end(), view.shape.dims.begin());
  const auto width = ElementBytes(static_cast<uint16_t>(dtype)).value_or(0);
  if (width > 0) view.data = bytes.first(std::min(bytes.size(), *ElementCount(view.shape) * width));
  return view;
}

/// Stops runs until they are let go, and knows how many have begun.
class Gate {
 public:
  void Close() { Set(false); }
  void Open() { Set(true); }
  /// Blocks while the gate is closed and the run was not asked to end.
  void Pass(const std::atomic<bool>& terminated) {
    std::unique_lock lock(mutex_);
    ++arrived_;
    changed_.notify_all();
    changed_.wait(lock, [&] { return open_ || terminated; });
  }
  void WaitForArrivals(int count) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return arrived_ >= count; });
  }
  /// How many runs have come here so far.
  int arrived() {
    const std::lock_guard lock(mutex_);
    return arrived_;
  }
  void Notify() {
    const std::lock_guard lock(mutex_);
    changed_.notify_all();
  }

 private:
  void Set(bool open) {
    const std::lock_guard lock(mutex_);
    open_ = open;
    changed_.notify_all();
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  bool open_ = true;
  int arrived_ = 0;
};

/// y[rows, 4] = a[rows, 4] + b[rows, 4].
struct FakeModel {
  int run_us = 0;
  int row_us = 0;
  /// Adds the number of rows to every element: joined answers differ.
  bool mixes_rows = false;
  bool dynamic_rows = true;
  /// Fails where an element of `a` is below this, as a model refuses an index it does not know.
  float refuses_below = -1e30F;
  /// Throws instead of running.
  bool throws = false;
};

/// What the test sees of all contexts of a runner.
struct FakeLog {
  Gate gate;
  std::atomic<int> runs{0};
  std::atomic<int> largest{0};
  std::atomic<int> terminations{0};
  std::mutex mutex;
  /// First element of `a` of each run, in order.
  std::vector<float> order;

  std::vector<float> Order() {
    const std::lock_guard lock(mutex);
    return order;
  }
};

class FakeContext final : public RunContext {
 public:
  FakeContext(const FakeModel& model, std::shared_ptr<FakeLog> log)
      : model_(model), log_(std::move(log)) {}

  Status Run(const RunRequest& request, OutputSink& sink) override {
    const TensorView& a = request.inputs[0];
    const TensorView& b = request.inputs[1];
    const size_t count = a.data.size() / sizeof(float);
    std::vector<float> x(count);
    std::vector<float> y(count);
    if (count > 0) std::memcpy(x.data(), a.data.data(), a.data.size());
    if (count > 0) std::memcpy(y.data(), b.data.data(), b.data.size());
    const auto rows = static_cast<int>(a.shape.dims[0]);
    Record(rows, count > 0 ? x[0] : 0);
    if (terminated_) return Error{"CANCELLED", "the run was ended", 0, ""};
    if (model_.throws) throw std::runtime_error("the runtime threw");
    Spend(static_cast<uint64_t>(model_.run_us + model_.row_us * rows));
    for (size_t i = 0; i < count; ++i) {
      if (x[i] < model_.refuses_below) return Error{"INFERENCE_FAILED", "no such element", 0, ""};
      y[i] += x[i] + (model_.mixes_rows ? static_cast<float>(rows) : 0);
    }
    const auto to = sink.Allocate(0, Dtype::kFloat32, a.shape, count * sizeof(float));
    if (to.size() < count * sizeof(float)) return Error{"PAYLOAD_TOO_LARGE", "no room", 0, ""};
    if (count > 0) std::memcpy(to.data(), y.data(), to.size());
    return {};
  }
  void Terminate() override {
    terminated_ = true;
    ++log_->terminations;
    log_->gate.Notify();
  }
  void Reset() override { terminated_ = false; }

 private:
  void Record(int rows, float first) {
    {
      const std::lock_guard lock(log_->mutex);
      log_->order.push_back(first);
      if (log_->order.size() > 100'000) log_->order.clear();
    }
    int largest = log_->largest;
    while (rows > largest && !log_->largest.compare_exchange_weak(largest, rows)) {
    }
    ++log_->runs;
    log_->gate.Pass(terminated_);
  }
  /// Busy, so that it takes as long as it says.
  static void Spend(uint64_t microseconds) {
    if (microseconds == 0) return;
    const uint64_t until = MonotonicNanos() + microseconds * 1000;
    while (MonotonicNanos() < until) {
    }
  }

  const FakeModel model_;
  const std::shared_ptr<FakeLog> log_;
  std::atomic<bool> terminated_{false};
};

class FakeRunner final : public Runner {
 public:
  explicit FakeRunner(const FakeModel& model, std::shared_ptr<FakeLog> log = nullptr)
      : model_(model), log_(log ? std::move(log) : std::make_shared<FakeLog>()) {
    const int64_t rows = model.dynamic_rows ? -1 : 1;
    const std::vector<std::string> names{model.dynamic_rows ? "batch" : "", ""};
    signature_.inputs = {Spec("a", Dtype::kFloat32, {rows, 4}, names),
                         Spec("b", Dtype::kFloat32, {rows, 4}, names)};
    signature_.outputs = {Spec("y", Dtype::kFloat32, {rows, 4}, names)};
  }
  const ModelSignature& signature() const override { return signature_; }
  Result<std::unique_ptr<RunContext>> CreateContext() override {
    return std::unique_ptr<RunContext>(std::make_unique<FakeContext>(model_, log_));
  }
  std::string description() const override { return "fake"; }

 private:
  FakeModel model_;
  std::shared_ptr<FakeLog> log_;
  ModelSignature signature_;
};

}  // namespace mlos::test

#endif  // MLOS_TEST_ENGINE_FAKES_H_
