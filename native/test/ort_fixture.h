#ifndef MLOS_TEST_ORT_FIXTURE_H_
#define MLOS_TEST_ORT_FIXTURE_H_

#include <cstdlib>
#include <cstring>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "check.h"
#include "onnx_model.h"
#include "ort/ort_runner.h"

namespace mlos::test {

/// The library that onnxruntime-node ships; the runner of the tests says where. Null, and a failed
/// check, without it.
inline std::shared_ptr<OrtLibrary> TestedOrt() {
  const char* path = std::getenv("MLOS_ORT_LIBRARY");
  Result<std::shared_ptr<OrtLibrary>> library = OrtLibrary::Open(path == nullptr ? "" : path);
  if (library.ok()) return std::move(library).value();
  ReportFailure(__FILE__, __LINE__, "MLOS_ORT_LIBRARY: " + library.error().message);
  return nullptr;
}

/// Outputs on the heap, aligned as in an arena.
class HeapSink : public OutputSink {
 public:
  struct Output {
    Dtype dtype = Dtype::kFloat32;
    Shape shape;
    std::span<std::byte> bytes;
    int allocations = 0;
  };

  explicit HeapSink(uint64_t room = 1 << 20) : room_(room) {}

  std::span<std::byte> Allocate(uint32_t index, Dtype dtype, const Shape& shape,
                                uint64_t byte_length) override {
    if (byte_length > room_) return {};
    Output& output = outputs[index];
    auto& memory = memory_.emplace_back(
        static_cast<std::byte*>(std::aligned_alloc(64, (byte_length + 64) / 64 * 64)), &std::free);
    output = {dtype, shape, {memory.get(), byte_length}, output.allocations + 1};
    return output.bytes;
  }

  template <typename T>
  std::vector<T> Elements(uint32_t index) {
    const std::span<std::byte> bytes = outputs[index].bytes;
    std::vector<T> elements(bytes.size() / sizeof(T));
    if (!bytes.empty()) std::memcpy(elements.data(), bytes.data(), bytes.size());
    return elements;
  }

  std::map<uint32_t, Output> outputs;

 private:
  const uint64_t room_;
  std::vector<std::unique_ptr<std::byte, decltype(&std::free)>> memory_;
};

inline Shape ShapeOf(std::initializer_list<int64_t> dims) {
  Shape shape;
  shape.rank = static_cast<uint32_t>(dims.size());
  std::copy(dims.begin(), dims.end(), shape.dims.begin());
  return shape;
}

template <typename T>
TensorView ViewOf(uint32_t index, Dtype dtype, const Shape& shape, const std::vector<T>& elements) {
  return {index, dtype, shape, std::as_bytes(std::span(elements))};
}

/// The form in which strings travel.
inline std::vector<std::byte> Pack(const std::vector<std::string>& strings) {
  std::string packed;
  for (const std::string& text : strings) {
    const auto length = static_cast<uint32_t>(text.size());
    packed.append(reinterpret_cast<const char*>(&length), sizeof length);
  }
  for (const std::string& text : strings) packed += text;
  const auto bytes = std::as_bytes(std::span(packed));
  return {bytes.begin(), bytes.end()};
}

/// A model that is loaded, with one context.
class LoadedModel {
 public:
  explicit LoadedModel(const onnx::Graph& graph, OrtSessionSettings settings = {}) {
    folder_.Write("model.onnx", onnx::Model(graph));
    settings.model_path = folder_.path() + "/model.onnx";
    if (!settings.intra_op_threads) settings.intra_op_threads = 1;
    std::shared_ptr<OrtLibrary> library = TestedOrt();
    if (library == nullptr) return;
    Result<std::unique_ptr<Runner>> opened = OpenOrtRunner(std::move(library), settings);
    if (!opened.ok()) {
      error = opened.error();
      return;
    }
    runner = std::move(opened).value();
    context = NewContext();
  }

  std::unique_ptr<RunContext> NewContext() const {
    Result<std::unique_ptr<RunContext>> created = runner->CreateContext();
    if (!created.ok()) ReportFailure(__FILE__, __LINE__, created.error().message);
    return created.ok() ? std::move(created).value() : nullptr;
  }

  /// "" or the error's code.
  std::string Run(const std::vector<TensorView>& inputs, HeapSink& sink,
                  const std::vector<uint32_t>& outputs = {0}) {
    const Status status = context->Run({inputs, outputs}, sink);
    if (status.ok()) return "";
    error = status.error();
    return error.code;
  }

  std::unique_ptr<Runner> runner;
  std::unique_ptr<RunContext> context;
  /// Of the last thing that failed.
  Error error;

 private:
  TempFolder folder_;
};

}  // namespace mlos::test

#endif  // MLOS_TEST_ORT_FIXTURE_H_
