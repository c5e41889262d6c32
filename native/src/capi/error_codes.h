#ifndef MLOS_CAPI_ERROR_CODES_H_
#define MLOS_CAPI_ERROR_CODES_H_

#include <string>
#include <string_view>

#include "base/status.h"
#include "capi/mlos.h"

namespace mlos::capi {

/// The number of a protocol error's name; MLOS_INTERNAL for a name that has none.
mlos_status StatusOfCode(std::string_view code);

/// What a call answers for an Error of the core: its code where that is one of the protocol's, else
/// what its errno comes to.
mlos_status StatusOfError(const Error& error);

/// "INVALID_SHAPE"; lives for ever.
const char* NameOfStatus(mlos_status status);

/// Keeps a text as this thread's mlos_last_error() and returns the status.
mlos_status Fail(mlos_status status, std::string_view message);
mlos_status Fail(const Error& error);
const char* LastError();

}  // namespace mlos::capi

#endif  // MLOS_CAPI_ERROR_CODES_H_
