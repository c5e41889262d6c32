#include "shm/channel_files.h"

#include <sys/eventfd.h>

#include <cerrno>
#include <string>

#include "shm/channel_memory.h"
#include "shm/fd_passing.h"
#include "shm/memfd.h"

namespace mlos {
namespace {

constexpr uint64_t kPage = 4096;
constexpr uint64_t kHugePage = uint64_t{2} << 20;

struct NewRegion {
  UniqueFd fd;
  bool huge = false;
};

struct RegionWish {
  uint32_t kind;
  uint64_t arena_bytes;
  const char* label;
};

/// A memfd on huge pages; an invalid descriptor where the host has none free.
UniqueFd TryHuge(const RegionWish& wish) {
  const uint64_t bytes = RegionBytes(wish.kind, wish.arena_bytes, kHugePage);
  Result<UniqueFd> fd = CreateHugeMemfd(bytes, wish.label);
  return fd.ok() ? std::move(fd).value() : UniqueFd();
}

Result<NewRegion> CreateRegion(const RegionWish& wish, const ChannelOptions& options) {
  NewRegion region;
  if (options.huge_pages && wish.arena_bytes >= kHugePage) region.fd = TryHuge(wish);
  region.huge = region.fd.valid();
  const uint64_t page = region.huge ? kHugePage : kPage;
  const uint64_t bytes = RegionBytes(wish.kind, wish.arena_bytes, page);
  if (!region.huge) {
    Result<UniqueFd> fd = CreateMemfd(bytes, wish.label, /*allocate=*/true);
    if (!fd.ok()) return fd.error();
    region.fd = std::move(fd).value();
  }
  const auto mapping =
      Mapping::Create(region.fd.get(), bytes, MapMode::kShared, /*populate=*/false);
  if (!mapping.ok()) return mapping.error();
  WriteHeader(*mapping.value(), wish.kind, options.channel_id);
  return region;
}

bool IsArenaSize(uint64_t bytes) {
  return bytes >= layout::kMinArenaBytes && bytes <= layout::kMaxArenaBytes;
}

}  // namespace

Result<ChannelFiles> CreateChannelFiles(const ChannelOptions& options) {
  if (!IsArenaSize(options.request_arena_bytes) || !IsArenaSize(options.response_arena_bytes)) {
    return CodedError("INVALID_ARGUMENT", "an arena has 65536 to 4294967296 bytes");
  }
  Result<NewRegion> request =
      CreateRegion({layout::kKindRequest, options.request_arena_bytes, "mlos-request"}, options);
  if (!request.ok()) return request.error();
  Result<NewRegion> response =
      CreateRegion({layout::kKindResponse, options.response_arena_bytes, "mlos-response"}, options);
  if (!response.ok()) return response.error();
  UniqueFd bell(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!bell.valid()) return SystemError("eventfd", errno, "cannot create a bell");
  Result<std::pair<UniqueFd, UniqueFd>> sockets = CreateSocketPair(SocketKind::kStream);
  if (!sockets.ok()) return sockets.error();

  ChannelFiles files;
  files.request_huge = request.value().huge;
  files.response_huge = response.value().huge;
  files.request_region = std::move(request.value().fd);
  files.response_region = std::move(response.value().fd);
  files.bell = std::move(bell);
  files.client_socket = std::move(sockets.value().first);
  files.host_socket = std::move(sockets.value().second);
  return files;
}

}  // namespace mlos
