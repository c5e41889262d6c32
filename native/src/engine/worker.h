#ifndef MLOS_ENGINE_WORKER_H_
#define MLOS_ENGINE_WORKER_H_

#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

#include "engine/batch_runner.h"
#include "engine/model.h"
#include "engine/runner.h"
#include "shm/adaptive_spin.h"

namespace mlos {

/// One thread that runs one model's requests. Leads where nobody else does (see Model): looks at
/// the rings, takes a batch and runs it itself, so that from ring to run nothing is handed from
/// thread to thread.
class Worker {
 public:
  struct Context {
    std::unique_ptr<RunContext> run;
    /// `run` itself, where it has states; else null.
    StatefulContext* stateful = nullptr;
  };

  /// `spin_us`: the most microseconds that an idle worker spins before it sleeps.
  Worker(Model& model, const ModelSignature& signature, Context context, uint32_t index,
         uint32_t spin_us);

  RunContext& context() { return *context_; }
  /// Runs until the model stops.
  void Main();

 private:
  void Serve(std::unique_lock<std::mutex>& held, uint64_t began_ns);
  bool Tune(std::unique_lock<std::mutex>& held);
  void WaitForWork(std::unique_lock<std::mutex>& held, uint64_t until_ns);
  bool Spin(uint64_t until_ns, uint64_t began_ns, uint32_t wakes) const;
  /// Before a long sleep: a channel's memory goes with its last holder, and its client may go now.
  void ForgetChannels();
  void Publish(Request& request, Outcome& outcome, uint64_t began_ns, Answered& answer);

  Model& model_;
  const std::unique_ptr<RunContext> context_;
  BatchRunner runner_;
  ActiveRun run_;
  std::vector<Answered> answers_;
  AdaptiveSpin spin_;
  /// The model's channels as they were at `seen_version_`: what is looked at without the lock.
  ChannelSet::List seen_;
  uint32_t seen_version_ = UINT32_MAX;
};

}  // namespace mlos

#endif  // MLOS_ENGINE_WORKER_H_
