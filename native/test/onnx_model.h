#ifndef MLOS_TEST_ONNX_MODEL_H_
#define MLOS_TEST_ONNX_MODEL_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "shm/tensor_view.h"

/// Writes small ONNX models. Field numbers are those of onnx.proto.
namespace mlos::test::onnx {

/// A protobuf message as it is written, field by field.
class Message {
 public:
  Message& Int(uint32_t field, int64_t value) {
    Varint(field << 3);
    Varint(static_cast<uint64_t>(value));
    return *this;
  }
  Message& Bytes(uint32_t field, std::string_view bytes) {
    Varint(field << 3 | 2);
    Varint(bytes.size());
    bytes_ += bytes;
    return *this;
  }
  Message& Add(uint32_t field, const Message& message) { return Bytes(field, message.bytes_); }
  const std::string& bytes() const { return bytes_; }

 private:
  void Varint(uint64_t value) {
    for (; value >= 0x80; value >>= 7) bytes_ += static_cast<char>((value & 0x7f) | 0x80);
    bytes_ += static_cast<char>(value);
  }

  std::string bytes_;
};

/// A dimension: a size, a name, or neither.
struct Dim {
  Dim(int64_t given_size) : size(given_size) {}
  Dim(int given_size) : size(given_size) {}
  Dim(const char* given_name) : size(-1), name(given_name) {}
  int64_t size;
  std::string name;
};

inline Message TensorType(int element_type) {
  return Message().Add(1, Message().Int(1, element_type));
}

inline Message TensorType(int element_type, const std::vector<Dim>& dims) {
  Message shape;
  for (const Dim& dim : dims) {
    Message written;
    if (dim.size >= 0) written.Int(1, dim.size);
    if (!dim.name.empty()) written.Bytes(2, dim.name);
    shape.Add(1, written);
  }
  return Message().Add(1, Message().Int(1, element_type).Add(2, shape));
}

inline Message SequenceType(const Message& element) {
  return Message().Add(4, Message().Add(1, element));
}

struct Value {
  std::string name;
  Message type;
};

inline Value Tensor(const std::string& name, Dtype dtype, const std::vector<Dim>& dims) {
  return {name, TensorType(static_cast<int>(dtype), dims)};
}

/// A weight; `raw` is row-major and little-endian.
inline Message Weight(const std::string& name, Dtype dtype, const std::vector<int64_t>& dims,
                      std::string_view raw) {
  Message weight;
  for (const int64_t dim : dims) weight.Int(1, dim);
  return weight.Int(2, static_cast<int>(dtype)).Bytes(8, name).Bytes(9, raw);
}

inline Message IntAttribute(const std::string& name, int64_t value) {
  return Message().Bytes(1, name).Int(3, value).Int(20, 2);
}

inline Message GraphAttribute(const std::string& name, const Message& graph) {
  return Message().Bytes(1, name).Add(6, graph).Int(20, 5);
}

struct Node {
  std::string type;
  std::vector<std::string> inputs;
  std::vector<std::string> outputs;
  std::vector<Message> attributes = {};
};

struct Graph {
  std::vector<Value> inputs;
  std::vector<Value> outputs;
  std::vector<Node> nodes;
  std::vector<Message> weights = {};
};

inline Message Write(const Value& value) {
  return Message().Bytes(1, value.name).Add(2, value.type);
}

inline Message Write(const Node& node) {
  Message written;
  for (const std::string& name : node.inputs) written.Bytes(1, name);
  for (const std::string& name : node.outputs) written.Bytes(2, name);
  written.Bytes(4, node.type);
  for (const Message& attribute : node.attributes) written.Add(5, attribute);
  return written;
}

inline Message Write(const Graph& graph) {
  Message written;
  for (const Node& node : graph.nodes) written.Add(1, Write(node));
  written.Bytes(2, "graph");
  for (const Message& weight : graph.weights) written.Add(5, weight);
  for (const Value& input : graph.inputs) written.Add(11, Write(input));
  for (const Value& output : graph.outputs) written.Add(12, Write(output));
  return written;
}

/// The bytes of a model file.
inline std::string Model(const Graph& graph, int64_t opset = 19) {
  const Message operators = Message().Bytes(1, "").Int(2, opset);
  return Message().Int(1, 9).Add(7, Write(graph)).Add(8, operators).bytes();
}

}  // namespace mlos::test::onnx

#endif  // MLOS_TEST_ONNX_MODEL_H_
