#ifndef MLOS_CPU_AFFINITY_H_
#define MLOS_CPU_AFFINITY_H_

#include <vector>

#include "base/result.h"
#include "cpu/target.h"

namespace mlos {

/// The logical processors on which the target may run, ascending.
Result<std::vector<int>> ReadAffinity(const CpuTarget& target);

/// Confines the target to `cpus`; INVALID_ARGUMENT when the list is empty or holds a number outside
/// 0..65,535, EINVAL when none of them is online and in the target's cpuset. Those that are not
/// are left out by the kernel without a word: read the affinity again to see what became of it.
Status WriteAffinity(const CpuTarget& target, const std::vector<int>& cpus);

}  // namespace mlos

#endif  // MLOS_CPU_AFFINITY_H_
