// Model's sequences: whose turn it is, and what becomes of those behind one that failed.
//
// 1. At most one request of a sequence is queued or runs; the others are held in their order. So no
//    two of them ever share a run or overtake each other, whatever their classes are.
// 2. A sequence's state changes only by a request whose answer was published. Where one fails,
//    those that were sent behind it would run on a state that lacks it: they are refused, up to the
//    next one that starts anew, or that was sent when the failure was known.
#include <algorithm>
#include <string>
#include <utility>

#include "base/clock.h"
#include "engine/model.h"

namespace mlos {
namespace {

constexpr std::string_view kNoStates =
    "The model keeps nothing from request to request; leave the sequence out.";
constexpr std::string_view kNoSequence =
    "The model keeps a state from request to request: say which sequence this one belongs to, and "
    "with start where that begins.";
constexpr std::string_view kBehindFailed =
    "An earlier request of the sequence failed, so that this one was not run.";

RequestError Unknown(const SequenceOptions& options) {
  return {layout::kFailedPrecondition,
          "The model has no such sequence: it was not started, has ended, had no request for " +
              std::to_string(options.idle_ms) +
              " ms, or began before the model was loaded again. Begin it with start."};
}

RequestError OtherRows(uint64_t has, uint64_t came) {
  return {layout::kInvalidShape, "The sequence began with " + std::to_string(has) +
                                     " rows, but a request with " + std::to_string(came) +
                                     " came."};
}

RequestError TooLarge(const SequenceOptions& options) {
  return {layout::kTooManyRequests, "The sequence's state would take more than the " +
                                        std::to_string(options.max_bytes) +
                                        " bytes that all sequences of the model may take."};
}

RequestError TooMany(const SequenceOptions& options) {
  return {layout::kTooManyRequests, "The model has " + std::to_string(options.max_count) +
                                        " sequences, the most it may have: end some of them."};
}

}  // namespace

bool Model::JoinSequence(Request* request) {
  const std::optional<SequenceMark>& mark = checked_.sequence;
  if (states_ == nullptr || !mark) {
    if (states_ == nullptr && !mark) return true;
    Refuse(request, layout::kInvalidArgument, mark ? kNoStates : kNoSequence);
    return false;
  }
  request->starts = mark->starts;
  request->ends = mark->ends;
  request->state_rows = states_->RowsOf(request->inputs);
  const ModelChannel* channel = request->channel.get();
  const ModelChannel* owner = channel->shares_sequences ? nullptr : channel;
  Sequence* sequence = sequences_.Find(owner, mark->id());
  if (sequence == nullptr && request->starts) {
    sequence = sequences_.Create(owner, mark->id());
    const uint64_t idle_ns = uint64_t{sequences_.options().idle_ms} * 1'000'000;
    around_.alarm.SetAtMost(request->taken_ns + idle_ns);
  }
  if (sequence == nullptr) {
    const SequenceOptions& options = sequences_.options();
    const RequestError error = request->starts ? TooMany(options) : Unknown(options);
    Refuse(request, error.status, error.text);
    return false;
  }
  if (sequence->turn != nullptr) {
    Hold(*sequence, request);
    return false;
  }
  return BeginTurn(*sequence, request);
}

void Model::Hold(Sequence& sequence, Request* request) {
  if (queue_.size() + held_ >= queue_.max_waiting()) {
    return Refuse(request, layout::kTooManyRequests, "The model's queue is full.");
  }
  const bool answered = sequence.turn->answered.load(std::memory_order_acquire);
  request->came_after = answered ? sequence.turns : 0;
  request->next_held = nullptr;
  (sequence.last_held == nullptr ? sequence.first_held : sequence.last_held->next_held) = request;
  sequence.last_held = request;
  ++held_;
  MindDeadline(*request);
}

bool Model::BeginTurn(Sequence& sequence, Request* request) {
  sequence.turn = request;
  ++sequence.turns;
  request->sequence = &sequence;
  request->state_bytes = sequence.bytes;
  std::optional<RequestError> error;
  if (request->starts) {
    const std::optional<uint64_t> bytes = states_->InitialBytes(request->state_rows);
    if (!bytes || *bytes > sequences_.options().max_bytes) error = TooLarge(sequences_.options());
    request->state_bytes = bytes.value_or(0);
  } else if (!sequence.begun) {
    error = Unknown(sequences_.options());
  } else if (sequence.rows != request->state_rows) {
    error = OtherRows(sequence.rows, request->state_rows);
  }
  if (error) Refuse(request, error->status, error->text);
  return !error;
}

void Model::EndTurn(Request& request, bool succeeded) {
  Sequence& sequence = *std::exchange(request.sequence, nullptr);
  if (!succeeded) {
    const auto none = [](const Request&) { return false; };
    RefuseHeld(sequence, none, {layout::kFailedPrecondition, ""}, true);
  } else if (request.ends) {
    sequences_.Shrink(std::exchange(sequence.bytes, 0), 0);
    sequence.states.clear();
    sequence.begun = false;
  }
  sequence.used_ns = MonotonicNanos();
  Request* const next = sequence.first_held;
  if (next == nullptr) {
    sequence.turn = nullptr;
    if (!sequence.begun || sequence.doomed) sequences_.Erase(sequence);
    return;
  }
  sequence.first_held = next->next_held;
  if (sequence.first_held == nullptr) sequence.last_held = nullptr;
  --held_;
  // Where it cannot begin, its refusal ends its turn.
  if (BeginTurn(sequence, next)) Enqueue(next);
}

void Model::RefuseHeld(Sequence& sequence, const IsMeant& is_refused, const RequestError& error,
                       bool behind_turn) {
  Request* request = std::exchange(sequence.first_held, nullptr);
  sequence.last_held = nullptr;
  bool behind_refused = false;
  while (request != nullptr) {
    Request* const next = request->next_held;
    const bool meant = is_refused(*request);
    behind_turn = behind_turn && !request->starts && request->came_after != sequence.turns;
    behind_refused = meant || (behind_refused && !request->starts);
    --held_;
    if (meant) {
      Refuse(request, error.status, error.text);
    } else if (behind_turn || behind_refused) {
      Refuse(request, layout::kFailedPrecondition, kBehindFailed);
    } else {
      request->next_held = nullptr;
      (sequence.last_held == nullptr ? sequence.first_held : sequence.last_held->next_held) =
          request;
      sequence.last_held = request;
      ++held_;
    }
    request = next;
  }
}

void Model::RefuseAllHeld(const IsMeant& is_refused, const RequestError& error) {
  if (held_ == 0) return;
  sequences_.ForEach([&](Sequence& sequence) {
    if (sequence.first_held != nullptr) RefuseHeld(sequence, is_refused, error, false);
  });
}

void Model::ForgetSequencesOf(const ModelChannel& channel) {
  if (channel.shares_sequences) return;
  sequences_.ForEach([&](Sequence& sequence) {
    if (sequence.owner != &channel) return;
    sequence.doomed = true;
    if (sequence.turn == nullptr) sequences_.Erase(sequence);
  });
}

}  // namespace mlos
