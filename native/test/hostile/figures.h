#ifndef MLOS_TEST_HOSTILE_FIGURES_H_
#define MLOS_TEST_HOSTILE_FIGURES_H_

#include <array>
#include <atomic>
#include <cstdint>

/// What the hostile client did and saw, counted in memory that its processes share: they are killed
/// at random, so none of them could report by itself.
namespace hostile {

struct Figures {
  /// Processes that came, channels that became open, attachments that were refused.
  std::atomic<uint64_t> lives;
  std::atomic<uint64_t> attached;
  std::atomic<uint64_t> refused;
  std::atomic<uint64_t> killed;
  /// Channels that the host closed on us.
  std::atomic<uint64_t> closed;
  /// Entries published, and answers by whether they were kOk.
  std::atomic<uint64_t> entries;
  std::atomic<uint64_t> answered_ok;
  std::atomic<uint64_t> answered_error;
  /// Tensors in memfds: sent, taken.
  std::atomic<uint64_t> memfds;
  std::atomic<uint64_t> memfds_taken;
  /// How often each Finding was made.
  std::array<std::atomic<uint64_t>, 16> findings;
};

/// What must not happen, whatever a client does.
enum Finding : uint32_t {
  kShrunk,
  kPunched,
  kWrittenByCall,
  kMappedForWriting,
  kSealedMore,
  kUnsealedTaken,
  kSparseTaken,
  kBadHeaderTaken,
  kActivatedTwice,
  kForeignActivated,
  kBadMemfdTaken,
  kForeignDataSeen,
  kDiedByItself,
  kNoAnswer,
  kFindings,
};

inline constexpr std::array<const char*, kFindings> kFindingNames = {
    "shrunk",          "punched",           "written_by_call", "mapped_for_writing",
    "sealed_more",     "unsealed_taken",    "sparse_taken",    "bad_header_taken",
    "activated_twice", "foreign_activated", "bad_memfd_taken", "foreign_data_seen",
    "died_by_itself",  "no_answer",
};

}  // namespace hostile

#endif  // MLOS_TEST_HOSTILE_FIGURES_H_
