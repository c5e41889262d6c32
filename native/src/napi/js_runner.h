#ifndef MLOS_NAPI_JS_RUNNER_H_
#define MLOS_NAPI_JS_RUNNER_H_

#include <memory>
#include <string>
#include <utility>

#include "engine/runner.h"
#include "napi/js_calls.h"

namespace mlos::binding {

/// A model that a JavaScript function runs. Made on JavaScript's thread, destroyed on any.
class JsRunner : public Runner {
 public:
  JsRunner(std::shared_ptr<JsCalls> calls, const Napi::Function& function, ModelSignature signature,
           std::string description, JsRuns runs);
  JsRunner(const JsRunner&) = delete;
  JsRunner& operator=(const JsRunner&) = delete;
  ~JsRunner() override;

  const ModelSignature& signature() const override { return signature_; }
  Result<std::unique_ptr<RunContext>> CreateContext() override;
  std::string description() const override { return description_; }

 private:
  const std::shared_ptr<JsCalls> calls_;
  const uint64_t function_;
  const ModelSignature signature_;
  const std::string description_;
  const JsRuns runs_;
};

}  // namespace mlos::binding

#endif  // MLOS_NAPI_JS_RUNNER_H_
