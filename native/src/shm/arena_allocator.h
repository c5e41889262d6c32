#ifndef MLOS_SHM_ARENA_ALLOCATOR_H_
#define MLOS_SHM_ARENA_ALLOCATOR_H_

#include <array>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <optional>
#include <vector>

#include "shm/layout.h"

namespace mlos {

/// A piece of an arena. Offsets are relative to the arena.
struct Block {
  uint64_t offset = 0;
  uint64_t byte_length = 0;
};

/// Hands out blocks of an arena in constant time (two-level segregated fit): free blocks hang in
/// lists by size class, sixteen classes to each power of two, a bitmap finds the first list that
/// fits, the rest of a block is cut off, and neighbours that are free are joined again.
///
/// 1. Nothing of this lies in the arena, which a stranger can read or write: a table outside it
/// says
///    which block begins at which multiple of kBlockAlignment. Its pages come as they are touched,
///    at most 1/16 of the arena.
/// 2. Any offset may be asked for: one that is no block's beginning is answered, not followed.
///
/// Not thread-safe.
class ArenaAllocator {
 public:
  /// `byte_length`: at most kMaxArenaBytes and what rounding adds to it.
  explicit ArenaAllocator(uint64_t byte_length);

  /// At least `byte_length` bytes, rounded up to kBlockAlignment; nullopt when there is no room.
  std::optional<Block> Allocate(uint64_t byte_length);
  /// False when no block begins there.
  bool Free(uint64_t offset);
  /// Frees what lies behind the first `byte_length` bytes of a block (at least one unit stays).
  void Shrink(uint64_t offset, uint64_t byte_length);

  /// The size of the block that begins at `offset`; nullopt when none does.
  std::optional<uint64_t> SizeOf(uint64_t offset) const;
  /// A number of the owner's for each block, 0 at first; nullptr when no block begins at `offset`.
  uint32_t* TagOf(uint64_t offset);

  uint64_t free_bytes() const { return uint64_t{free_units_} * layout::kBlockAlignment; }

 private:
  /// Blocks are counted in units of kBlockAlignment; nodes are named by their place in nodes_, 0 is
  /// none.
  struct Node {
    uint32_t start = 0;
    uint32_t units = 0;
    uint32_t before = 0;  // neighbours in the arena
    uint32_t after = 0;
    uint32_t previous = 0;  // in the list of free blocks; `next` also links spare nodes
    uint32_t next = 0;
    uint32_t tag = 0;
    bool free = false;
  };
  struct SizeClass {
    uint32_t first;
    uint32_t second;
  };
  struct CFree {
    void operator()(uint32_t* table) const {
      std::free(table);  // NOLINT(cppcoreguidelines-owning-memory): the other half of calloc()
    }
  };
  static constexpr uint32_t kSecondBits = 4;
  static constexpr uint32_t kSeconds = 1U << kSecondBits;
  static constexpr uint32_t kFirsts = 28;

  static SizeClass ClassOf(uint32_t units);
  uint32_t FindFree(uint32_t units) const;
  uint32_t FindInOwnClass(uint32_t units) const;
  void PutIntoList(uint32_t node);
  void TakeFromList(uint32_t node);
  void CutOff(uint32_t node, uint32_t units);
  void JoinWithNext(uint32_t node);
  uint32_t NewNode();
  void DropNode(uint32_t node);
  uint32_t NodeAt(uint64_t offset) const;

  uint32_t total_units_;
  uint32_t free_units_ = 0;
  /// For each unit the node of the allocated block that begins there, or 0. From calloc: zeros that
  /// cost nothing until they are touched.
  std::unique_ptr<uint32_t[], CFree> allocated_at_;
  std::vector<Node> nodes_;
  uint32_t spare_nodes_ = 0;
  uint32_t first_bits_ = 0;
  std::array<uint32_t, kFirsts> second_bits_{};
  std::array<std::array<uint32_t, kSeconds>, kFirsts> lists_{};
};

}  // namespace mlos

#endif  // MLOS_SHM_ARENA_ALLOCATOR_H_
