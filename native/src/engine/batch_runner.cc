#include "engine/batch_runner.h"

#include <algorithm>
#include <exception>

#include "base/clock.h"
#include "engine/channel_set.h"
#include "shm/status_code.h"

namespace mlos {
namespace {

void Fail(Outcome& outcome, RequestError error) {
  outcome.status = error.status;
  outcome.text = std::move(error.text);
}

}  // namespace

BatchRunner::BatchRunner(const ModelSignature& signature, RunContext& context,
                         StatefulContext* stateful)
    : signature_(signature),
      context_(context),
      states_(stateful),
      joined_(signature.outputs.size()) {}

std::span<Outcome> BatchRunner::Run(std::span<Request* const> requests) {
  if (outcomes_.size() < requests.size()) outcomes_.resize(requests.size());
  const std::span<Outcome> outcomes(outcomes_.data(), requests.size());
  for (Outcome& outcome : outcomes) {
    outcome.status = layout::kOk;
    outcome.text.clear();
    outcome.block = {};
    outcome.output_bytes = 0;
    outcome.run_ns = 0;
    outcome.batch = static_cast<uint32_t>(requests.size());
  }
  if (requests.size() > 1 && RunJoined(requests)) return outcomes;
  for (size_t i = 0; i < requests.size(); ++i) {
    outcomes[i].batch = 1;
    // Its deadline may have passed while the others were tried.
    if (!requests[i]->answered.load(std::memory_order_relaxed)) {
      RunSingle(*requests[i], outcomes[i]);
    } else {
      outcomes[i].status = layout::kCancelled;
    }
  }
  return outcomes;
}

void BatchRunner::ReserveStates(const Request& request, Outcome& outcome) {
  if (request.sequence->table->Grow(request.sequence->bytes, BytesOf(outcome.states))) return;
  request.channel->host->FreeResult(outcome.block);
  outcome.block = {};
  Fail(outcome,
       {layout::kTooManyRequests, "The states of the model's sequences would take more than " +
                                      std::to_string(request.sequence->table->options().max_bytes) +
                                      " bytes; end some of them."});
}

void BatchRunner::SettleStates(Request& request, Outcome& outcome, bool published) {
  Sequence& sequence = *request.sequence;
  if (outcome.status != layout::kOk) return;
  const uint64_t bytes = BytesOf(outcome.states);
  if (!published) return sequence.table->Shrink(std::max(bytes, sequence.bytes), sequence.bytes);
  sequence.table->Shrink(sequence.bytes, bytes);
  sequence.states.swap(outcome.states);
  sequence.bytes = bytes;
  sequence.rows = request.state_rows;
  sequence.begun = true;
}

RequestError BatchRunner::RunContextOnce(std::span<const TensorView> inputs,
                                         std::span<const uint32_t> outputs, OutputSink& sink,
                                         uint64_t& run_ns) {
  const uint64_t began = MonotonicNanos();
  RequestError error{layout::kOk, ""};
  try {
    const Status status = context_.Run({.inputs = inputs, .outputs = outputs}, sink);
    if (!status.ok()) error = {StatusOfName(status.error().code), status.error().message};
  } catch (const std::exception& failure) {
    error = {layout::kInternal, std::string("The runtime failed: ") + failure.what()};
  }
  run_ns = MonotonicNanos() - began;
  return error;
}

void BatchRunner::RunSingle(Request& request, Outcome& outcome) {
  if (auto error = gatherer_.Single(request)) return Fail(outcome, std::move(*error));
  ModelChannel& channel = *request.channel;
  answer_.Begin(*channel.host, channel.answer_room, request.outputs);
  Request* const alone = &request;
  if (states_.active()) states_.Give({&alone, 1});
  RequestError error = RunContextOnce(gatherer_.inputs(), request.outputs, answer_, outcome.run_ns);
  if (error.status == layout::kOk) {
    if (const std::optional<ResultBlock> block = answer_.Finish()) {
      outcome.block = *block;
      outcome.output_bytes = answer_.output_bytes();
      if (states_.active()) {
        states_.Take(outcome.states);
        ReserveStates(request, outcome);
      }
      return;
    }
    error = answer_.error();
  } else {
    // The runner knows that there was no room, the block how much was asked for.
    if (answer_.error().status != layout::kOk) error = answer_.error();
    answer_.Drop();
  }
  gatherer_.Trim();
  Fail(outcome, std::move(error));
}

bool BatchRunner::RunJoined(std::span<Request* const> requests) {
  const std::vector<uint32_t>& outputs = requests.front()->outputs;
  uint64_t rows = 0;
  for (const Request* request : requests) rows += request->rows;
  gatherer_.Join(signature_, requests);
  if (states_.active()) states_.Give(requests);
  joined_.Clear();
  uint64_t run_ns = 0;
  if (RunContextOnce(gatherer_.inputs(), outputs, joined_, run_ns).status != layout::kOk) {
    return false;
  }
  if (!joined_.HasRows(outputs, rows)) {
    lost_rows_ = true;
    return false;
  }
  uint64_t first = 0;
  for (size_t i = 0; i < requests.size(); ++i) {
    const Request& request = *requests[i];
    Outcome& outcome = outcomes_[i];
    outcome.run_ns = run_ns;
    answer_.Begin(*request.channel->host, request.channel->answer_room, outputs);
    const bool fits = joined_.Scatter(outputs, first, request.rows, answer_);
    const std::optional<ResultBlock> block = fits ? answer_.Finish() : std::nullopt;
    if (block) {
      outcome.block = *block;
      outcome.output_bytes = answer_.output_bytes();
      if (states_.active()) {
        states_.TakeRows(first, request.rows, outcome.states);
        ReserveStates(request, outcome);
      }
    } else {
      if (!fits) answer_.Drop();
      Fail(outcome, answer_.error());
    }
    first += request.rows;
  }
  return true;
}

}  // namespace mlos
