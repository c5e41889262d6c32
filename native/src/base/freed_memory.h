#ifndef MLOS_BASE_FREED_MEMORY_H_
#define MLOS_BASE_FREED_MEMORY_H_

#include <malloc.h>

namespace mlos {

/// Gives pages that this process has freed back to the system. A runtime that loads a model frees
/// about as much as it keeps, in pieces between what stays, and glibc holds on to those
/// (malloc_trim(3)).
inline void ReturnFreedMemory() {
#ifdef __GLIBC__
  malloc_trim(0);
#endif
}

}  // namespace mlos

#endif  // MLOS_BASE_FREED_MEMORY_H_
