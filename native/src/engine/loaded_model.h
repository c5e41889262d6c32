#ifndef MLOS_ENGINE_LOADED_MODEL_H_
#define MLOS_ENGINE_LOADED_MODEL_H_

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "base/result.h"
#include "engine/engine.h"
#include "engine/kernel_side.h"
#include "engine/model.h"
#include "engine/worker.h"

namespace mlos {

using OpenRunner = std::function<Result<std::unique_ptr<Runner>>()>;

/// A model with its runner and its threads. The first worker's thread gets the class's policy, nice
/// value and CPUs, loads the model and starts the other workers, so that they and the runtime's own
/// threads inherit them.
class LoadedModel {
 public:
  struct Request {
    uint32_t handle = 0;
    ModelOptions options;
    const KernelSide* kernel = nullptr;
    uint32_t spin_us = 0;
    layout::ModelStats* row = nullptr;
  };

  /// Blocks until the model is loaded and, where its shapes are known, measured.
  /// Errors: those of `open` and CreateContext(); INTERNAL for what they throw; of the system.
  static Result<std::shared_ptr<LoadedModel>> Load(const OpenRunner& open, const Request& request,
                                                   const ModelSurroundings& around);
  /// Stop() the model and Join() first.
  LoadedModel(const LoadedModel&) = delete;
  LoadedModel& operator=(const LoadedModel&) = delete;
  ~LoadedModel();

  Model& model() { return model_; }
  const AddedModel& facts() const { return facts_; }
  /// For those who run the model as a part of another one.
  const std::shared_ptr<Runner>& runner() const { return runner_; }
  bool keeps_states() const { return states_ != nullptr; }
  /// True once: for the one who is going to end it.
  bool ClaimEnd() { return !ending_.exchange(true); }
  /// Waits for the workers to end.
  void Join();

 private:
  LoadedModel(const Request& request, const ModelSurroundings& around,
              std::unique_ptr<ChannelSet> channels);

  Status Open(const OpenRunner& open, const KernelSide& kernel);
  Status MakeWorkers();
  void Measure();
  Status StartFollowers();
  void FirstThread(const OpenRunner& open, const KernelSide& kernel,
                   const std::function<void(Status)>& opened);

  const uint32_t spin_us_;
  std::atomic<bool> ending_{false};
  Model model_;
  AddedModel facts_;
  std::shared_ptr<Runner> runner_;
  /// Null: the model has none.
  std::unique_ptr<StatePlan> states_;
  std::vector<std::unique_ptr<Worker>> workers_;
  std::thread first_;
  /// Of the workers after the first; made by the first thread before Load() returns.
  std::vector<std::thread> followers_;
};

}  // namespace mlos

#endif  // MLOS_ENGINE_LOADED_MODEL_H_
