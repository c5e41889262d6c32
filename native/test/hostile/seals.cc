#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <string>

#include "raw_channel.h"

namespace hostile {
namespace {

constexpr size_t kPage = 4096;

void TryToResize(int fd, uint64_t bytes, Figures& figures) {
  const auto size = static_cast<off_t>(bytes);
  const std::array<off_t, 3> sizes = {0, size / 2, size + static_cast<off_t>(kPage)};
  for (const off_t other : sizes) {
    if (::ftruncate(fd, other) == 0) figures.findings[kShrunk]++;
  }
  if (::fallocate(fd, 0, size, kPage) == 0) figures.findings[kShrunk]++;
  const std::string path = "/proc/self/fd/" + std::to_string(fd);
  const int opened = ::open(path.c_str(), O_RDWR | O_TRUNC | O_CLOEXEC);
  if (opened < 0) return;
  figures.findings[kShrunk]++;
  ::close(opened);
}

void TryToPunch(int fd, uint8_t* mapped, uint64_t bytes, Figures& figures) {
  const auto size = static_cast<off_t>(bytes);
  constexpr std::array<int, 2> kModes = {FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
                                         FALLOC_FL_ZERO_RANGE};
  for (const int mode : kModes) {
    if (::fallocate(fd, mode, 0, size) == 0) figures.findings[kPunched]++;
  }
  if (::madvise(mapped, bytes, MADV_REMOVE) == 0) figures.findings[kPunched]++;
}

void TryToWrite(int fd, Figures& figures) {
  const uint64_t evil = 0xffff'ffff'ffff'ffff;
  if (::pwrite(fd, &evil, sizeof evil, 64) >= 0) figures.findings[kWrittenByCall]++;
  const int flags = PROT_READ | PROT_WRITE;
  void* again = ::mmap(nullptr, kPage, flags, MAP_SHARED, fd, 0);
  if (again != MAP_FAILED) figures.findings[kMappedForWriting]++;
  const std::string path = "/proc/self/fd/" + std::to_string(fd);
  const int opened = ::open(path.c_str(), O_RDWR | O_CLOEXEC);
  if (opened >= 0) {
    again = ::mmap(nullptr, kPage, flags, MAP_SHARED, opened, 0);
    if (again != MAP_FAILED) figures.findings[kMappedForWriting]++;
    ::close(opened);
  }
  // A mapping for reading, which is then to become another one.
  void* readable = ::mmap(nullptr, kPage, PROT_READ, MAP_SHARED, fd, 0);
  if (readable == MAP_FAILED) return;
  if (::mprotect(readable, kPage, flags) == 0) figures.findings[kMappedForWriting]++;
  ::munmap(readable, kPage);
}

void TryToSeal(int fd, Figures& figures) {
  constexpr std::array<int, 2> kSeals = {F_SEAL_WRITE, F_SEAL_GROW | F_SEAL_SEAL};
  for (const int seals : kSeals) {
    if (::fcntl(fd, F_ADD_SEALS, seals) == 0) figures.findings[kSealedMore]++;
  }
}

}  // namespace

void TryToBreakSeals(const RawChannel& channel, Figures& figures) {
  const int request = channel.request_fd.get();
  const int response = channel.response_fd.get();
  TryToResize(request, channel.request_bytes, figures);
  TryToResize(response, channel.response_bytes, figures);
  TryToPunch(request, channel.request, channel.request_bytes, figures);
  TryToPunch(response, const_cast<uint8_t*>(channel.response), channel.response_bytes, figures);
  for (const int fd : {request, response}) {
    TryToWrite(fd, figures);
    TryToSeal(fd, figures);
  }
  auto* readable = const_cast<uint8_t*>(channel.response);
  if (::mprotect(readable, channel.response_bytes, PROT_READ | PROT_WRITE) == 0) {
    figures.findings[kMappedForWriting]++;
  }
}

}  // namespace hostile
