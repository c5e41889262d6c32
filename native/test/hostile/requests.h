#ifndef MLOS_TEST_HOSTILE_REQUESTS_H_
#define MLOS_TEST_HOSTILE_REQUESTS_H_

#include <array>
#include <atomic>
#include <cstdint>
#include <optional>

#include "raw_channel.h"

namespace hostile {

/// Requests to one of the models of this test, each in a cell of the arena of its own: honest ones,
/// ones with fields that lie, and ones that are rewritten while the host looks at them.
class Requests {
 public:
  Requests(RawChannel& channel, Dice& dice) : channel_(channel), dice_(dice) {}

  /// An entry for a free slot; nullopt when none is free, now and then one that is in use.
  std::optional<mlos::layout::RequestEntry> Honest();
  std::optional<mlos::layout::RequestEntry> Mutated();
  void Answered(uint32_t slot);
  uint64_t IdIn(uint64_t slot) const { return ids_[slot]; }

  /// For a second thread: change something of the latest requests, and mostly change it back.
  void RaceFields(Dice& dice);
  void RaceData(Dice& dice);
  void RaceEntries(Dice& dice);
  void RaceEverything(Dice& dice);

 private:
  struct Cell {
    mlos::layout::RequestDescriptor fixed;
    mlos::layout::TensorDescriptor tensor;
  };
  uint8_t* AddressOf(uint64_t slot) const;
  uint64_t OffsetOf(uint64_t slot) const;
  void Write(uint64_t slot);
  void WriteData(uint64_t slot, mlos::layout::TensorDescriptor& tensor);
  void Mutate(Cell& cell);
  uint64_t Latest(Dice& dice) const;

  RawChannel& channel_;
  Dice& dice_;
  std::array<uint64_t, mlos::layout::kSlots> ids_{};
  uint64_t last_id_ = 0;
  std::atomic<uint64_t> last_slot_ = 0;
};

}  // namespace hostile

#endif  // MLOS_TEST_HOSTILE_REQUESTS_H_
