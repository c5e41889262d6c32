#include "shm/arena_allocator.h"

#include <algorithm>
#include <bit>
#include <new>

namespace mlos {
namespace {

constexpr uint64_t kUnit = layout::kBlockAlignment;
/// Blocks of the wanted size's own class that are looked at before the arena counts as full.
constexpr int kOwnClassLooks = 16;

uint32_t UnitsOf(uint64_t byte_length) {
  return static_cast<uint32_t>(std::max<uint64_t>(1, (byte_length + kUnit - 1) / kUnit));
}

}  // namespace

ArenaAllocator::ArenaAllocator(uint64_t byte_length)
    : total_units_(static_cast<uint32_t>(byte_length / kUnit)),
      allocated_at_(static_cast<uint32_t*>(std::calloc(total_units_, sizeof(uint32_t)))) {
  if (allocated_at_ == nullptr) throw std::bad_alloc();
  constexpr size_t kNodesAtFirst = 1024;
  nodes_.reserve(kNodesAtFirst);
  nodes_.emplace_back();  // 0: none
  const uint32_t whole = NewNode();
  nodes_[whole].units = total_units_;
  PutIntoList(whole);
}

std::optional<Block> ArenaAllocator::Allocate(uint64_t byte_length) {
  if (byte_length > total_units_ * kUnit) return std::nullopt;
  const uint32_t units = UnitsOf(byte_length);
  uint32_t node = FindFree(units);
  if (node == 0) node = FindInOwnClass(units);
  if (node == 0) return std::nullopt;
  TakeFromList(node);
  CutOff(node, units);
  nodes_[node].tag = 0;
  allocated_at_[nodes_[node].start] = node;
  return Block{.offset = nodes_[node].start * kUnit, .byte_length = units * kUnit};
}

bool ArenaAllocator::Free(uint64_t offset) {
  uint32_t node = NodeAt(offset);
  if (node == 0) return false;
  allocated_at_[nodes_[node].start] = 0;
  const uint32_t after = nodes_[node].after;
  if (after != 0 && nodes_[after].free) {
    TakeFromList(after);
    JoinWithNext(node);
  }
  const uint32_t before = nodes_[node].before;
  if (before != 0 && nodes_[before].free) {
    TakeFromList(before);
    JoinWithNext(before);
    node = before;
  }
  PutIntoList(node);
  return true;
}

void ArenaAllocator::Shrink(uint64_t offset, uint64_t byte_length) {
  const uint32_t node = NodeAt(offset);
  if (node == 0 || byte_length > nodes_[node].units * kUnit) return;
  CutOff(node, UnitsOf(byte_length));
}

std::optional<uint64_t> ArenaAllocator::SizeOf(uint64_t offset) const {
  const uint32_t node = NodeAt(offset);
  if (node == 0) return std::nullopt;
  return nodes_[node].units * kUnit;
}

uint32_t* ArenaAllocator::TagOf(uint64_t offset) {
  const uint32_t node = NodeAt(offset);
  return node == 0 ? nullptr : &nodes_[node].tag;
}

ArenaAllocator::SizeClass ArenaAllocator::ClassOf(uint32_t units) {
  if (units < kSeconds) return {0, units};
  const auto log = static_cast<uint32_t>(std::bit_width(units)) - 1;
  return {log - kSecondBits + 1, (units >> (log - kSecondBits)) - kSeconds};
}

/// A free block out of a class whose every block is large enough.
uint32_t ArenaAllocator::FindFree(uint32_t units) const {
  uint32_t rounded = units;
  if (units >= kSeconds) {
    const auto log = static_cast<uint32_t>(std::bit_width(units)) - 1;
    rounded += (1U << (log - kSecondBits)) - 1;
  }
  auto [first, second] = ClassOf(rounded);
  uint32_t seconds = second_bits_[first] & (~0U << second);
  if (seconds == 0) {
    const uint32_t firsts = first_bits_ & (~0U << (first + 1));
    if (firsts == 0) return 0;
    first = static_cast<uint32_t>(std::countr_zero(firsts));
    seconds = second_bits_[first];
  }
  return lists_[first][static_cast<uint32_t>(std::countr_zero(seconds))];
}

/// Without this, nearly all of an arena could never be one block.
uint32_t ArenaAllocator::FindInOwnClass(uint32_t units) const {
  const auto [first, second] = ClassOf(units);
  uint32_t node = lists_[first][second];
  for (int i = 0; node != 0 && i < kOwnClassLooks; ++i, node = nodes_[node].next) {
    if (nodes_[node].units >= units) return node;
  }
  return 0;
}

void ArenaAllocator::PutIntoList(uint32_t node) {
  const auto [first, second] = ClassOf(nodes_[node].units);
  const uint32_t head = lists_[first][second];
  nodes_[node].free = true;
  nodes_[node].previous = 0;
  nodes_[node].next = head;
  if (head != 0) nodes_[head].previous = node;
  lists_[first][second] = node;
  first_bits_ |= 1U << first;
  second_bits_[first] |= 1U << second;
  free_units_ += nodes_[node].units;
}

void ArenaAllocator::TakeFromList(uint32_t node) {
  const auto [first, second] = ClassOf(nodes_[node].units);
  const uint32_t previous = nodes_[node].previous;
  const uint32_t next = nodes_[node].next;
  if (next != 0) nodes_[next].previous = previous;
  if (previous != 0) {
    nodes_[previous].next = next;
  } else {
    lists_[first][second] = next;
    if (next == 0) second_bits_[first] &= ~(1U << second);
    if (second_bits_[first] == 0) first_bits_ &= ~(1U << first);
  }
  nodes_[node].free = false;
  free_units_ -= nodes_[node].units;
}

/// Leaves `units` to a block that is in no list and makes a free block of the rest.
void ArenaAllocator::CutOff(uint32_t node, uint32_t units) {
  if (nodes_[node].units == units) return;
  const uint32_t rest = NewNode();
  nodes_[rest].start = nodes_[node].start + units;
  nodes_[rest].units = nodes_[node].units - units;
  nodes_[rest].before = node;
  nodes_[rest].after = nodes_[node].after;
  if (nodes_[rest].after != 0) nodes_[nodes_[rest].after].before = rest;
  nodes_[node].after = rest;
  nodes_[node].units = units;
  const uint32_t after = nodes_[rest].after;
  if (after != 0 && nodes_[after].free) {
    TakeFromList(after);
    JoinWithNext(rest);
  }
  PutIntoList(rest);
}

/// Neither of the two may be in a list.
void ArenaAllocator::JoinWithNext(uint32_t node) {
  const uint32_t gone = nodes_[node].after;
  nodes_[node].units += nodes_[gone].units;
  nodes_[node].after = nodes_[gone].after;
  if (nodes_[node].after != 0) nodes_[nodes_[node].after].before = node;
  DropNode(gone);
}

uint32_t ArenaAllocator::NewNode() {
  if (spare_nodes_ == 0) {
    nodes_.emplace_back();
    return static_cast<uint32_t>(nodes_.size() - 1);
  }
  const uint32_t node = spare_nodes_;
  spare_nodes_ = nodes_[node].next;
  nodes_[node] = Node{};
  return node;
}

void ArenaAllocator::DropNode(uint32_t node) {
  nodes_[node].next = spare_nodes_;
  spare_nodes_ = node;
}

uint32_t ArenaAllocator::NodeAt(uint64_t offset) const {
  if (offset % kUnit != 0 || offset / kUnit >= total_units_) return 0;
  return allocated_at_[offset / kUnit];
}

}  // namespace mlos
