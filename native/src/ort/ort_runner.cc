#include "ort/ort_runner.h"

#include <utility>

#include "base/freed_memory.h"
#include "ort/model.h"
#include "ort/run_context.h"
#include "ort/signature.h"

namespace mlos {
namespace {

class OrtRunner : public Runner {
 public:
  explicit OrtRunner(std::shared_ptr<const OrtModel> model) : model_(std::move(model)) {}

  const ModelSignature& signature() const override { return model_->signature; }

  Result<std::unique_ptr<RunContext>> CreateContext() override {
    return CreateOrtRunContext(model_);
  }

  std::string description() const override {
    return "onnxruntime " + model_->library->version() + " (C ABI)";
  }

 private:
  const std::shared_ptr<const OrtModel> model_;
};

}  // namespace

Result<std::unique_ptr<Runner>> OpenOrtRunner(std::shared_ptr<OrtLibrary> library,
                                              const OrtSessionSettings& settings) {
  const OrtApi& api = library->api();
  Result<OrtOwned<OrtSessionOptions>> options = CreateOrtSessionOptions(api, settings);
  if (!options.ok()) return options.error();
  OrtSession* session = nullptr;
  OrtStatus* failure = api.create_session(library->env(), settings.model_path.c_str(),
                                          options.value().get(), &session);
  if (failure != nullptr) return TakeOrtStatus(api, failure, "MODEL_LOAD_FAILED").error();
  auto model = std::make_shared<OrtModel>();
  model->library = std::move(library);
  model->session = {session, {api.release_session}};
  Result<ModelSignature> signature = ReadOrtSignature(*model->library, session);
  if (!signature.ok()) return signature.error();
  ReturnFreedMemory();
  model->signature = std::move(signature).value();
  return std::unique_ptr<Runner>(std::make_unique<OrtRunner>(std::move(model)));
}

}  // namespace mlos
