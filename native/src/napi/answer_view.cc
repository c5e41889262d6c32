#include "napi/answer_view.h"

#include <linux/magic.h>
#include <sys/vfs.h>

#include <cerrno>
#include <cstring>

#include "shm/memfd.h"

namespace mlos::binding {
namespace {

Result<bool> IsOnHugePages(int fd) {
  struct statfs facts {};
  if (::fstatfs(fd, &facts) != 0) return SystemError("fstatfs", errno, "cannot look at a region");
  return static_cast<long>(facts.f_type) == static_cast<long>(HUGETLBFS_MAGIC);
}

/// Private zeros, which become memory where they are written to.
Result<std::shared_ptr<Mapping>> MapOrdinary(uint64_t byte_length) {
  auto memfd = CreateMemfd(byte_length, "mlos-answers", false);
  if (!memfd.ok()) return memfd.error();
  return Mapping::Create(memfd.value().get(), byte_length, MapMode::kCopyOnWrite, false);
}

}  // namespace

Result<std::unique_ptr<AnswerView>> AnswerView::Create(int fd, std::span<const std::byte> shared,
                                                       size_t arena_offset) {
  auto huge = IsOnHugePages(fd);
  if (!huge.ok()) return huge.error();
  const uint64_t byte_length = arena_offset + shared.size();
  auto mapping = huge.value() ? MapOrdinary(byte_length)
                              : Mapping::Create(fd, byte_length, MapMode::kCopyOnWrite, true);
  if (!mapping.ok()) return mapping.error();
  return std::unique_ptr<AnswerView>(
      new AnswerView(std::move(mapping).value(), shared, arena_offset));
}

size_t AnswerView::Show(std::span<const std::byte> bytes) {
  if (bytes.empty()) return arena_offset_;
  const size_t offset = arena_offset_ + static_cast<size_t>(bytes.data() - shared_.data());
  std::byte* const shown = mapping_->bytes().data() + offset;
  if (std::memcmp(shown, bytes.data(), bytes.size()) != 0) {
    std::memcpy(shown, bytes.data(), bytes.size());
  }
  return offset;
}

}  // namespace mlos::binding
