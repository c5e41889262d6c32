#ifndef MLOS_CAPI_MODEL_H_
#define MLOS_CAPI_MODEL_H_

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "capi/attach.h"
#include "capi/mlos.h"
#include "capi/request.h"
#include "shm/client_channel.h"

namespace mlos::capi {

/// An attached model: the channel, its requests under way, and attaching again.
///
/// 1. A channel that is lost settles every request under way: what the host had begun with the
///    reason, what it had not as MLOS_PLUGIN_UNAVAILABLE. Nothing is asked twice behind the
///    application's back but what an Infer() knows not to have begun, and that once.
/// 2. Only a dead plugin is a reason to attach again. A channel that the daemon took away, or a
/// model
///    that was unloaded, stays away.
/// 3. Functions that return a status have left its text for mlos_last_error().
class Model {
 public:
  struct Options {
    AttachTarget target;
    uint64_t timeout_us = 0;
    uint64_t reattach_timeout_us = 0;
    bool reattach = true;
  };

  static Result<std::shared_ptr<Model>> Open(Options options);
  Model(const Model&) = delete;
  Model& operator=(const Model&) = delete;
  ~Model() = default;

  const Signature& signature() const { return attachment_.signature; }
  const Attachment& attachment() const { return attachment_; }
  const std::shared_ptr<ClientChannel>& channel() const { return channel_; }
  uint64_t reattach_count() const { return reattach_count_; }
  bool closed() const { return closed_; }

  mlos_status Infer(Request& request, uint64_t timeout_us);
  mlos_status Submit(Request& request, uint64_t timeout_us);
  Request* Poll();
  mlos_status Wait(uint64_t timeout_us, Request** request);
  mlos_status WaitFor(Request& request, uint64_t timeout_us);
  mlos_status Cancel(Request& request);
  /// The descriptor to watch; -1 where something is there.
  int Listen();
  void StopListening();

  /// Takes a request over from the application: deletes it as soon as the host is done with it.
  void Dispose(std::unique_ptr<Request> request);
  /// Tells the host that this client is gone, and gives up what is under way. Memory stays mapped
  /// as long as there are requests in it. Idempotent.
  void Close();
  /// MLOS_FAILED_PRECONDITION after Close(); attaches again where the channel is lost and may be.
  mlos_status EnsureChannel(uint64_t deadline_ns);

 private:
  Model(Options options, Attachment attachment);
  mlos_status SubmitBy(Request& request, uint64_t deadline_ns);
  mlos_status InferBy(Request& request, uint64_t deadline_ns);
  mlos_status Reattach(uint64_t deadline_ns);
  uint64_t ReattachDeadline(uint64_t deadline_ns) const;
  Status Adopt(Attachment attachment);
  /// Waits until something was settled; false at the deadline.
  bool Await(uint64_t deadline_ns);
  /// Takes every completion that is there.
  void Drain();
  void Settle(const Completion& completion);
  /// Gives a settled request to whoever waits for it.
  void Finish(Request& request);
  void LoseChannel();
  void Withdraw(Request& request);
  bool MayReattach() const;
  mlos_status Outcome(const Request& request) const;

  const Options options_;
  Attachment attachment_;
  std::shared_ptr<ClientChannel> channel_;
  std::array<Request*, layout::kSlots> under_way_{};
  uint32_t under_way_count_ = 0;
  /// Finished and not yet told, in order.
  std::vector<Request*> finished_;
  Completion completion_;
  uint64_t reattach_count_ = 0;
  uint32_t empty_polls_ = 0;
  bool closed_ = false;
};

}  // namespace mlos::capi

#endif  // MLOS_CAPI_MODEL_H_
