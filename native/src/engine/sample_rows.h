#ifndef MLOS_ENGINE_SAMPLE_ROWS_H_
#define MLOS_ENGINE_SAMPLE_ROWS_H_

#include <span>
#include <vector>

#include "engine/aligned_buffer.h"
#include "engine/runner.h"

namespace mlos {

/// Inputs for measuring joined runs: a few different rows, repeated as often as needed. They differ
/// so that a model which mixes rows is found out.
class SampleRows {
 public:
  /// Different rows; row i of a run is variant i % kVariants.
  static constexpr uint32_t kVariants = 4;

  /// Floats between 0 and 1; integers and bools 0 or 1, which is an index that most models know.
  void MakeUp(const ModelSignature& signature);
  /// Variants of the first row of each input, each of which has rows: floats scaled a little,
  /// others rotated within the row, so that every value is one that the caller sent.
  /// Single numbers stay what they are.
  void TakeFrom(const ModelSignature& signature, std::span<const TensorView> inputs);

  /// Inputs of `rows` rows from variant `first` on. Valid until the next call.
  std::span<const TensorView> Inputs(uint32_t first, uint32_t rows);
  /// Bytes of one row of all inputs.
  uint64_t row_bytes() const;

 private:
  struct Input {
    TensorView row;
    /// kVariants rows, one after the other.
    std::vector<std::byte> variants;
    uint64_t row_bytes = 0;
    bool is_single = false;
    AlignedBuffer buffer;
  };
  void Add(const TensorView& row, uint64_t row_bytes);
  void AddSingle(const TensorView& view);

  std::vector<Input> inputs_;
  std::vector<TensorView> views_;
};

/// Whether two tensors of one dtype hold the same values: bit for bit, or floats within 1e-5 of the
/// largest magnitude among them (16-bit floats: within two steps of their precision).
bool SameValues(Dtype dtype, std::span<const std::byte> a, std::span<const std::byte> b);

}  // namespace mlos

#endif  // MLOS_ENGINE_SAMPLE_ROWS_H_
