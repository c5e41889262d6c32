#ifndef MLOS_SHM_DESCRIPTOR_DECODER_H_
#define MLOS_SHM_DESCRIPTOR_DECODER_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "shm/arena_allocator.h"
#include "shm/layout.h"
#include "shm/tensor_view.h"

namespace mlos {

/// Checks descriptors. Pure: what is checked has been copied to private memory, and of the arena
/// only address and size are used, so that a fuzzer needs nothing else.
///
/// 1. The bytes are as many as the number of tensors asks for, at most kMaxTensors.
/// 2. Each tensor: an index below kMaxTensors that no other has, a known dtype, rank <= kMaxRank,
/// no
///    negative dimension, at most 2^40 elements.
/// 3. Its bytes begin at a multiple of kBlockAlignment, lie inside, and are as many as dtype and
///    shape say. Of strings only the table of lengths is certain to be inside; see UnpackStrings().
/// 4. A sequence has an id of 1 to kMaxSequenceIdBytes bytes, and no flags but those that there
/// are.

/// Which sequence a request belongs to; the descriptor's copy, checked.
struct SequenceMark {
  bool starts = false;
  bool ends = false;
  uint32_t id_length = 0;
  std::array<char, layout::kMaxSequenceIdBytes> bytes{};

  std::string_view id() const { return {bytes.data(), id_length}; }
};

/// A request whose descriptor has been checked. Not against a model's signature. Use one object for
/// many: it keeps its memory.
struct CheckedRequest {
  uint64_t request_id = 0;
  uint32_t slot = 0;
  uint64_t deadline_ns = 0;
  layout::Priority priority = layout::kNormal;
  std::array<uint64_t, layout::kMaxTensors / 64> wanted{};
  std::optional<SequenceMark> sequence;
  /// Views into the request arena, which the client can write to at any time.
  std::vector<TensorView> inputs;
};

/// The most bytes of a descriptor.
inline constexpr uint64_t kMaxDescriptorBytes = SequenceRequestBytes(layout::kMaxTensors);

/// `descriptor` is the copy. Fills in everything but request_id and slot. Errors: INVALID_ARGUMENT,
/// INVALID_DTYPE, INVALID_SHAPE.
Status DecodeRequest(std::span<const std::byte> descriptor, std::span<const std::byte> arena,
                     CheckedRequest& request);

/// The same for an answer, whose tensors have to lie inside `block` of the arena.
Status DecodeResult(std::span<const std::byte> descriptor, const Block& block,
                    std::span<const std::byte> arena, std::vector<TensorView>& outputs);

}  // namespace mlos

#endif  // MLOS_SHM_DESCRIPTOR_DECODER_H_
