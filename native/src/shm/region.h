#ifndef MLOS_SHM_REGION_H_
#define MLOS_SHM_REGION_H_

#include <cstdint>
#include <memory>
#include <string>

#include "base/result.h"
#include "base/unique_fd.h"
#include "shm/mapping.h"
#include "shm/memfd.h"

namespace mlos {

/// Who may still write to a region once it is sealed.
enum class WriteSeal {
  /// Whoever has it mapped for writing already, this process included; nobody new.
  kFuture,
  /// Nobody: the content is fixed. EBUSY while another mapping can still write.
  kAll,
};

struct RegionOptions {
  uint64_t byte_length = 0;
  std::string label = "mlos-region";
  /// Allocate and map every page now; see CreateMemfd.
  bool populate = true;
};

/// A sealed memfd and its mapping. The region owns the descriptor; the mapping is shared and may
/// outlive the region.
class Region {
 public:
  /// A new region of zeros, mapped for writing, its size sealed.
  static Result<Region> Create(const RegionOptions& options);

  /// Takes over somebody else's memfd (which is closed if it is refused) under the rules of
  /// CheckForeignMemfd. `mode` kShared means that this side writes.
  static Result<Region> Adopt(UniqueFd fd, uint64_t max_bytes, MapMode mode);

  int fd() const { return fd_.get(); }
  uint64_t byte_length() const { return mapping_->bytes().size(); }
  const std::shared_ptr<Mapping>& mapping() const { return mapping_; }

  /// Takes the right to write away, and the right to seal (F_SEAL_SEAL). Idempotent for the same
  /// kind; afterwards any other kind is EPERM.
  Status Seal(WriteSeal kind);

 private:
  Region(UniqueFd fd, std::shared_ptr<Mapping> mapping)
      : fd_(std::move(fd)), mapping_(std::move(mapping)) {}

  UniqueFd fd_;
  std::shared_ptr<Mapping> mapping_;
};

}  // namespace mlos

#endif  // MLOS_SHM_REGION_H_
