#ifndef MLOS_NAPI_SETUP_H_
#define MLOS_NAPI_SETUP_H_

// The one place that includes napi.h, so that its settings are the same in every file.

// Node-API 9: Node 18.17, 20.3 and everything later, with one binary.
#define NAPI_VERSION 9
// JavaScript exceptions are C++ exceptions, and every std::exception that reaches the border
// (std::bad_alloc) becomes a JavaScript one instead of ending the process.
#define NODE_ADDON_API_CPP_EXCEPTIONS
#define NODE_ADDON_API_CPP_EXCEPTIONS_ALL
// Finalizers may run in the middle of garbage collection, where no JavaScript may run: the
// compiler refuses those that ask for more.
#define NODE_ADDON_API_REQUIRE_BASIC_FINALIZERS
// A worker that is being terminated cannot throw; without this, trying to would end the process.
#define NODE_API_SWALLOW_UNTHROWABLE_EXCEPTIONS
#define NODE_ADDON_API_DISABLE_DEPRECATED

#include <napi.h>  // IWYU pragma: export

#endif  // MLOS_NAPI_SETUP_H_
