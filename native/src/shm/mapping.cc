#include "shm/mapping.h"

#include <sys/mman.h>

#include <cerrno>

namespace mlos {
namespace {

// Linux 5.14; older headers lack them. Older kernels answer EINVAL, and pages then come one fault
// at a time, which is slower and just as right.
constexpr int kMadvPopulateRead = 22;
constexpr int kMadvPopulateWrite = 23;

struct MmapArguments {
  int protection;
  int flags;
};

MmapArguments ArgumentsOf(MapMode mode) {
  switch (mode) {
    case MapMode::kShared:
      return {PROT_READ | PROT_WRITE, MAP_SHARED};
    case MapMode::kReadOnly:
      return {PROT_READ, MAP_SHARED};
    case MapMode::kCopyOnWrite:
      break;
  }
  // NORESERVE: hardly any page is ever copied, so none should be counted in advance.
  return {PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_NORESERVE};
}

void* Mmap(void* address, size_t length, int fd, MapMode mode, int more_flags) {
  const MmapArguments arguments = ArgumentsOf(mode);
  return ::mmap(address, length, arguments.protection, arguments.flags | more_flags, fd, 0);
}

}  // namespace

Result<std::shared_ptr<Mapping>> Mapping::Create(int fd, uint64_t byte_length, MapMode mode,
                                                 bool populate) {
  const auto length = static_cast<size_t>(byte_length);
  void* address = Mmap(nullptr, length, fd, mode, 0);
  if (address == MAP_FAILED) {
    return SystemError("mmap", errno,
                       "cannot map " + std::to_string(byte_length) + " bytes of a region");
  }
  std::shared_ptr<Mapping> mapping(new Mapping(address, length, mode));
  if (populate) {
    // Populating a private mapping for writing would copy every page: only shared ones may be.
    const int advice = mode == MapMode::kShared ? kMadvPopulateWrite : kMadvPopulateRead;
    // A refusal costs time later and nothing else.
    static_cast<void>(::madvise(address, length, advice));
  }
  return mapping;
}

Mapping::~Mapping() { ::munmap(address_, length_); }

Status Mapping::Remap(int fd, MapMode mode) {
  if (Mmap(address_, length_, fd, mode, MAP_FIXED) == MAP_FAILED) {
    return SystemError("mmap", errno, "cannot change how a region is mapped");
  }
  mode_ = mode;
  return {};
}

}  // namespace mlos
