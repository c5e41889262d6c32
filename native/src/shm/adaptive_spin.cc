#include "shm/adaptive_spin.h"

#include <algorithm>

namespace mlos {
namespace {

/// A budget below this is not worth the readings of the clock.
constexpr uint64_t kLeastBudgetNs = 1'000;
/// A budget never learns to be shorter than this from short waits: others may take a little longer.
constexpr uint64_t kMarginNs = 4'000;

}  // namespace

void AdaptiveSpin::Learn(uint64_t waited_ns) {
  if (waited_ns > max_ns_) {
    budget_ns_ /= 2;
    if (budget_ns_ < kLeastBudgetNs) budget_ns_ = 0;
    return;
  }
  const uint64_t target = std::min(max_ns_, waited_ns * 2 + kMarginNs);
  // Up at once, down slowly: sleeping too early costs more than spinning too long.
  budget_ns_ = target >= budget_ns_ ? target : budget_ns_ - (budget_ns_ - target) / 8;
}

}  // namespace mlos
