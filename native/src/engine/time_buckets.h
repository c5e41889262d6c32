#ifndef MLOS_ENGINE_TIME_BUCKETS_H_
#define MLOS_ENGINE_TIME_BUCKETS_H_

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>

#include "shm/stats_layout.h"

namespace mlos {

/// Upper bounds of layout::kTimeBuckets in nanoseconds: 1 µs, 2 µs, 5 µs … 50 s.
constexpr std::array<uint64_t, layout::kTimeBuckets - 1> kTimeBoundsNs = [] {
  std::array<uint64_t, layout::kTimeBuckets - 1> bounds{};
  uint64_t decade = 1000;
  for (size_t i = 0; i < bounds.size(); i += 3) {
    bounds.at(i) = decade;
    bounds.at(i + 1) = 2 * decade;
    bounds.at(i + 2) = 5 * decade;
    decade *= 10;
  }
  return bounds;
}();

/// The bucket of a time; a bound belongs to the bucket below it.
inline uint32_t TimeBucket(uint64_t ns) {
  const auto* found = std::lower_bound(kTimeBoundsNs.begin(), kTimeBoundsNs.end(), ns);
  return static_cast<uint32_t>(found - kTimeBoundsNs.begin());
}

/// The bucket of a batch of `requests` (at least 1): 1, 2, 3-4, 5-8 …
inline uint32_t BatchBucket(uint64_t requests) {
  const auto bucket = static_cast<uint32_t>(std::bit_width(requests - 1));
  return std::min(bucket, layout::kBatchBuckets - 1);
}

}  // namespace mlos

#endif  // MLOS_ENGINE_TIME_BUCKETS_H_
