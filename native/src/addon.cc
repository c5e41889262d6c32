#include "napi/env_state.h"
#include "napi/exports.h"
#include "napi/setup.h"

namespace {

Napi::Object Init(Napi::Env env, Napi::Object exports) {
  mlos::binding::InstallEnvState(env);
  mlos::binding::ExportRegion(env, exports);
  mlos::binding::ExportLayout(env, exports);
  mlos::binding::ExportChannelFiles(env, exports);
  mlos::binding::ExportClientChannel(env, exports);
  mlos::binding::ExportEngine(env, exports);
  mlos::binding::ExportSocket(env, exports);
  mlos::binding::ExportProcess(env, exports);
  mlos::binding::ExportWatch(env, exports);
  mlos::binding::ExportCpu(env, exports);
  mlos::binding::ExportGpu(env, exports);
  return exports;
}

}  // namespace

NODE_API_MODULE(mlos, Init)
