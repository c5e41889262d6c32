#ifndef MLOS_BASE_FORK_COUNT_H_
#define MLOS_BASE_FORK_COUNT_H_

#include <cstdint>

namespace mlos {

/// How often this process has come out of a fork() since the first call: what was made at another
/// count belongs to a parent. Costs no system call.
uint32_t ForkCount();

}  // namespace mlos

#endif  // MLOS_BASE_FORK_COUNT_H_
