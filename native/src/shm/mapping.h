#ifndef MLOS_SHM_MAPPING_H_
#define MLOS_SHM_MAPPING_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "base/result.h"

namespace mlos {

/// What a store to the mapped bytes does.
enum class MapMode {
  /// It reaches every process that maps the region.
  kShared,
  /// It kills the process. For C++ that has been told not to write.
  kReadOnly,
  /// It lands on a private copy of the page. JavaScript has no read-only ArrayBuffer, and a stray
  /// store must neither reach the peer nor kill the process.
  kCopyOnWrite,
};

/// Bytes of a memfd in this process's address space. Held by shared_ptr: by the region, by each
/// ArrayBuffer and by whatever native code works in it; the last holder unmaps.
class Mapping {
 public:
  /// Maps the first `byte_length` bytes. With `populate`, page tables are filled now (where the
  /// kernel can) rather than one page fault at a time.
  static Result<std::shared_ptr<Mapping>> Create(int fd, uint64_t byte_length, MapMode mode,
                                                 bool populate);

  Mapping(const Mapping&) = delete;
  Mapping& operator=(const Mapping&) = delete;
  ~Mapping();

  std::span<std::byte> bytes() const { return {static_cast<std::byte*>(address_), length_}; }
  MapMode mode() const { return mode_; }

  /// Replaces the mapping in place: addresses stay valid, and another thread that reads meanwhile
  /// sees the old mapping or the new one, never a hole.
  Status Remap(int fd, MapMode mode);

 private:
  Mapping(void* address, size_t length, MapMode mode)
      : address_(address), length_(length), mode_(mode) {}

  void* const address_;
  const size_t length_;
  MapMode mode_;
};

}  // namespace mlos

#endif  // MLOS_SHM_MAPPING_H_
