#ifndef MLOS_NAPI_TYPE_TAGS_H_
#define MLOS_NAPI_TYPE_TAGS_H_

#include "napi/setup.h"

namespace mlos::binding {

// A handle is a bare pointer to JavaScript. The tag, a random number per kind, turns "a region
// handle given where a lock was expected" from heap corruption into a thrown error.
constexpr napi_type_tag kRegionTag = {0x3f1d0c7a52e94b86, 0x9be7a1d4c06f2835};
constexpr napi_type_tag kPidFdTag = {0xb85a7e2190cd4f63, 0x1c42f96de3078ab5};
constexpr napi_type_tag kFileLockTag = {0x62c9043be7f18da5, 0xd70be58a214f936c};

constexpr napi_type_tag kChannelTag = {0x91b6e3f4072d4ac8, 0xa3c85f1e6b094d72};
constexpr napi_type_tag kEngineTag = {0x4e7a90c2d8b14f35, 0x8f263be1c5d7a049};

}  // namespace mlos::binding

#endif  // MLOS_NAPI_TYPE_TAGS_H_
