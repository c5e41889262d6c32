#include "shm/channel_memory.h"

#include <fcntl.h>

#include "shm/copy_in.h"
#include "shm/memfd.h"

namespace mlos {
namespace {

constexpr uint64_t kLargestPage = uint64_t{2} << 20;
/// Page tables of larger regions are filled as they are used: filling takes some 10 ms a GiB, and a
/// host does it between the requests of others.
constexpr uint64_t kPopulateAtMost = uint64_t{256} << 20;

uint64_t ArenaOffset(uint32_t kind) {
  return kind == layout::kKindRequest ? layout::kRequestArenaOffset : layout::kResponseArenaOffset;
}

layout::RegionHeader CopyHeader(const Mapping& mapping) {
  layout::RegionHeader header{};
  CopyIn(&header, mapping.bytes().data(), sizeof header);
  return header;
}

Status CheckHeader(const Mapping& mapping, uint32_t kind) {
  const layout::RegionHeader header = CopyHeader(mapping);
  if (header.magic != layout::kMagic)
    return CodedError("INVALID_REGION", "the region is no channel's");
  if (header.version != layout::kVersion) {
    return CodedError("INVALID_REGION", "the region has the layout of another version");
  }
  if (header.kind != kind || header.byte_length != mapping.bytes().size()) {
    return CodedError("INVALID_REGION",
                      "the region is of another kind or size than its header says");
  }
  return {};
}

Result<std::shared_ptr<Mapping>> Map(int fd, uint32_t kind, MapMode mode) {
  const uint64_t least = ArenaOffset(kind) + layout::kMinArenaBytes;
  const AcceptRules rules{.max_bytes = RegionBytes(kind, layout::kMaxArenaBytes, kLargestPage),
                          .writable = mode == MapMode::kShared};
  const Result<uint64_t> bytes = CheckForeignMemfd(fd, rules);
  if (!bytes.ok()) return bytes.error();
  if (bytes.value() < least)
    return CodedError("INVALID_REGION", "the region is too small for a channel");
  const bool populate = bytes.value() <= kPopulateAtMost;
  Result<std::shared_ptr<Mapping>> mapping = Mapping::Create(fd, bytes.value(), mode, populate);
  if (!mapping.ok()) return mapping.error();
  const Status checked = CheckHeader(*mapping.value(), kind);
  if (!checked.ok()) return checked.error();
  return mapping;
}

template <typename T>
T* At(const Mapping& mapping, size_t offset) {
  return reinterpret_cast<T*>(mapping.bytes().data() + offset);
}

}  // namespace

RequestRegion::RequestRegion(const Mapping& mapping)
    : control(At<layout::RequestControl>(mapping, 0)),
      ring(At<layout::RequestEntry>(mapping, layout::kRequestRingOffset)),
      arena(mapping.bytes().subspan(layout::kRequestArenaOffset)) {}

ResponseRegion::ResponseRegion(const Mapping& mapping)
    : control(At<layout::ResponseControl>(mapping, 0)),
      ring(At<layout::CompletionEntry>(mapping, layout::kCompletionRingOffset)),
      arena(mapping.bytes().subspan(layout::kResponseArenaOffset)) {}

uint64_t RegionBytes(uint32_t kind, uint64_t arena_bytes, uint64_t page_bytes) {
  const uint64_t bytes = ArenaOffset(kind) + arena_bytes;
  return (bytes + page_bytes - 1) / page_bytes * page_bytes;
}

void WriteHeader(const Mapping& mapping, uint32_t kind, uint64_t channel_id) {
  auto* header = At<layout::RegionHeader>(mapping, 0);
  header->magic = layout::kMagic;
  header->version = layout::kVersion;
  header->kind = kind;
  header->byte_length = mapping.bytes().size();
  header->channel_id = channel_id;
}

Result<std::shared_ptr<Mapping>> MapForWriting(int fd, uint32_t kind) {
  Result<std::shared_ptr<Mapping>> mapping = Map(fd, kind, MapMode::kShared);
  if (!mapping.ok()) return mapping.error();
  const Status sealed = AddSeals(fd, kSealFutureWrite | F_SEAL_SEAL);
  if (!sealed.ok()) return sealed.error();
  return mapping;
}

Result<std::shared_ptr<Mapping>> MapForReading(int fd, uint32_t kind) {
  return Map(fd, kind, MapMode::kReadOnly);
}

uint64_t ChannelIdOf(const Mapping& mapping) { return CopyHeader(mapping).channel_id; }

}  // namespace mlos
