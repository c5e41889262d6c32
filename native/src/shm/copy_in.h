#ifndef MLOS_SHM_COPY_IN_H_
#define MLOS_SHM_COPY_IN_H_

#include <cstddef>
#include <cstring>

namespace mlos {

/// Copies bytes that another process may be changing. The compiler may not go back to the source
/// afterwards, as it could with a plain copy: what is checked is what is used.
inline void CopyIn(void* to, const void* from, std::size_t byte_length) {
  std::memcpy(to, from, byte_length);
  asm volatile("" ::: "memory");
}

}  // namespace mlos

#endif  // MLOS_SHM_COPY_IN_H_
