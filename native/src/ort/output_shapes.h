#ifndef MLOS_ORT_OUTPUT_SHAPES_H_
#define MLOS_ORT_OUTPUT_SHAPES_H_

#include <cstdint>
#include <span>
#include <vector>

#include "engine/runner.h"

namespace mlos {

/// Foretells the shapes of a model's outputs, so that their memory can be bound before a run: from
/// the signature where it is static, else from an earlier run with inputs of the same shapes. An
/// output whose foretold shape proves wrong once depends on values, and is not foretold again.
class OutputShapes {
 public:
  explicit OutputShapes(const ModelSignature& signature);

  /// Says of what shapes the inputs of the coming run are. Allocates only for shapes not seen
  /// lately.
  void Select(std::span<const TensorView> inputs);
  /// Null: unknown. Valid until the next call of Select() or Learn().
  const Shape* Foretell(uint32_t output) const;
  /// What the run made of it.
  void Learn(uint32_t output, const Shape& shape);

 private:
  struct Guess {
    bool known = false;
    Shape shape;
  };
  struct Entry {
    uint64_t hash = 0;
    /// Rank and dimensions of each input, one after another.
    std::vector<int64_t> key;
    std::vector<Guess> guesses;
  };

  void WriteKey(std::span<const TensorView> inputs);
  Entry& Place();

  /// By output.
  std::vector<bool> foretold_;
  std::vector<Guess> static_;
  bool all_static_ = true;

  std::vector<Entry> entries_;
  size_t current_ = 0;
  /// Where the next entry goes once all places are taken.
  size_t oldest_ = 0;
  /// Of the inputs that Select() was last called with.
  std::vector<int64_t> key_;
  uint64_t hash_ = 0;
};

}  // namespace mlos

#endif  // MLOS_ORT_OUTPUT_SHAPES_H_
