#include "shm/region.h"

#include <fcntl.h>

namespace mlos {
namespace {

unsigned SealsOf(WriteSeal kind) {
  return F_SEAL_SEAL | (kind == WriteSeal::kAll ? unsigned{F_SEAL_WRITE} : kSealFutureWrite);
}

}  // namespace

Result<Region> Region::Create(const RegionOptions& options) {
  Result<UniqueFd> fd = CreateMemfd(options.byte_length, options.label, options.populate);
  if (!fd.ok()) return fd.error();
  Result<std::shared_ptr<Mapping>> mapping =
      Mapping::Create(fd.value().get(), options.byte_length, MapMode::kShared, options.populate);
  if (!mapping.ok()) return mapping.error();
  return Region(std::move(fd).value(), std::move(mapping).value());
}

Result<Region> Region::Adopt(UniqueFd fd, uint64_t max_bytes, MapMode mode) {
  const AcceptRules rules{.max_bytes = max_bytes, .writable = mode == MapMode::kShared};
  const Result<uint64_t> byte_length = CheckForeignMemfd(fd.get(), rules);
  if (!byte_length.ok()) return byte_length.error();
  Result<std::shared_ptr<Mapping>> mapping =
      Mapping::Create(fd.get(), byte_length.value(), mode, /*populate=*/false);
  if (!mapping.ok()) return mapping.error();
  return Region(std::move(fd), std::move(mapping).value());
}

Status Region::Seal(WriteSeal kind) {
  const Result<unsigned> present = ReadSeals(fd());
  if (!present.ok()) return present.error();
  const unsigned wanted = SealsOf(kind);
  if ((present.value() & wanted) == wanted) return {};

  // F_SEAL_WRITE is refused while a shared mapping could write (and, before Linux 6.7, while any
  // shared mapping of a writable descriptor exists), ours included. Ours becomes a private one
  // with the same address and the same bytes first, and goes back if the seal is refused.
  const MapMode before = mapping_->mode();
  if (kind == WriteSeal::kAll) {
    const Status remapped = mapping_->Remap(fd(), MapMode::kCopyOnWrite);
    if (!remapped.ok()) return remapped;
  }
  const Status sealed = AddSeals(fd(), wanted);
  if (!sealed.ok() && kind == WriteSeal::kAll) {
    const Status restored = mapping_->Remap(fd(), before);
    if (!restored.ok()) return restored;
  }
  return sealed;
}

}  // namespace mlos
