#ifndef MLOS_NAPI_EXPORTS_H_
#define MLOS_NAPI_EXPORTS_H_

#include "napi/setup.h"

namespace mlos::binding {

/// What each file adds to the module's exports. The names are listed once more, with their types,
/// in ts/native/binding.ts; a test compares the two.
void ExportRegion(Napi::Env env, Napi::Object exports);
void ExportLayout(Napi::Env env, Napi::Object exports);
void ExportChannelFiles(Napi::Env env, Napi::Object exports);
void ExportClientChannel(Napi::Env env, Napi::Object exports);
void ExportEngine(Napi::Env env, Napi::Object exports);
void ExportSocket(Napi::Env env, Napi::Object exports);
void ExportProcess(Napi::Env env, Napi::Object exports);
void ExportWatch(Napi::Env env, Napi::Object exports);
void ExportCpu(Napi::Env env, Napi::Object exports);
void ExportGpu(Napi::Env env, Napi::Object exports);

/// Adds one function under its name.
template <Napi::Value (*kFunction)(const Napi::CallbackInfo&)>
void ExportFunction(Napi::Env env, Napi::Object exports, const char* name) {
  exports.Set(name, Napi::Function::New<kFunction>(env, name));
}

}  // namespace mlos::binding

#endif  // MLOS_NAPI_EXPORTS_H_
