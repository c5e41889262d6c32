#include <cstdint>
#include <map>
#include <random>

#include "check.h"
#include "shm/arena_allocator.h"

namespace mlos {
namespace {

constexpr uint64_t kArena = uint64_t{1} << 20;
constexpr uint64_t kUnit = layout::kBlockAlignment;

}  // namespace

MLOS_TEST(arena_gives_all_of_itself_as_one_block_and_takes_it_back) {
  ArenaAllocator arena(kArena);
  CHECK_EQ(arena.free_bytes(), kArena);
  for (const uint64_t bytes : {kArena, kArena - 1, kArena - 5 * kUnit}) {
    const auto block = arena.Allocate(bytes);
    REQUIRE(block.has_value());
    CHECK_EQ(block->offset, uint64_t{0});
    CHECK(block->byte_length >= bytes && block->byte_length < bytes + kUnit);
    CHECK(!arena.Allocate(6 * kUnit).has_value());
    CHECK(arena.Free(block->offset));
    CHECK_EQ(arena.free_bytes(), kArena);
  }
  CHECK(!arena.Allocate(kArena + 1).has_value());
  CHECK(!arena.Allocate(UINT64_MAX).has_value());
}

MLOS_TEST(arena_answers_for_offsets_that_are_no_block) {
  ArenaAllocator arena(kArena);
  const auto block = arena.Allocate(4 * kUnit);
  REQUIRE(block.has_value());
  for (const uint64_t offset : {kUnit, uint64_t{1}, kArena, kArena + kUnit, UINT64_MAX}) {
    CHECK(!arena.Free(offset));
    CHECK(!arena.SizeOf(offset).has_value());
    CHECK(arena.TagOf(offset) == nullptr);
  }
  CHECK_EQ(*arena.TagOf(block->offset), 0U);
  *arena.TagOf(block->offset) = 5;
  CHECK(arena.Free(block->offset));
  CHECK(!arena.Free(block->offset));
  CHECK_EQ(*arena.TagOf(arena.Allocate(1)->offset), 0U);
}

MLOS_TEST(arena_block_shrinks_and_its_end_is_free_again) {
  ArenaAllocator arena(kArena);
  const auto block = arena.Allocate(kArena);
  REQUIRE(block.has_value());
  arena.Shrink(block->offset, kUnit + 1);
  CHECK_EQ(arena.SizeOf(block->offset).value_or(0), 2 * kUnit);
  CHECK_EQ(arena.free_bytes(), kArena - 2 * kUnit);
  arena.Shrink(block->offset, kArena);  // cannot grow
  CHECK_EQ(arena.SizeOf(block->offset).value_or(0), 2 * kUnit);
  arena.Shrink(block->offset, 0);
  CHECK_EQ(arena.SizeOf(block->offset).value_or(0), kUnit);
  CHECK(arena.Allocate(kArena - kUnit).has_value());
}

MLOS_TEST(arena_blocks_never_overlap_and_join_again) {
  ArenaAllocator arena(kArena);
  std::mt19937 random(1);
  std::map<uint64_t, uint64_t> held;  // offset → length
  uint64_t held_bytes = 0;
  for (int i = 0; i < 200'000; ++i) {
    if (random() % 2 == 0) {
      const uint64_t wanted = uint64_t{1} << (random() % 17);
      const auto block = arena.Allocate(wanted + random() % wanted);
      if (!block) continue;
      const auto after = held.lower_bound(block->offset);
      REQUIRE(block->offset % kUnit == 0 && block->offset + block->byte_length <= kArena);
      REQUIRE(after == held.end() || block->offset + block->byte_length <= after->first);
      if (after != held.begin()) {
        const auto before = std::prev(after);
        REQUIRE(before->first + before->second <= block->offset);
      }
      held[block->offset] = block->byte_length;
      held_bytes += block->byte_length;
    } else if (!held.empty()) {
      auto chosen = held.lower_bound(random() % kArena);
      if (chosen == held.end()) chosen = held.begin();
      REQUIRE(arena.Free(chosen->first));
      held_bytes -= chosen->second;
      held.erase(chosen);
    }
    REQUIRE(arena.free_bytes() == kArena - held_bytes);
  }
  for (const auto& [offset, length] : held) CHECK(arena.Free(offset));
  CHECK(arena.Allocate(kArena).has_value());
}

MLOS_TEST(arena_finds_room_while_most_of_it_is_free) {
  // Fragmentation: blocks of at most a 64th of the arena, a quarter of it in use, at random.
  ArenaAllocator arena(kArena);
  std::mt19937 random(2);
  std::map<uint64_t, uint64_t> held;
  for (int i = 0; i < 100'000; ++i) {
    while (arena.free_bytes() < kArena / 4 * 3) {
      auto chosen = held.lower_bound(random() % kArena);
      if (chosen == held.end()) chosen = held.begin();
      REQUIRE(arena.Free(chosen->first));
      held.erase(chosen);
    }
    const auto block = arena.Allocate(1 + random() % (kArena / 64));
    REQUIRE(block.has_value());
    held[block->offset] = block->byte_length;
  }
}

}  // namespace mlos
