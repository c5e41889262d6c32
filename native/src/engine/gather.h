#ifndef MLOS_ENGINE_GATHER_H_
#define MLOS_ENGINE_GATHER_H_

#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "engine/aligned_buffer.h"
#include "engine/request.h"
#include "engine/runner.h"

namespace mlos {

/// Makes a run's inputs out of those of its requests. One per worker.
///
/// The client can write to its tensors at any time. An integer that becomes an index after it was
/// checked would lead the runtime out of its memory, so everything but floating-point numbers is
/// copied to private memory first; so is all that is joined.
class InputGatherer {
 public:
  /// The inputs of one request. Floating-point tensors are used where they lie.
  /// Errors: kInvalidValue for strings whose lengths do not add up.
  std::optional<RequestError> Single(const Request& request);

  /// The rows of all requests, one after the other, and the single numbers that they have in
  /// common; each has rows and all CanJoin().
  void Join(const ModelSignature& signature, std::span<Request* const> requests);

  /// Valid until the next call.
  std::span<const TensorView> inputs() const { return inputs_; }

  /// Gives back what a large request has left.
  void Trim();

 private:
  std::vector<TensorView> inputs_;
  std::vector<AlignedBuffer> buffers_;
  std::vector<std::string_view> strings_;
};

/// Takes a joined run's outputs into private memory, whence rows are handed out.
class JoinedOutputs final : public OutputSink {
 public:
  /// For a signature with so many outputs.
  explicit JoinedOutputs(size_t output_count);

  std::span<std::byte> Allocate(uint32_t index, Dtype dtype, const Shape& shape,
                                uint64_t byte_length) override;
  void Clear();
  /// Whether all of `wanted` are there with `rows` rows each.
  bool HasRows(std::span<const uint32_t> wanted, uint64_t rows) const;
  /// Copies rows [first, first + rows) of each wanted output into `answer`; false when it has no
  /// room.
  bool Scatter(std::span<const uint32_t> wanted, uint64_t first, uint64_t rows,
               OutputSink& answer) const;
  /// View of one output as it was put; valid until Clear().
  const TensorView& at(uint32_t index) const { return outputs_[index].view; }
  void Trim();

 private:
  struct Output {
    bool present = false;
    TensorView view;
    AlignedBuffer buffer;
  };
  std::vector<Output> outputs_;
};

}  // namespace mlos

#endif  // MLOS_ENGINE_GATHER_H_
