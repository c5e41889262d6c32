#ifndef MLOS_ENGINE_MODEL_H_
#define MLOS_ENGINE_MODEL_H_

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string_view>
#include <vector>

#include "engine/alarm.h"
#include "engine/auto_tuner.h"
#include "engine/batch_plan.h"
#include "engine/channel_set.h"
#include "engine/engine.h"
#include "engine/model_queue.h"
#include "engine/sequence.h"
#include "engine/state_plan.h"
#include "engine/stats_writer.h"

namespace mlos {

/// What one worker is running. Under the model's lock, but for the context's Run().
struct ActiveRun {
  uint32_t worker = 0;
  RunContext* context = nullptr;
  uint64_t began_ns = 0;
  /// Empty: idle.
  std::vector<Request*> requests;
  bool terminated = false;
};

/// What models need of the engine around them.
struct ModelSurroundings {
  Alarm& alarm;
  /// The monitor's epoll, in which each model's ChannelSet is registered and mostly muted.
  int monitor_epoll;
};

/// One loaded model's requests, from the rings to the runs. One lock; workers and the monitor meet
/// here and nowhere else.
///
/// Intake (taking entries out of rings) is the right of one thread at a time: the leader. That is a
/// worker; or, while all workers are in runs that are long, the monitor, so that deadlines,
/// cancellations and back-pressure are answered meanwhile; or nobody, for a moment. A leader whose
/// run was expected to be short and is not loses it after a while.
class Model {
 public:
  Model(uint32_t handle, const ModelOptions& options, const ModelSurroundings& around,
        std::unique_ptr<ChannelSet> channels, layout::ModelStats* row);

  uint32_t handle() const { return handle_; }
  const ModelOptions& options() const { return options_; }

  // For the monitor and the engine; these lock.

  /// The channel is active. Errors: SHUTTING_DOWN, and those of epoll.
  Status AddChannel(std::shared_ptr<ModelChannel> channel);
  /// Answers what waits and runs with `code` (nothing for kClientGone), and lets go of the channel.
  void RemoveChannel(ModelChannel& channel, layout::StatusCode code);
  void LookAtCancellations(const ModelChannel& channel);
  /// Answers what is past its deadline; returns the next deadline, UINT64_MAX where there is none.
  uint64_t Expire(uint64_t now_ns);
  /// The monitor's intake, when it leads.
  void TakeInForMonitor();
  /// Answers what waits with `code` and takes nothing more; workers end after their runs.
  void Stop(layout::StatusCode code);
  void MoveStats(layout::ModelStats* row);

  // For workers, which hold lock() all the time but in runs and waits.

  std::mutex& lock() { return lock_; }
  std::condition_variable& followers() { return followers_; }
  bool stopping() const { return stopping_; }
  ChannelSet& channels() { return *channels_; }
  StatsWriter& stats() { return stats_; }

  /// Signature, states (null: none) and tuner; before any worker starts.
  void Prepare(const ModelSignature& signature, const StatePlan* states,
               std::unique_ptr<AutoTuner> tuner);
  void AddRun(ActiveRun* run) { runs_.push_back(run); }

  /// Takes the leadership if no other worker has it; whether this one leads now.
  bool Lead(uint32_t worker);
  /// Before a run: gives the leadership to whoever can look after it meanwhile.
  void PassOn(uint32_t worker);
  void WaitAsFollower(std::unique_lock<std::mutex>& held);

  /// Takes what the rings have into the queue.
  void TakeIn(uint64_t now_ns);
  /// When the next batch may be taken: 0 at once, UINT64_MAX when nothing waits.
  uint64_t ReadyAt() const;
  /// Fills in the run; false when nothing is to be run.
  bool TakeBatch(ActiveRun& run, uint64_t now_ns);
  /// Statistics and accounts of a run that is over; its requests are free again.
  void EndRun(ActiveRun& run, std::span<const struct Answered> answers, uint64_t took_ns);
  /// A joined run lost its rows.
  void StopBatching();

  /// The tuner, if it has a run to make and no other worker is at it; give it back with PutTuner().
  AutoTuner* BorrowTuner();
  void PutTuner(uint64_t took_ns);

