#include "requests.h"

#include <cstring>

namespace hostile {
namespace {

namespace layout = mlos::layout;

constexpr uint64_t kCellBytes = 4096;
/// Of the elements, in a cell; the descriptor lies before them.
constexpr uint64_t kDataOffset = 512;
constexpr uint64_t kDataBytes = kCellBytes - kDataOffset;
constexpr uint16_t kFloat32 = 1;
constexpr uint16_t kInt64 = 7;
constexpr uint16_t kString = 8;
constexpr uint32_t kTextLength = 3;

template <typename T>
void Overwrite(uint8_t* at, T value) {
  // The host reads it at the same time: that is the point.
  std::memcpy(at, &value, sizeof value);
  std::atomic_signal_fence(std::memory_order_seq_cst);
}

template <typename T>
T Read(const uint8_t* at) {
  T value;
  std::memcpy(&value, at, sizeof value);
  return value;
}

/// Fields of a request's descriptors: where, and how many bytes.
struct Field {
  uint64_t offset;
  uint64_t bytes;
};
constexpr uint64_t kTensor = sizeof(layout::RequestDescriptor);
constexpr std::array<Field, 12> kFields = {{
    {offsetof(layout::RequestDescriptor, deadline_ns), 8},
    {offsetof(layout::RequestDescriptor, priority), 4},
    {offsetof(layout::RequestDescriptor, input_count), 4},
    {offsetof(layout::RequestDescriptor, wanted), 8},
    {kTensor + offsetof(layout::TensorDescriptor, index), 4},
    {kTensor + offsetof(layout::TensorDescriptor, dtype), 2},
    {kTensor + offsetof(layout::TensorDescriptor, rank), 2},
    {kTensor + offsetof(layout::TensorDescriptor, offset), 8},
    {kTensor + offsetof(layout::TensorDescriptor, byte_length), 8},
    {kTensor + offsetof(layout::TensorDescriptor, dims), 8},
    {kTensor + offsetof(layout::TensorDescriptor, dims) + 8, 8},
    {kTensor + offsetof(layout::TensorDescriptor, dims) + 64, 8},
}};

void WriteField(uint8_t* cell, const Field& field, uint64_t value) {
  uint8_t* at = cell + field.offset;
  if (field.bytes == 2) Overwrite(at, static_cast<uint16_t>(value));
  if (field.bytes == 4) Overwrite(at, static_cast<uint32_t>(value));
  if (field.bytes == 8) Overwrite(at, value);
}

uint64_t ReadField(const uint8_t* cell, const Field& field) {
  const uint8_t* at = cell + field.offset;
  if (field.bytes == 2) return Read<uint16_t>(at);
  return field.bytes == 4 ? Read<uint32_t>(at) : Read<uint64_t>(at);
}

/// Leaves a moment for the host to look.
void Dwell(Dice& dice) {
  for (uint64_t i = dice.Below(200); i > 0; i--)
    std::atomic_signal_fence(std::memory_order_seq_cst);
}

}  // namespace

uint64_t Requests::OffsetOf(uint64_t slot) const {
  return slot % (channel_.arena_bytes() / kCellBytes) * kCellBytes;
}

uint8_t* Requests::AddressOf(uint64_t slot) const { return channel_.arena() + OffsetOf(slot); }

void Requests::WriteData(uint64_t slot, layout::TensorDescriptor& tensor) {
  uint8_t* data = AddressOf(slot) + kDataOffset;
  tensor.rank = 1;
  tensor.dtype = kFloat32;
  uint64_t count = 1 + dice_.Below(256);
  switch (channel_.kind) {
    case ModelKind::kRows:
      tensor.rank = 2;
      tensor.dims[0] = static_cast<int64_t>(1 + dice_.Below(4));
      tensor.dims[1] = kRowLength;
      count = static_cast<uint64_t>(tensor.dims[0]) * kRowLength;
      [[fallthrough]];
    case ModelKind::kScale:
      if (channel_.kind == ModelKind::kScale) tensor.dims[0] = static_cast<int64_t>(count);
      tensor.byte_length = count * sizeof(float);
      for (uint64_t i = 0; i < count; i++) {
        Overwrite(data + i * sizeof(float), static_cast<float>(dice_.Below(1000)));
      }
      break;
    case ModelKind::kGather:
      tensor.dtype = kInt64;
      tensor.dims[0] = static_cast<int64_t>(count);
      tensor.byte_length = count * sizeof(int64_t);
      for (uint64_t i = 0; i < count; i++) Overwrite(data + i * 8, dice_.Below(kTableRows));
      break;
    case ModelKind::kText:
      tensor.dtype = kString;
      tensor.dims[0] = static_cast<int64_t>(count);
      tensor.byte_length = count * (4 + kTextLength);
      for (uint64_t i = 0; i < count; i++) Overwrite(data + i * 4, kTextLength);
      std::memset(data + count * 4, 'h', count * kTextLength);
      break;
  }
}

void Requests::Write(uint64_t slot) {
  Cell cell{};
  cell.fixed.input_count = 1;
  cell.fixed.priority = static_cast<uint32_t>(dice_.Below(layout::kPriorities));
  cell.tensor.offset = OffsetOf(slot) + kDataOffset;
  WriteData(slot, cell.tensor);
  std::memcpy(AddressOf(slot), &cell, sizeof cell);
}

std::optional<layout::RequestEntry> Requests::Honest() {
  uint64_t slot = dice_.Below(layout::kSlots);
  for (uint32_t tried = 0; ids_[slot] != 0; tried++, slot = (slot + 1) % layout::kSlots) {
    // All are in use: sometimes it is taken twice.
    if (tried < layout::kSlots) continue;
    if (!dice_.OneIn(256)) return std::nullopt;
    break;
  }
  Write(slot);
  ids_[slot] = ++last_id_;
  last_slot_ = slot;
  return layout::RequestEntry{.kind = layout::kInfer,
                              .slot = static_cast<uint32_t>(slot),
                              .request_id = last_id_,
                              .offset = OffsetOf(slot),
                              .byte_length = sizeof(Cell),
                              .reserved = {}};
}

void Requests::Mutate(Cell& cell) {
  auto* bytes = reinterpret_cast<uint8_t*>(&cell);
  for (uint64_t i = 1 + dice_.Below(3); i > 0; i--) {
    WriteField(bytes, dice_.Of(kFields), dice_.OneIn(4) ? dice_.Below(20) : dice_.Evil());
  }
  if (!dice_.OneIn(6)) return;
  // Dimensions whose product comes back to something small when it overflows.
  cell.tensor.rank = static_cast<uint16_t>(1 + dice_.Below(layout::kMaxRank));
  for (int64_t& dim : cell.tensor.dims) {
    dim = static_cast<int64_t>(dice_.OneIn(2) ? uint64_t{1} << dice_.Below(64) : dice_.Evil());
  }
}

std::optional<layout::RequestEntry> Requests::Mutated() {
  auto entry = Honest();
  if (!entry) return std::nullopt;
  uint8_t* at = channel_.arena() + entry->offset;
  auto cell = Read<Cell>(at);
  Mutate(cell);
  std::memcpy(at, &cell, sizeof cell);
  if (dice_.OneIn(8)) {
    // Several descriptors of the same input, cut off or not.
    const uint64_t count = 2 + dice_.Below(300);
    Overwrite(at + offsetof(layout::RequestDescriptor, input_count), static_cast<uint32_t>(count));
    entry->byte_length = dice_.OneIn(2)
                             ? kTensor + count * sizeof(layout::TensorDescriptor)
                             : kTensor + dice_.Below(2 * sizeof(layout::TensorDescriptor));
  }
  if (dice_.OneIn(16)) entry->offset = dice_.OneIn(2) ? dice_.Evil() : entry->offset + 8;
  if (dice_.OneIn(16)) entry->byte_length = dice_.Evil();
  return entry;
}

void Requests::Answered(uint32_t slot) {
  if (slot < layout::kSlots) ids_[slot] = 0;
}

uint64_t Requests::Latest(Dice& dice) const {
  return (last_slot_.load(std::memory_order_relaxed) + layout::kSlots - dice.Below(4)) %
         layout::kSlots;
}

void Requests::RaceFields(Dice& dice) {
  uint8_t* cell = AddressOf(Latest(dice));
  const Field& field = dice.Of(kFields);
  const uint64_t before = ReadField(cell, field);
  WriteField(cell, field, dice.Evil());
  Dwell(dice);
  WriteField(cell, field, before);
  Dwell(dice);
}

void Requests::RaceData(Dice& dice) {
  // Also the lengths of texts, and integers that are used as indices.
  uint8_t* at = AddressOf(Latest(dice)) + kDataOffset + 8 * dice.Below(kDataBytes / 8);
  const auto before = Read<uint64_t>(at);
  Overwrite(at, dice.Evil());
  Dwell(dice);
  Overwrite(at, before);
}

void Requests::RaceEntries(Dice& dice) {
  auto* ring = channel_.request + layout::kRequestRingOffset;
  const uint64_t index = channel_.control()->request_tail.load() - 1 + dice.Below(2);
  uint8_t* entry = ring + index % layout::kRingEntries * sizeof(layout::RequestEntry);
  uint8_t* at = entry + 8 * dice.Below(4);
  const auto before = Read<uint64_t>(at);
  Overwrite(at, dice.Evil());
  Dwell(dice);
  Overwrite(at, before);
}

void Requests::RaceEverything(Dice& dice) {
  const uint64_t word = dice.Below((dice.OneIn(2) ? 4096 : channel_.request_bytes) / 8);
  Overwrite(channel_.request + 8 * word, dice.OneIn(2) ? dice.Next() : dice.Evil());
  Dwell(dice);
}

}  // namespace hostile
