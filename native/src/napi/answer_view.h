#ifndef MLOS_NAPI_ANSWER_VIEW_H_
#define MLOS_NAPI_ANSWER_VIEW_H_

#include <memory>
#include <span>

#include "base/result.h"
#include "shm/mapping.h"

namespace mlos::binding {

/// The response region as JavaScript sees it. JavaScript has no read-only ArrayBuffer, and the
/// host's memory is not ours to write to:
///
/// 1. JavaScript gets a private mapping of the region. A store makes the kernel copy the page, so
/// it
///    neither reaches anybody nor kills the process.
/// 2. A page that was copied no longer follows what the host writes. So before an answer is shown,
///    its bytes are compared with the shared mapping: where the page is the shared one they are the
///    same memory; where they differ the page is a copy, and the bytes are written into it. Either
///    way the view then shows the answer.
/// 3. Copying a huge page needs a free huge page, and the lack of one kills the process. Regions on
///    huge pages are therefore shown through ordinary private memory, by rule 2.
class AnswerView {
 public:
  /// `shared` is the arena of the response region `fd`, mapped read-only, from byte `arena_offset`
  /// of the region on.
  static Result<std::unique_ptr<AnswerView>> Create(int fd, std::span<const std::byte> shared,
                                                    size_t arena_offset);

  /// Makes the view show what `bytes`, a part of the shared arena, hold now (rule 2). Returns
  /// where it lies in the mapping.
  size_t Show(std::span<const std::byte> bytes);

  /// What JavaScript sees; offsets are those of the region.
  const std::shared_ptr<Mapping>& mapping() const { return mapping_; }

 private:
  AnswerView(std::shared_ptr<Mapping> mapping, std::span<const std::byte> shared,
             size_t arena_offset)
      : mapping_(std::move(mapping)), shared_(shared), arena_offset_(arena_offset) {}

  const std::shared_ptr<Mapping> mapping_;
  const std::span<const std::byte> shared_;
  const size_t arena_offset_;
};

}  // namespace mlos::binding

#endif  // MLOS_NAPI_ANSWER_VIEW_H_