 private:
  static constexpr uint32_t kNobody = UINT32_MAX;
  static constexpr uint32_t kMonitor = UINT32_MAX - 1;

  using IsMeant = std::function<bool(const Request&)>;

  bool TakeInFrom(const std::shared_ptr<ModelChannel>& channel, uint64_t now_ns);
  void Accept(const std::shared_ptr<ModelChannel>& channel, const layout::RequestEntry& entry,
              uint64_t now_ns);
  void Enqueue(Request* request);
  void MindDeadline(const Request& request);

  // What a request has to do with sequences (turns.cc).

  /// False: the request is answered, or waits for its turn in its sequence.
  bool JoinSequence(Request* request);
  void Hold(Sequence& sequence, Request* request);
  /// False: it cannot run on this state, and is answered.
  bool BeginTurn(Sequence& sequence, Request* request);
  void EndTurn(Request& request, bool succeeded);
  /// Answers held requests with `error`, and those behind one that failed with an error of their
  /// own. `behind_turn`: the turn failed, and the first ones were sent behind it.
  void RefuseHeld(Sequence& sequence, const IsMeant& is_refused, const RequestError& error,
                  bool behind_turn);
  void RefuseAllHeld(const IsMeant& is_refused, const RequestError& error);
  void ForgetSequencesOf(const ModelChannel& channel);

  /// Answers and forgets a request that is in no queue and no run.
  void Refuse(Request* request, layout::StatusCode status, std::string_view text);
  /// Answers a request that runs; its memory stays until the run is over.
  /// False: somebody had answered before.
  bool AnswerEarly(Request& request, layout::StatusCode status, std::string_view text);
  void AnswerRunning(const IsMeant& is_meant, layout::StatusCode status, std::string_view text);
  bool Dismiss(Request* request, uint64_t now_ns);
  void EndUnwantedRun(ActiveRun& run);
  void FillBatch(ActiveRun& run, uint64_t now_ns);
  void GiveToMonitor();
  uint64_t RescueIntake(uint64_t now_ns);
  void WatchFromMonitor(bool watch);
  Request* NewRequest();
  void Recycle(Request* request);
  void ShowQueue();

  const uint32_t handle_;
  const ModelOptions options_;
  const ModelSurroundings around_;

  std::mutex lock_;
  std::condition_variable followers_;
  uint32_t idle_followers_ = 0;
  uint32_t leader_ = kNobody;
  bool stopping_ = false;

  std::unique_ptr<ChannelSet> channels_;
  ModelQueue queue_;
  StatsWriter stats_;
  std::vector<ActiveRun*> runs_;
  std::vector<std::unique_ptr<Request>> requests_;
  std::vector<Request*> free_;
  CheckedRequest checked_;
  size_t first_visited_ = 0;
  /// At most the nearest deadline of what waits.
  uint64_t nearest_deadline_ns_ = UINT64_MAX;

  const ModelSignature* signature_ = nullptr;
  const StatePlan* states_ = nullptr;
  SequenceTable sequences_;
  /// Requests that wait for their turn in their sequence.
  uint32_t held_ = 0;
  BatchPlan plan_;
  std::unique_ptr<AutoTuner> tuner_;
  bool tuner_lent_ = false;
  uint64_t tuner_debt_ns_ = 0;
  uint32_t batch_limit_ = 1;
  /// Of a run as it was lately; 0: there was none.
  uint64_t expected_run_ns_ = 0;
  uint64_t expected_request_ns_ = 0;
};

/// Ends the text of an error of a request that belongs to a sequence.
inline constexpr std::string_view kStateKept = " The sequence's state is what it was before.";

/// What a worker published for one request of a run.
struct Answered {
  layout::StatusCode status = layout::kOk;
  /// False: somebody else had answered before.
  bool published = false;
  uint64_t output_bytes = 0;
  uint64_t run_ns = 0;
  uint32_t batch = 1;
};

}  // namespace mlos

#endif  // MLOS_ENGINE_MODEL_H_
