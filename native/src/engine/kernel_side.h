#ifndef MLOS_ENGINE_KERNEL_SIDE_H_
#define MLOS_ENGINE_KERNEL_SIDE_H_

#include <string>
#include <vector>

#include "cpu/topology.h"
#include "engine/engine.h"
#include "shm/layout.h"

namespace mlos {

/// What a model's class means to the kernel. Threads inherit all of it from the one that starts
/// them, those of a runtime too.
///
///     realtime  SCHED_FIFO at its lowest priority, else nice -10; the reserved CPUs, if there are
///     any high      nice -5 normal    as the process is batch     SCHED_BATCH, nice 10
///
/// All but realtime keep off the reserved CPUs. Explicit `cpus` go before all that. What the host
/// does not grant is reported and changes nothing else.
class KernelSide {
 public:
  KernelSide(std::vector<int> reserved_cpus, bool lock_memory, CpuTopology topology);

  /// Applies everything to the calling thread and says what became of it.
  std::vector<AppliedMeasure> ApplyToThisThread(layout::Priority priority,
                                                const std::vector<int>& cpus) const;

  bool lock_memory() const { return lock_memory_; }

 private:
  AppliedMeasure ApplyAffinity(layout::Priority priority, const std::vector<int>& cpus) const;
  AppliedMeasure ApplyNuma() const;
  AppliedMeasure DescribeLocking() const;

  const std::vector<int> reserved_cpus_;
  const bool lock_memory_;
  const CpuTopology topology_;
};

}  // namespace mlos

#endif  // MLOS_ENGINE_KERNEL_SIDE_H_
