#ifndef MLOS_TEST_ENGINE_FAKES_H_
#define MLOS_TEST_ENGINE_FAKES_H_

#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <vector>

#include "engine/runner.h"

namespace mlos::test {

template <typename T>
std::span<const std::byte> Bytes(const std::vector<T>& values) {
  return std::as_bytes(std::span(values));
}

ValueSpec Spec(std::string name, Dtype dtype, std::vector<int64_t> dims,
               std::vector<std::string> dim_names);
/// A view as long as its shape says, of the first bytes.
TensorView View(uint32_t index, Dtype dtype, std::initializer_list<int64_t> dims,
                std::span<const std::byte> bytes);

/// Stops runs until they are let go, and knows how many have begun.
class Gate {
 public:
  void Close();
  void Open();
  /// Blocks while the gate is closed and `ended` is not.
  void Pass(const std::atomic<bool>& ended);
  void WaitForArrivals(int count);
  void Notify();

 private:
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
  /// Fails where an element of `a` is below this, as a model refuses an index that it does not know.
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
};

class FakeRunner final : public Runner {
 public:
  explicit FakeRunner(const FakeModel& model, std::shared_ptr<FakeLog> log = nullptr);
  const ModelSignature& signature() const override { return signature_; }
  Result<std::unique_ptr<RunContext>> CreateContext() override;
  std::string description() const override { return "fake"; }

 private:
  FakeModel model_;
  std::shared_ptr<FakeLog> log_;
  ModelSignature signature_;
};

}  // namespace mlos::test

#endif  // MLOS_TEST_ENGINE_FAKES_H_
