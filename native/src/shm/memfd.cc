#include "shm/memfd.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <cerrno>
#include <limits>

#include "base/checked.h"

namespace mlos {
namespace {

// Kernel headers older than 6.3 lack it.
constexpr unsigned kNoExecSeal = 0x0008U;

constexpr unsigned kSizeSeals = F_SEAL_SHRINK | F_SEAL_GROW;
constexpr uint64_t kBlockBytes = 512;  // the unit of st_blocks, whatever the file system's

Error RegionError(const char* code, const std::string& message) {
  return Error{.code = code, .message = message, .error_number = 0, .syscall = ""};
}

/// memfd_create that asks not to be executable; kernels before 6.3 refuse the flag with EINVAL.
int CreateNoExec(const std::string& label, unsigned more_flags) {
  const unsigned flags = MFD_CLOEXEC | MFD_ALLOW_SEALING | more_flags;
  const int fd = ::memfd_create(label.c_str(), flags | kNoExecSeal);
  if (fd >= 0 || errno != EINVAL) return fd;
  return ::memfd_create(label.c_str(), flags);
}

int RetryFallocate(int fd, off_t byte_length) {
  int result = 0;
  do {
    result = ::fallocate(fd, 0, 0, byte_length);
  } while (result != 0 && errno == EINTR);
  return result;
}

Result<UniqueFd> Create(uint64_t byte_length, const std::string& label, bool allocate,
                        unsigned more_flags) {
  if (byte_length == 0 || byte_length > static_cast<uint64_t>(std::numeric_limits<off_t>::max())) {
    return RegionError("INVALID_ARGUMENT", "a region needs a size of 1 byte to 2^63-1 bytes");
  }
  if (label.size() > kMaxMemfdLabelBytes || label.find('\0') != std::string::npos) {
    return RegionError("INVALID_ARGUMENT", "a region's label has at most 249 bytes and no NUL");
  }
  UniqueFd fd(CreateNoExec(label, more_flags));
  if (!fd.valid()) return SystemError("memfd_create", errno, "cannot create a region");
  const auto size = static_cast<off_t>(byte_length);
  if (::ftruncate(fd.get(), size) != 0) {
    return SystemError("ftruncate", errno, "cannot size a region");
  }
  if (allocate && RetryFallocate(fd.get(), size) != 0) {
    return SystemError("fallocate", errno, "cannot allocate a region");
  }
  const Status sealed = AddSeals(fd.get(), kSizeSeals);
  if (!sealed.ok()) return sealed.error();
  return fd;
}

}  // namespace

Result<UniqueFd> CreateMemfd(uint64_t byte_length, const std::string& label, bool allocate) {
  return Create(byte_length, label, allocate, 0);
}

Result<UniqueFd> CreateHugeMemfd(uint64_t byte_length, const std::string& label) {
  constexpr unsigned kTwoMiB = 21U << 26;  // MFD_HUGE_2MB, which glibc does not name
  return Create(byte_length, label, /*allocate=*/true, MFD_HUGETLB | kTwoMiB);
}

Result<unsigned> ReadSeals(int fd) {
  const int seals = ::fcntl(fd, F_GET_SEALS);
  if (seals >= 0) return static_cast<unsigned>(seals);
  if (errno == EINVAL) {
    return Error{.code = "NOT_A_REGION",
                 .message = "descriptor " + std::to_string(fd) + " is not a memfd",
                 .error_number = EINVAL,
                 .syscall = "fcntl"};
  }
  return SystemError("fcntl", errno, "cannot read the seals of descriptor " + std::to_string(fd));
}

Status AddSeals(int fd, unsigned seals) {
  if (::fcntl(fd, F_ADD_SEALS, seals) != 0) {
    return SystemError("fcntl", errno, "cannot seal descriptor " + std::to_string(fd));
  }
  return {};
}

Result<uint64_t> CheckForeignMemfd(int fd, const AcceptRules& rules) {
  // Seals before size: once they are seen, the size that is read next can no longer change.
  const Result<unsigned> seals = ReadSeals(fd);
  if (!seals.ok()) return seals.error();
  if ((seals.value() & kSizeSeals) != kSizeSeals) {
    return RegionError("REGION_UNSEALED", "the region's size is not sealed");  // rule 1
  }
  if (!rules.writable && (seals.value() & (F_SEAL_WRITE | kSealFutureWrite)) == 0) {
    return RegionError("REGION_UNSEALED", "the region's content is not sealed");  // rule 2
  }
  struct stat facts {};
  if (::fstat(fd, &facts) != 0) return SystemError("fstat", errno, "cannot look at the region");
  const auto size = static_cast<uint64_t>(facts.st_size);
  if (size == 0) return RegionError("REGION_EMPTY", "the region has no bytes");
  if (size > rules.max_bytes) {
    return RegionError("REGION_TOO_LARGE", "the region has " + std::to_string(size) +
                                               " bytes, the limit is " +
                                               std::to_string(rules.max_bytes));  // rule 4
  }
  const auto allocated = CheckedMul(static_cast<uint64_t>(facts.st_blocks), kBlockBytes);
  if (!allocated || *allocated < size) {
    return RegionError("REGION_SPARSE", "the region has pages that are not allocated");  // rule 3
  }
  return size;
}

}  // namespace mlos
