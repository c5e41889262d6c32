#include <algorithm>
#include <functional>
#include <numeric>

#include "load.h"
#include "ort/library.h"
#include "ort/session_options.h"

namespace bench {
namespace {

constexpr int kFloat32 = 1;

void Check(const mlos::OrtApi& api, mlos::OrtStatus* status) {
  const mlos::Status checked = mlos::TakeOrtStatus(api, status, "RUNTIME");
  if (!checked.ok()) Fail(checked.error().message);
}

}  // namespace

void RunInProcess(const Arguments& arguments) {
  auto opened = mlos::OrtLibrary::Open(arguments.Text("library"));
  if (!opened.ok()) Fail(opened.error().message);
  const auto library = std::move(opened).value();
  const mlos::OrtApi& api = library->api();
  mlos::OrtSessionSettings settings;
  settings.model_path = arguments.Text("file");
  settings.intra_op_threads = 1;
  auto options = mlos::CreateOrtSessionOptions(api, settings);
  if (!options.ok()) Fail(options.error().message);
  mlos::OrtSession* session = nullptr;
  Check(api, api.create_session(library->env(), settings.model_path.c_str(), options.value().get(),
                                &session));

  const std::vector<int64_t> dims = arguments.Shape();
  const int64_t count = std::accumulate(dims.begin(), dims.end(), int64_t{1}, std::multiplies<>());
  std::vector<float> x(static_cast<size_t>(count), 0.5F);
  mlos::OrtValue* input = nullptr;
  Check(api, api.create_tensor_with_data(library->cpu_memory(), x.data(), x.size() * sizeof(float),
                                         dims.data(), dims.size(), kFloat32, &input));
  const char* const input_name = "x";
  const char* const output_name = "y";
  // The first run makes the output; from then on the runtime writes into the same memory.
  mlos::OrtValue* output = nullptr;
  Stopwatch watch(arguments);
  uint64_t sent = watch.AwaitTurn(NowNs());
  while (watch.Running(sent)) {
    Check(api, api.run(session, nullptr, &input_name, &input, 1, &output_name, 1, &output));
    const uint64_t answered = NowNs();
    watch.Add(sent, answered);
    sent = watch.AwaitTurn(answered);
  }
  api.release_value(output);
  api.release_value(input);
  api.release_session(session);
  watch.Print();
}

}  // namespace bench
