#ifndef MLOS_NAPI_CHANNEL_CLIENT_H_
#define MLOS_NAPI_CHANNEL_CLIENT_H_

#include <array>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "napi/answer_view.h"
#include "napi/channel_mailbox.h"
#include "shm/client_channel.h"

namespace mlos::binding {

/// The longest spin that a caller may ask for, in microseconds.
inline constexpr uint32_t kMaxSpinMicros = 1'000'000;

/// A client's channel as JavaScript drives it: every number comes in as a double and every result
/// lies in the mailbox, so that one call is one request.
///
/// 1. A request lives in a prepared block, whose descriptor is written once. The block is busy from
///    Submit() until its completion has been taken, however long that is: the host reads it.
/// 2. A completion is taken from the channel once, and accounted for then (rule 1). Those that come
///    while RunSync() waits for another one are kept for Poll().
/// 3. The answer to a request that RunSync() has given up is released and not shown.
/// 4. Blocks that JavaScript has released wait in the mailbox and go with the next call, before
///    what the call itself publishes.
class ChannelClient {
 public:
  static Result<std::unique_ptr<ChannelClient>> Open(ClientChannel::Files files, uint32_t spin_us);

  /// The request described in the mailbox as a block: its number, or kNoRoom, kInvalid.
  double Prepare();
  void Free(double prepared);
  /// From now on the block's requests belong to this sequence (layout::SequenceFlag); an empty id:
  /// to none. 0 or a CallFault.
  double SetSequence(double prepared, std::string_view id, uint32_t flags);

  /// The id, or a CallFault. Deadlines are in nanoseconds of CLOCK_MONOTONIC, 0 for none.
  double Submit(double prepared, double deadline_ns);
  /// 0: the answer is in the mailbox. Else the id, or a CallFault.
  double SubmitAndSpin(double prepared, double spin_us, double deadline_ns);
  /// 0: the answer is in the mailbox. Else a CallFault. 0 milliseconds wait for ever.
  double RunSync(double prepared, double timeout_ms);
  /// 1: an answer is in the mailbox. 0: none is there.
  double Poll();
  /// 1: Poll() may have something.
  double Spin(double spin_us);

  void Flush();
  bool Listen();

  /// Null after Close().
  ClientChannel* channel() { return channel_.get(); }
  const std::shared_ptr<Mapping>& answers() const { return view_->mapping(); }
  const std::shared_ptr<ChannelMailbox>& mailbox() const { return mailbox_; }
  /// Text of the error that is in the mailbox.
  const std::string& message() const { return current_.message; }

  void Close();

 private:
  struct Prepared {
    Block block;
    /// Without the sequence.
    uint64_t descriptor_bytes = 0;
    bool has_sequence = false;
    /// Of the request that is unanswered; 0: none, the block may be written.
    uint64_t request_id = 0;
    bool in_use = false;
    bool freed = false;
    bool abandoned = false;
  };

  ChannelClient(std::unique_ptr<ClientChannel> channel, std::unique_ptr<AnswerView> view);

  Prepared* Find(double prepared);
  double Publish(Prepared& prepared, uint64_t deadline_ns);
  uint32_t Store(const Prepared& prepared);
  void Recycle(uint32_t index);
  /// Takes completions until that of `request_id` is in `current_` (true) or none is left.
  bool TakeUntil(uint64_t request_id);
  bool Account(const Completion& completion);
  void Show();

  std::unique_ptr<ClientChannel> channel_;
  std::unique_ptr<AnswerView> view_;
  const std::shared_ptr<ChannelMailbox> mailbox_ = std::make_shared<ChannelMailbox>();
  std::vector<Prepared> prepared_;
  std::vector<uint32_t> unused_;
  /// Which of prepared_ the unanswered request of each slot lies in.
  std::array<uint32_t, layout::kSlots> owners_{};
  Completion current_;
  std::deque<Completion> kept_;
};

}  // namespace mlos::binding

#endif  // MLOS_NAPI_CHANNEL_CLIENT_H_
