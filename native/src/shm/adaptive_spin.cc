#include "shm/adaptive_spin.h"

#include <algorithm>

namespace mlos {
namespace {

/// A budget below this is not worth the readings of the clock.
constexpr uint64_t kLeastBudgetNs = 1'000;
/// A budget never learns to be shorter than this from hits: other hits may take a little longer.
constexpr uint64_t kMarginNs = 4'000;

}  // namespace

uint64_t AdaptiveSpin::Begin() {
  if (budget_ns_ > 0) return budget_ns_;
  if (++unspun_ < kProbeEvery) return 0;
  unspun_ = 0;
  return max_ns_;
}

void AdaptiveSpin::Hit(uint64_t waited_ns) {
  const uint64_t target = std::min(max_ns_, waited_ns * 2 + kMarginNs);
  // Up at once, down slowly: sleeping too early costs more than spinning too long.
  budget_ns_ = target >= budget_ns_ ? target : budget_ns_ - (budget_ns_ - target) / 8;
}

void AdaptiveSpin::Miss() {
  budget_ns_ /= 2;
  if (budget_ns_ < kLeastBudgetNs) budget_ns_ = 0;
}

}  // namespace mlos
