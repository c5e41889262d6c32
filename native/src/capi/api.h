#ifndef MLOS_CAPI_API_H_
#define MLOS_CAPI_API_H_

#include <exception>
#include <memory>

#include "capi/error_codes.h"
#include "capi/mlos.h"
#include "capi/model.h"
#include "capi/request.h"

/// What stands behind the handles of mlos.h. A mlos_request is a Request.
struct mlos_model {  // NOLINT(readability-identifier-naming)
  std::shared_ptr<mlos::capi::Model> model;
};

namespace mlos::capi {

inline mlos_request* HandleOf(Request* request) { return reinterpret_cast<mlos_request*>(request); }
inline Request* RequestOf(mlos_request* request) { return reinterpret_cast<Request*>(request); }
inline const Request* RequestOf(const mlos_request* request) {
  return reinterpret_cast<const Request*>(request);
}

inline mlos_status InvalidArgument() {
  return Fail(MLOS_INVALID_ARGUMENT, "An argument is NULL or out of range.");
}

/// Runs the body of a function: no exception may leave C code, and the only ones there are say that
/// memory has run out.
template <typename Body>
mlos_status Guarded(const Body& body) {
  try {
    return body();
  } catch (const std::exception&) {
    return MLOS_INTERNAL;
  }
}

}  // namespace mlos::capi

#endif  // MLOS_CAPI_API_H_
