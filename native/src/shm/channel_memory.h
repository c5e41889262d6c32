#ifndef MLOS_SHM_CHANNEL_MEMORY_H_
#define MLOS_SHM_CHANNEL_MEMORY_H_

#include <cstdint>
#include <memory>
#include <span>

#include "base/result.h"
#include "base/unique_fd.h"
#include "shm/layout.h"
#include "shm/mapping.h"

namespace mlos {

/// The two regions of a channel as one process has them mapped.
struct ChannelMemory {
  std::shared_ptr<Mapping> request;
  std::shared_ptr<Mapping> response;
};

}  // namespace mlos

#endif  // MLOS_SHM_CHANNEL_MEMORY_H_
