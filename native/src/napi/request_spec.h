#ifndef MLOS_NAPI_REQUEST_SPEC_H_
#define MLOS_NAPI_REQUEST_SPEC_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "shm/layout.h"

namespace mlos::binding {

/// The description of a request as JavaScript writes it into the mailbox (channel_mailbox.h), read,
/// checked and laid out: the descriptor, then each input on a boundary of its own.
class RequestSpec {
 public:
  /// Nullopt when a number is not what it has to be.
  static std::optional<RequestSpec> Read(std::span<const double> words);

  /// Of the whole block.
  uint64_t byte_length() const { return byte_length_; }
  uint64_t descriptor_bytes() const;
  /// Before Write() offsets are relative to the block, after it to the arena.
  std::span<const layout::TensorDescriptor> inputs() const { return inputs_; }

  /// Writes the descriptor into the block that begins at `block_offset` of the arena.
  void Write(std::byte* block, uint64_t block_offset);

 private:
  RequestSpec() = default;
  void LayOut();

  layout::RequestDescriptor head_{};
  std::vector<layout::TensorDescriptor> inputs_;
  uint64_t byte_length_ = 0;
};

}  // namespace mlos::binding

#endif  // MLOS_NAPI_REQUEST_SPEC_H_
