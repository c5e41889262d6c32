#ifndef MLOS_ENGINE_SHARED_RUNNER_H_
#define MLOS_ENGINE_SHARED_RUNNER_H_

#include <memory>
#include <string>
#include <utility>

#include "base/result.h"
#include "engine/runner.h"

namespace mlos {

/// Another model's runner, and so its weights.
class SharedRunner final : public Runner {
 public:
  explicit SharedRunner(std::shared_ptr<Runner> of) : of_(std::move(of)) {}

  const ModelSignature& signature() const override { return of_->signature(); }
  Result<std::unique_ptr<RunContext>> CreateContext() override { return of_->CreateContext(); }
  std::string description() const override { return of_->description(); }

 private:
  const std::shared_ptr<Runner> of_;
};

}  // namespace mlos

#endif  // MLOS_ENGINE_SHARED_RUNNER_H_
