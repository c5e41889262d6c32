#ifndef MLOS_ENGINE_ANSWER_BLOCK_H_
#define MLOS_ENGINE_ANSWER_BLOCK_H_

#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "engine/aligned_buffer.h"
#include "engine/request.h"
#include "engine/runner.h"
#include "shm/host_channel.h"

namespace mlos {

/// Puts one request's outputs into the channel's response arena: descriptor, tensors, elements, all
/// in one block, which the client releases as one.
///
/// How long the outputs will be is often known only as they come. So the block is made as long as
/// the last answers of this worker were, the end that is left over is given back, and an output
/// that does not fit goes to private memory and is copied into a longer block at the end.
class AnswerBlock final : public OutputSink {
 public:
  /// `max_bytes`: length of the response arena.
  void Begin(HostChannel& channel, uint64_t max_bytes, std::span<const uint32_t> wanted);

  std::span<std::byte> Allocate(uint32_t index, Dtype dtype, const Shape& shape,
                                uint64_t byte_length) override;

  /// Writes the descriptors and hands the block over; nullopt with error() set where that cannot
  /// be: kPayloadTooLarge, kTooManyRequests (too much unreleased), kInternal (an output is
  /// missing).
  std::optional<ResultBlock> Finish();
  const RequestError& error() const { return error_; }
  /// Bytes of the outputs' elements.
  uint64_t output_bytes() const { return output_bytes_; }
  /// Frees the block, if there is one, and forgets the answer. Begin() comes next.
  void Drop();

 private:
  struct Output {
    TensorView view;
    /// Within the block, or kSpilled.
    uint64_t offset = 0;
    size_t buffer = 0;
  };
  static constexpr uint64_t kSpilled = UINT64_MAX;

  uint64_t HeaderBytes() const;
  bool MakeRoom(uint64_t byte_length);
  bool Rebuild();
  void WriteDescriptors();
  void Spill(Output& output, uint64_t byte_length);

  HostChannel* channel_ = nullptr;
  uint64_t max_bytes_ = 0;
  std::span<const uint32_t> wanted_;
  std::vector<Output> outputs_;
  std::vector<AlignedBuffer> spilled_;
  size_t spilled_count_ = 0;
  std::optional<ResultBlock> block_;
  bool tried_ = false;
  uint64_t used_ = 0;
  uint64_t output_bytes_ = 0;
  /// What an answer is expected to need; forgets large ones slowly.
  uint64_t expected_bytes_ = 0;
  RequestError error_;
};

}  // namespace mlos

#endif  // MLOS_ENGINE_ANSWER_BLOCK_H_
