#ifndef MLOS_ENGINE_ENGINE_H_
#define MLOS_ENGINE_ENGINE_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"
#include "engine/runner.h"
#include "shm/stats_layout.h"

namespace mlos {

struct BatchOptions {
  enum class Mode { kOff, kFixed, kAuto };
  Mode mode = Mode::kAuto;
  /// The most requests that run together; for kAuto the most that is tried.
  uint32_t max_batch = 32;
  /// How long the first request of a batch may wait for others, in microseconds. 0: a batch is made
  /// of what waits already.
  uint32_t max_delay_us = 0;
};

/// A tensor that a model hands itself from one request of a sequence to the next, as its package
/// declares it.
struct StateSpec {
  std::string input;
  std::string output;
  /// Of the initial state; -1: as many rows as the request has. Left out: the input's own, whose
  /// one dynamic dimension, if it has one, is the rows.
  std::optional<std::vector<int64_t>> shape{};
  /// Of all elements of the initial state.
  double initial = 0;
};

struct SequenceOptions {
  /// Sequences that a model has at once.
  uint32_t max_count = 1024;
  /// Of the states of all of them.
  uint64_t max_bytes = uint64_t{256} << 20;
  /// A sequence without requests for so long is forgotten, in milliseconds.
  uint32_t idle_ms = 60'000;
};

struct ModelOptions {
  /// Class of the model: policy and nice of its threads, default priority of its requests.
  layout::Priority priority = layout::kNormal;
  /// Worker threads, 1 to layout::kMaxWorkers: so many batches run at once.
  uint32_t instances = 1;
  /// Requests that may wait; beyond it the answer is TOO_MANY_REQUESTS.
  uint32_t max_queue = 1024;
  BatchOptions batching;
  /// Empty: a model that keeps nothing from request to request.
  std::vector<StateSpec> states{};
  SequenceOptions sequences{};
  /// CPUs that the workers may use; empty: chosen by class (see kernel_side.h).
  std::vector<int> cpus{};
  /// Of the runner, for the stats page.
  uint32_t intra_op_threads = 0;
  /// The model whose part it is in the statistics; 0: it is one for itself.
  uint32_t part_of = 0;
};

/// Models of the engine that run one after the other as one model.
struct PipelineSpec {
  struct Step {
    /// Of its model, which is in the engine.
    uint32_t handle = 0;
    /// For messages.
    std::string name;
    /// The model's own name of an input or output, and the tensor of the pipeline that it is.
    std::vector<std::pair<std::string, std::string>> inputs;
    std::vector<std::pair<std::string, std::string>> outputs;
  };
  /// Tensors, by name.
  std::vector<std::string> inputs;
  std::vector<std::string> outputs;
  std::vector<Step> steps;
};

/// What was asked of the kernel for a model's threads and memory and whether it was granted.
struct AppliedMeasure {
  /// "affinity", "policy", "nice", "numa", "mlock", "huge_pages".
  std::string name;
  /// "applied", "not available", "refused" or "not needed".
  std::string outcome;
  /// What exactly, or why not.
  std::string detail;
};

struct EngineOptions {
  /// The most microseconds that an idle worker spins before it sleeps; 0 on one-core hosts.
  uint32_t spin_us = 50;
  /// CPUs kept for realtime models; others stay off them. May be empty.
  std::vector<int> reserved_cpus;
  bool lock_memory = false;
};

/// The host's descriptors of a channel whose client is this process itself.
struct OwnChannel {
  /// Of nobody else's: the daemon numbers its channels from 1 on.
  uint64_t id = 0;
  /// Of the model.
  uint32_t handle = 0;
  UniqueFd response_region;
  UniqueFd bell;
  UniqueFd socket;
};

struct AddedModel {
  /// Never 0; what ControlMessage::argument of kOpenChannel names.
  uint32_t handle = 0;
  ModelSignature signature;
  /// Runner::description().
  std::string runner;
  std::vector<AppliedMeasure> measures;
};

/// The engine of one plugin host: channels → per-model queues → batches → runners.
///
/// Threads: each model has `instances` workers. One of them at a time is the leader: it looks at
/// the request rings of the model's channels, sorts what it finds into the queue, takes the next
/// batch and runs it itself; before a run that is expected to be long it passes the leadership on.
/// A monitor thread sleeps on the control socket and on the channels' sockets: new channels, dead
/// clients, cancellations of requests that run.
class Engine {
 public:
  /// `control`: the host's end of the SEQPACKET socket to the daemon (layout::ControlMessage), or
  /// invalid for tests that add channels by hand. Ends itself when the daemon's end is closed.
  static Result<std::unique_ptr<Engine>> Start(UniqueFd control, const EngineOptions& options);
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;
  /// Closes all channels with kPluginUnavailable, waits for what runs.
  ~Engine();

  /// `open` loads the model. It is called on a thread that has the model's policy, nice value and
  /// affinity already, so that the threads which the runtime starts for it inherit them. Blocks
  /// until the model is loaded and, where its shapes allow, `auto` is measured (at most ~1 s).
  /// The signature that it answers is without the states. Errors: TOO_MANY_REQUESTS (kMaxModels),
  /// MODEL_LOAD_FAILED for states that the model has not, and those of `open` and CreateContext().
  Result<AddedModel> AddModel(const std::function<Result<std::unique_ptr<Runner>>()>& open,
                              const ModelOptions& options);
  /// The same with a pipeline, which shares its steps' runners with them and keeps these. Errors:
  /// MODEL_LOAD_FAILED for a graph that cannot be run, or a step that is not here or keeps states.
  Result<AddedModel> AddPipeline(const PipelineSpec& spec, const ModelOptions& options);
  /// The same weights once more, with options (states, say) and a queue of their own. The runner
  /// lives as long as one of the two. Errors: MODEL_NOT_FOUND, those of AddModel().
  Result<AddedModel> AddShared(uint32_t handle, const ModelOptions& options);
  /// Closes the model's channels with `code`, waits for what runs, frees the runner.
  Status RemoveModel(uint32_t handle, layout::StatusCode code);

  /// For a client in this process; the daemon opens all other channels through `control`. Errors:
  /// MODEL_NOT_FOUND, INVALID_ARGUMENT, TOO_MANY_REQUESTS, those of HostChannel::Open.
  Status OpenOwnChannel(OwnChannel channel);
  /// When the client has mapped and sealed its region. Errors: INVALID_ARGUMENT, MODEL_NOT_FOUND,
  /// those of HostChannel::Activate.
  Status ActivateOwnChannel(uint64_t id, UniqueFd request_region);

 private:
  class Impl;
  explicit Engine(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace mlos

#endif  // MLOS_ENGINE_ENGINE_H_
