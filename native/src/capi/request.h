#ifndef MLOS_CAPI_REQUEST_H_
#define MLOS_CAPI_REQUEST_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "capi/mlos.h"
#include "capi/packed_strings.h"
#include "capi/signature.h"
#include "shm/client_channel.h"
#include "shm/layout.h"

namespace mlos::capi {

class Model;

/// One request of an application: its inputs in an arena, and what came of its latest run.
///
/// The application writes to the inputs at `home`, an address that must stay valid. After the model
/// has been attached again that is memory of a channel which is no more, so each run then copies
/// the inputs to a block of the new channel, the `carrier`.
class Request {
 public:
  /// Free: never run, released or given up. Abandoned: under way, and nobody wants the answer.
  enum class State { kIdle, kUnderWay, kAbandoned, kFinished };

  /// Reserves memory for inputs that fit the signature.
  /// Errors: INVALID_ARGUMENT, UNKNOWN_INPUT, INVALID_SHAPE, PAYLOAD_TOO_LARGE.
  static Result<std::unique_ptr<Request>> Create(std::shared_ptr<Model> model,
                                                 std::span<const mlos_input> inputs);
  Request(const Request&) = delete;
  Request& operator=(const Request&) = delete;
  /// Gives its memory back. Not while the host may read or write it: the model sees to that.
  ~Request();

  std::span<std::byte> InputData(uint32_t index);
  /// Errors: UNKNOWN_INPUT, INVALID_DTYPE, INVALID_SHAPE, PAYLOAD_TOO_LARGE.
  Status SetStrings(uint32_t index, const CTexts& texts);
  /// Errors: UNKNOWN_INPUT for a position that no output has.
  Status Select(std::span<const uint32_t> outputs);
  void SetPriority(layout::Priority priority);
  /// An empty id: none. Error: INVALID_ARGUMENT for one that is too long.
  Status SetSequence(std::string_view name, uint32_t flags);

  /// Makes it ready to be submitted through `channel`. Error: PAYLOAD_TOO_LARGE.
  Status Load(const std::shared_ptr<ClientChannel>& channel, uint64_t deadline_ns);
  Result<uint64_t> Submit();

  /// Takes over what came of it.
  void Settle(const Completion& completion);
  void SettleAs(mlos_status status, std::string_view message);
  /// Gives the outputs back.
  void Release();

  const std::vector<mlos_tensor>& outputs() const { return outputs_; }
  const mlos_timing& timing() const { return timing_; }
  mlos_status status() const { return status_; }
  const std::string& message() const { return message_; }
  const std::shared_ptr<Model>& model() const { return model_; }

  /// Whether the host may still look at it.
  bool AtHost() const { return state == State::kUnderWay || state == State::kAbandoned; }
  /// Whether the application waits for an answer, and must not change anything.
  bool InUse() const { return state == State::kUnderWay && !cancelled; }

  /// For the model, which moves a request from state to state.
  State state = State::kIdle;
  uint64_t id = 0;
  uint32_t slot = 0;
  /// Its caller waits for it, so it does not go to the list of finished ones.
  bool awaited = false;
  /// Its caller has asked for its end.
  bool cancelled = false;
  /// Freed by the application while it was under way.
  bool orphaned = false;
  /// Its channel was lost before the host had begun with it.
  bool never_begun = false;

 private:
  struct Place {
    std::shared_ptr<ClientChannel> channel;
    Block block;
  };
  struct Input {
    layout::TensorDescriptor descriptor{};
    /// From the start of the block.
    uint64_t offset = 0;
    uint64_t capacity = 0;
    uint64_t elements = 0;
  };

  explicit Request(std::shared_ptr<Model> model);
  Status AddInput(const mlos_input& input);
  Status Reserve();
  void WriteDescriptors(const Place& place);
  std::byte* At(const Place& place, uint64_t offset) const;
  Input* FindInput(uint32_t index);
  bool TakeOutputs(const Completion& completion);
  uint64_t descriptor_bytes() const {
    const auto inputs = static_cast<uint32_t>(inputs_.size());
    return descriptor_.has_sequence != 0 ? SequenceRequestBytes(inputs) : DescriptorBytes(inputs);
  }

  std::shared_ptr<Model> model_;
  layout::RequestDescriptor descriptor_{};
  layout::SequenceDescriptor sequence_{};
  std::vector<Input> inputs_;
  uint64_t block_bytes_ = 0;
  Place home_;
  Place carrier_;

  std::vector<mlos_tensor> outputs_;
  std::optional<uint64_t> held_;
  mlos_timing timing_{};
  mlos_status status_ = MLOS_FAILED_PRECONDITION;
  std::string message_;
};

}  // namespace mlos::capi

#endif  // MLOS_CAPI_REQUEST_H_
