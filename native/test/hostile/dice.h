#ifndef MLOS_TEST_HOSTILE_DICE_H_
#define MLOS_TEST_HOSTILE_DICE_H_

#include <array>
#include <cstdint>
#include <span>

namespace hostile {

/// splitmix64: a seed repeats a run, as far as threads and kills allow.
class Dice {
 public:
  explicit Dice(uint64_t seed) : state_(seed) {}

  uint64_t Next() {
    uint64_t mixed = state_ += 0x9e3779b97f4a7c15;
    mixed = (mixed ^ (mixed >> 30)) * 0xbf58476d1ce4e5b9;
    mixed = (mixed ^ (mixed >> 27)) * 0x94d049bb133111eb;
    return mixed ^ (mixed >> 31);
  }
  /// 0 … limit - 1.
  uint64_t Below(uint64_t limit) { return Next() % limit; }
  bool OneIn(uint64_t chance) { return Below(chance) == 0; }

  template <typename T, size_t N>
  const T& Of(const std::array<T, N>& list) {
    return list[Below(N)];
  }

  /// A number that somebody might have forgotten to check.
  uint64_t Evil() {
    static constexpr std::array<uint64_t, 22> kNumbers = {
        0,
        1,
        63,
        64,
        255,
        256,
        4096,
        65'535,
        65'536,
        1U << 20,
        0x7fff'ffff,
        0x8000'0000,
        0xffff'ffff,
        uint64_t{1} << 32,
        (uint64_t{1} << 32) + 64,
        uint64_t{1} << 61,
        (uint64_t{1} << 62) + 1,
        0x7fff'ffff'ffff'ffff,
        0x8000'0000'0000'0000,
        0xffff'ffff'ffff'ffc0,
        0xffff'ffff'ffff'fffe,
        0xffff'ffff'ffff'ffff,
    };
    return Of(kNumbers);
  }

 private:
  uint64_t state_;
};

}  // namespace hostile

#endif  // MLOS_TEST_HOSTILE_DICE_H_
