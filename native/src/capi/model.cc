#include "capi/model.h"

#include <sys/socket.h>

#include <algorithm>
#include <limits>
#include <utility>

#include "base/clock.h"
#include "capi/error_codes.h"
#include "shm/status_code.h"

namespace mlos::capi {
namespace {

constexpr uint64_t kNanosPerMicro = 1000;
constexpr uint64_t kAttachTimeoutUs = 300'000'000;
constexpr uint64_t kReattachTimeoutUs = 10'000'000;

constexpr uint32_t kPollsPerLook = 256;

/// On CLOCK_MONOTONIC; 0: none, as in the descriptor.
uint64_t DeadlineAfter(uint64_t timeout_us) {
  if (timeout_us == 0) return 0;
  const uint64_t now = MonotonicNanos();
  const uint64_t most = (std::numeric_limits<uint64_t>::max() - now) / kNanosPerMicro;
  return now + std::min(timeout_us, most) * kNanosPerMicro;
}

mlos_status Late() {
  return Fail(MLOS_DEADLINE_EXCEEDED, "The answer was not there within the time allowed.");
}

}  // namespace

Model::Model(Options options, Attachment attachment)
    : options_(std::move(options)),
      attachment_(std::move(attachment)),
      channel_(std::move(attachment_.channel)) {
  finished_.reserve(layout::kSlots);
}

Result<std::shared_ptr<Model>> Model::Open(Options options) {
  if (options.timeout_us == 0) options.timeout_us = kAttachTimeoutUs;
  if (options.reattach_timeout_us == 0) options.reattach_timeout_us = kReattachTimeoutUs;
  auto attachment = Attach(options.target, DeadlineAfter(options.timeout_us));
  if (!attachment.ok()) return attachment.error();
  return std::shared_ptr<Model>(new Model(std::move(options), std::move(attachment).value()));
}

uint64_t Model::ReattachDeadline(uint64_t deadline_ns) const {
  const uint64_t own = DeadlineAfter(options_.reattach_timeout_us);
  return deadline_ns == 0 ? own : std::min(own, deadline_ns);
}

mlos_status Model::EnsureChannel(uint64_t deadline_ns) {
  if (closed_) return Fail(MLOS_FAILED_PRECONDITION, "The model has been closed.");
  if (channel_->state() != layout::kClosed) return MLOS_OK;
  LoseChannel();
  if (channel_->inherited()) {
    return Fail(MLOS_FAILED_PRECONDITION,
                "The model was attached by the parent process; after fork() attach in the child.");
  }
  if (MayReattach()) return Reattach(deadline_ns);
  const layout::StatusCode code = channel_->close_code();
  return Fail(static_cast<mlos_status>(code),
              "The channel to the model has been closed: " + std::string(StatusName(code)) + ".");
}

mlos_status Model::SubmitBy(Request& request, uint64_t deadline_ns) {
  if (request.InUse()) return Fail(MLOS_FAILED_PRECONDITION, "The request is under way.");
  if (mlos_status status = EnsureChannel(deadline_ns); status != MLOS_OK) return status;
  // The host may still work on what was given up; nothing else can be asked with that memory.
  while (request.AtHost()) {
    if (!Await(deadline_ns)) return Late();
  }
  Withdraw(request);
  request.Release();
  // A channel may be found to be lost only when it is used; the second one is new.
  for (int attempt = 0; attempt < 2; ++attempt) {
    if (mlos_status status = EnsureChannel(deadline_ns); status != MLOS_OK) return status;
    if (Status loaded = request.Load(channel_, deadline_ns); !loaded.ok()) {
      return Fail(loaded.error());
    }
    Result<uint64_t> id = request.Submit();
    if (id.ok()) {
      request.id = id.value();
      request.slot = *channel_->SlotOf(request.id);
      request.state = Request::State::kUnderWay;
      request.never_begun = false;
      request.cancelled = false;
      under_way_[request.slot] = &request;
      ++under_way_count_;
      return MLOS_OK;
    }
    if (id.error().code != "CHANNEL_CLOSED") return Fail(id.error());
  }
  return Fail(MLOS_PLUGIN_UNAVAILABLE, "The channel was lost as soon as it was there.");
}

mlos_status Model::Submit(Request& request, uint64_t timeout_us) {
  request.awaited = false;
  return SubmitBy(request, DeadlineAfter(timeout_us));
}

mlos_status Model::Infer(Request& request, uint64_t timeout_us) {
  const uint64_t deadline_ns = DeadlineAfter(timeout_us);
  mlos_status status = InferBy(request, deadline_ns);
  if (request.state == Request::State::kFinished && request.never_begun && MayReattach()) {
    status = InferBy(request, deadline_ns);
  }
  return status;
}

mlos_status Model::InferBy(Request& request, uint64_t deadline_ns) {
  if (mlos_status status = SubmitBy(request, deadline_ns); status != MLOS_OK) return status;
  request.awaited = true;
  while (request.state == Request::State::kUnderWay) {
    if (Await(deadline_ns)) continue;
    channel_->Cancel(request.id);
    request.state = Request::State::kAbandoned;
    return Late();
  }
  return Outcome(request);
}

mlos_status Model::Outcome(const Request& request) const {
  if (request.state != Request::State::kFinished) {
    return Fail(MLOS_FAILED_PRECONDITION, "The request has no answer.");
  }
  if (request.status() == MLOS_OK) return MLOS_OK;
  return Fail(request.status(), request.message());
}

bool Model::Await(uint64_t deadline_ns) {
  switch (channel_->Wait(deadline_ns)) {
    case ClientChannel::WaitResult::kReady:
      Drain();
      return true;
    case ClientChannel::WaitResult::kClosed:
      LoseChannel();
      return true;
    case ClientChannel::WaitResult::kTimeout:
      return false;
  }
  return false;
}

void Model::Drain() {
  while (channel_->PollInto(completion_)) Settle(completion_);
}

void Model::Settle(const Completion& completion) {
  Request* request = under_way_[completion.slot];
  if (request == nullptr || request->id != completion.request_id) {
    // The channel has checked both, so this is what nobody is there for any more.
    if (completion.offset.has_value()) channel_->Release(*completion.offset);
    return;
  }
  const bool wanted = request->state == Request::State::kUnderWay;
  request->Settle(completion);
  if (!wanted) request->state = Request::State::kAbandoned;
  Finish(*request);
}

void Model::Finish(Request& request) {
  under_way_[request.slot] = nullptr;
  --under_way_count_;
  if (request.orphaned) {
    // Its owner gave it to Dispose().
    std::unique_ptr<Request> owned(&request);
  } else if (request.state == Request::State::kAbandoned) {
    request.Release();
    request.state = Request::State::kIdle;
  } else if (!request.awaited) {
    finished_.push_back(&request);
  }
}

void Model::LoseChannel() {
  Drain();
  if (under_way_count_ == 0) return;
  const layout::StatusCode code = channel_->close_code();
  const bool again = !closed_ && MayReattach();
  for (Request* request : under_way_) {
    if (request == nullptr) continue;
    const bool wanted = request->state == Request::State::kUnderWay;
    request->never_begun = again && !channel_->WasBegun(request->id);
    if (request->never_begun) {
      request->SettleAs(MLOS_PLUGIN_UNAVAILABLE,
                        "The plugin died before it began with this request; ask again.");
    } else if (!closed_ && code == layout::kPluginCrashed) {
      request->SettleAs(MLOS_PLUGIN_CRASHED, "The plugin died while it worked on this request.");
    } else if (closed_) {
      request->SettleAs(MLOS_CANCELLED, "The model was closed before the answer was there.");
    } else {
      request->SettleAs(static_cast<mlos_status>(code),
                        "The channel to the model was closed: " + std::string(StatusName(code)));
    }
    if (!wanted) request->state = Request::State::kAbandoned;
    Finish(*request);
  }
}

void Model::Withdraw(Request& request) {
  const auto found = std::find(finished_.begin(), finished_.end(), &request);
  if (found != finished_.end()) finished_.erase(found);
}

Request* Model::Poll() {
  if (!closed_) {
    Drain();
    // A dead host does not say so, and looking for it is a system call.
    if (finished_.empty() && ++empty_polls_ % kPollsPerLook == 0) channel_->CheckPeer();
    if (channel_->state() == layout::kClosed) LoseChannel();
  }
  if (finished_.empty()) return nullptr;
  Request* first = finished_.front();
  finished_.erase(finished_.begin());
  return first;
}

mlos_status Model::Wait(uint64_t timeout_us, Request** request) {
  const uint64_t deadline_ns = DeadlineAfter(timeout_us);
  for (;;) {
    *request = Poll();
    if (*request != nullptr) return MLOS_OK;
    if (under_way_count_ == 0) {
      return Fail(MLOS_FAILED_PRECONDITION, "No request of the model is under way.");
    }
    if (!Await(deadline_ns)) return Late();
  }
}

mlos_status Model::WaitFor(Request& request, uint64_t timeout_us) {
  const uint64_t deadline_ns = DeadlineAfter(timeout_us);
  request.awaited = true;
  while (request.state == Request::State::kUnderWay) {
    if (Await(deadline_ns)) continue;
    request.awaited = false;
    return Late();
  }
  Withdraw(request);
  return Outcome(request);
}

mlos_status Model::Cancel(Request& request) {
  if (request.state == Request::State::kUnderWay && !closed_) {
    channel_->Cancel(request.id);
    request.cancelled = true;
  }
  return MLOS_OK;
}

int Model::Listen() {
  if (closed_ || !finished_.empty()) return -1;
  return channel_->ListenOnSocket() ? channel_->socket_fd() : -1;
}

void Model::StopListening() {
  if (closed_) return;
  channel_->StopListening();
  channel_->CheckPeer();
}

void Model::Dispose(std::unique_ptr<Request> request) {
  Withdraw(*request);
  if (!request->AtHost()) return;
  if (request->state == Request::State::kUnderWay) channel_->Cancel(request->id);
  request->state = Request::State::kAbandoned;
  request->orphaned = true;
  // Finish() deletes it: till then its memory cannot be given to anybody else.
  static_cast<void>(request.release());
}

void Model::Close() {
  if (std::exchange(closed_, true)) return;
  // The descriptors stay open as long as the mappings; the host hears of the end by this.
  if (!channel_->inherited()) ::shutdown(channel_->socket_fd(), SHUT_RDWR);
  LoseChannel();
  finished_.clear();
}

}  // namespace mlos::capi
