#ifndef MLOS_NAPI_ENV_STATE_H_
#define MLOS_NAPI_ENV_STATE_H_

#include "napi/engine_room.h"
#include "napi/setup.h"
#include "napi/watches.h"

namespace mlos::binding {

/// Everything that lives once per JavaScript environment. A worker thread loads the addon again
/// into the same process, so nothing of this may be global.
struct EnvState {
  Watches watches;
  EngineRoom engines;
};

/// Creates the state; called once, by the module's initialiser.
void InstallEnvState(Napi::Env env);

EnvState& StateOf(Napi::Env env);

}  // namespace mlos::binding

#endif  // MLOS_NAPI_ENV_STATE_H_
