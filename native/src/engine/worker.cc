#include "engine/worker.h"

#include <unistd.h>

#include <algorithm>

#include "base/clock.h"

namespace mlos {

Worker::Worker(Model& model, const ModelSignature& signature, Context context, uint32_t index,
               uint32_t spin_us)
    : model_(model),
      context_(std::move(context.run)),
      runner_(signature, *context_, context.stateful),
      spin_(uint64_t{spin_us} * 1000) {
  run_.worker = index;
  run_.context = context_.get();
  model.AddRun(&run_);
}

void Worker::Main() {
  std::unique_lock held(model_.lock());
  model_.stats().SetThread(run_.worker, static_cast<uint32_t>(::gettid()));
  while (!model_.stopping()) {
    const bool leads = model_.Lead(run_.worker);
    const uint64_t now = MonotonicNanos();
    if (leads) model_.TakeIn(now);
    const uint64_t ready_at = model_.ReadyAt();
    if (Tune(held)) continue;
    if (ready_at <= now && model_.TakeBatch(run_, now)) {
      Serve(held, now);
    } else if (leads) {
      WaitForWork(held, ready_at);
    } else {
      ForgetChannels();
      model_.WaitAsFollower(held);
    }
  }
  model_.stats().SetThread(run_.worker, 0);
}

void Worker::Serve(std::unique_lock<std::mutex>& held, uint64_t began_ns) {
  model_.PassOn(run_.worker);
  held.unlock();
  const std::span<Outcome> outcomes = runner_.Run(run_.requests);
  answers_.resize(run_.requests.size());
  uint64_t took_ns = 0;
  for (size_t i = 0; i < outcomes.size(); ++i) {
    Publish(*run_.requests[i], outcomes[i], began_ns, answers_[i]);
    took_ns = outcomes[i].batch > 1 ? outcomes[i].run_ns : took_ns + outcomes[i].run_ns;
  }
  held.lock();
  if (runner_.lost_rows()) model_.StopBatching();
  model_.EndRun(run_, answers_, took_ns);
}

void Worker::Publish(Request& request, Outcome& outcome, uint64_t began_ns, Answered& answer) {
  HostChannel& host = *request.channel->host;
  answer = {.status = outcome.status,
            .published = !request.answered.exchange(true, std::memory_order_acq_rel),
            .output_bytes = outcome.output_bytes,
            .run_ns = outcome.run_ns,
            .batch = outcome.batch};
  if (request.sequence != nullptr) BatchRunner::SettleStates(request, outcome, answer.published);
  if (!answer.published) {
    if (outcome.status == layout::kOk) host.FreeResult(outcome.block);
    return;
  }
  if (outcome.status != layout::kOk) {
    if (request.sequence != nullptr) outcome.text += kStateKept;
    host.CompleteError(request.id, request.slot, outcome.status, outcome.text, outcome.run_ns);
    return;
  }
  layout::CompletionEntry entry{};
  entry.request_id = request.id;
  entry.slot = request.slot;
  entry.status = layout::kOk;
  entry.offset = outcome.block.offset;
  entry.byte_length = outcome.block.bytes.size();
  entry.queue_ns = began_ns - request.taken_ns;
  entry.run_ns = outcome.run_ns;
  entry.batch = outcome.batch;
  // False where the channel has been closed meanwhile, which has freed the block.
  host.Complete(entry);
}

bool Worker::Tune(std::unique_lock<std::mutex>& held) {
  AutoTuner* tuner = model_.BorrowTuner();
  if (tuner == nullptr) return false;
  model_.PassOn(run_.worker);
  held.unlock();
  const uint64_t began = MonotonicNanos();
  tuner->Step(*context_);
  const uint64_t took = MonotonicNanos() - began;
  held.lock();
  model_.PutTuner(took);
  return true;
}

bool Worker::Spin(uint64_t until_ns, uint64_t began_ns, uint32_t wakes) const {
  const uint64_t left = until_ns > began_ns ? until_ns - began_ns : 0;
  return SpinUntil(std::min(spin_.budget_ns(), left), [&] {
    return model_.channels().wakes() != wakes || ChannelSet::HasEntries(seen_);
  });
}

void Worker::ForgetChannels() {
  seen_.clear();
  seen_version_ = UINT32_MAX;
}

void Worker::WaitForWork(std::unique_lock<std::mutex>& held, uint64_t until_ns) {
  ChannelSet& channels = model_.channels();
  if (seen_version_ != channels.version()) {
    seen_ = channels.list();
    seen_version_ = channels.version();
  }
  const uint32_t wakes = channels.wakes();
  held.unlock();
  const uint64_t began = MonotonicNanos();
  const bool found = Spin(until_ns, began, wakes);
  held.lock();
  if (found) return spin_.Learn(MonotonicNanos() - began);
  // From here on clients ring. What came before that is seen now, by this look.
  channels.SetSleeping(true);
  if (channels.wakes() == wakes && !channels.HasEntries()) {
    held.unlock();
    ForgetChannels();
    channels.Sleep(until_ns);
    held.lock();
  }
  channels.SetSleeping(false);
  spin_.Learn(MonotonicNanos() - began);
}

}  // namespace mlos
