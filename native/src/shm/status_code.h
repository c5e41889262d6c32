#ifndef MLOS_SHM_STATUS_CODE_H_
#define MLOS_SHM_STATUS_CODE_H_

#include <string_view>

#include "shm/layout.h"

namespace mlos {

/// Name of the protocol's error ("INVALID_SHAPE"); "OK" for kOk, "INTERNAL" for a number that is no
/// StatusCode.
std::string_view StatusName(layout::StatusCode status);

/// The StatusCode that an Error::code of the engine or a runner travels as; kInternal for a code
/// that has no number.
layout::StatusCode StatusOfName(std::string_view name);

/// Whether a number from outside is a StatusCode.
bool IsStatus(uint32_t number);

}  // namespace mlos

#endif  // MLOS_SHM_STATUS_CODE_H_
