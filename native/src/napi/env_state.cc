#include "napi/env_state.h"

#include <memory>

namespace mlos::binding {

void InstallEnvState(Napi::Env env) {
  // Node-API owns the state from here on and deletes it after every clean-up hook has run.
  env.SetInstanceData(std::make_unique<EnvState>().release());
}

EnvState& StateOf(Napi::Env env) { return *env.GetInstanceData<EnvState>(); }

}  // namespace mlos::binding
