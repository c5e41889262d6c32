#ifndef MLOS_NAPI_BOUNDS_H_
#define MLOS_NAPI_BOUNDS_H_

#include <cstdint>

namespace mlos::binding {

/// The most that is taken from JavaScript of what several exports read.

/// CPUs of a machine, and their numbers.
inline constexpr uint32_t kMaxCpus = 65'536;
/// What names a model of an engine: 32 bits.
inline constexpr int64_t kMaxHandle = 0xffff'ffff;
/// Elements of a tensor, and so of each of its dimensions.
inline constexpr int64_t kMaxDim = int64_t{1} << 40;

}  // namespace mlos::binding

#endif  // MLOS_NAPI_BOUNDS_H_
