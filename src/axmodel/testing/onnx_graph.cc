#include "axmodel/testing/onnx_graph.h"

#include <cstring>
#include <protozero/pbf_writer.hpp>

#include "axmodel/wire.h"
#include "base/file.h"

namespace axle::axmodel::testing {
namespace {

using protozero::pbf_writer;

constexpr std::int64_t kIr = 8;
constexpr std::int64_t kOpset = 17;

std::string value_info(std::string_view name, DataType dtype,
                       const std::vector<std::int64_t>& shape) {
  std::string dims;
  for (const std::int64_t length : shape) {
    std::string dim;
    if (length >= 0) pbf_writer(dim).add_int64(wire::kDimValue, length);
    if (length < 0) pbf_writer(dim).add_string(wire::kDimParam, "open");
    pbf_writer(dims).add_message(wire::kShapeDim, dim);
  }
  std::string tensor;
  pbf_writer(tensor).add_int32(wire::kTensorTypeElem, static_cast<std::int32_t>(dtype));
  pbf_writer(tensor).add_message(wire::kTensorTypeShape, dims);
  std::string type;
  pbf_writer(type).add_message(wire::kTypeTensor, tensor);
  std::string value;
  pbf_writer(value).add_string(wire::kValueName, name.data(), name.size());
  pbf_writer(value).add_message(wire::kValueType, type);
  return value;
}

std::string tensor_head(std::string_view name, DataType dtype,
                        const std::vector<std::int64_t>& shape) {
  std::string tensor;
  pbf_writer writer(tensor);
  for (const std::int64_t length : shape) writer.add_int64(wire::kTensorDims, length);
  writer.add_int32(wire::kTensorDataType, static_cast<std::int32_t>(dtype));
  writer.add_string(wire::kTensorName, name.data(), name.size());
  return tensor;
}

std::string entry(std::string_view key, std::string_view value) {
  std::string text;
  pbf_writer(text).add_string(wire::kEntryKey, key.data(), key.size());
  pbf_writer(text).add_string(wire::kEntryValue, value.data(), value.size());
  return text;
}

template <typename Number>
std::string raw(const std::vector<Number>& values) {
  std::string bytes(values.size() * sizeof(Number), '\0');
  if (!values.empty()) std::memcpy(bytes.data(), values.data(), bytes.size());
  return bytes;
}

struct AttributeFields {
  pbf_writer writer;

  void operator()(std::int64_t value) {
    writer.add_int64(wire::kAttributeInt, value);
    writer.add_int32(wire::kAttributeType, wire::kTypeInt);
  }
  void operator()(float value) {
    writer.add_float(wire::kAttributeFloat, value);
    writer.add_int32(wire::kAttributeType, wire::kTypeFloat);
  }
  void operator()(const std::string& value) {
    writer.add_bytes(wire::kAttributeString, value);
    writer.add_int32(wire::kAttributeType, wire::kTypeString);
  }
  void operator()(const std::vector<std::int64_t>& values) {
    for (const std::int64_t value : values) writer.add_int64(wire::kAttributeInts, value);
    writer.add_int32(wire::kAttributeType, wire::kTypeInts);
  }
  void operator()(const std::vector<float>& values) {
    for (const float value : values) writer.add_float(wire::kAttributeFloats, value);
    writer.add_int32(wire::kAttributeType, wire::kTypeFloats);
  }
};

}  // namespace

OnnxGraph& OnnxGraph::input(std::string_view name, DataType dtype,
                            std::vector<std::int64_t> shape) {
  pbf_writer(values_).add_message(wire::kGraphInput, value_info(name, dtype, shape));
  return *this;
}

OnnxGraph& OnnxGraph::output(std::string_view name, DataType dtype,
                             std::vector<std::int64_t> shape) {
  pbf_writer(values_).add_message(wire::kGraphOutput, value_info(name, dtype, shape));
  return *this;
}

OnnxGraph& OnnxGraph::constant(std::string_view name, DataType dtype,
                               const std::vector<std::int64_t>& shape, std::string_view bytes) {
  std::string tensor = tensor_head(name, dtype, shape);
  pbf_writer(tensor).add_bytes(wire::kTensorRawData, bytes.data(), bytes.size());
  pbf_writer(initializers_).add_message(wire::kGraphInitializer, tensor);
  return *this;
}

OnnxGraph& OnnxGraph::constant(std::string_view name, const std::vector<std::int64_t>& shape,
                               const std::vector<float>& values) {
  return constant(name, DataType::kFloat, shape, raw(values));
}

OnnxGraph& OnnxGraph::constant(std::string_view name, const std::vector<std::int64_t>& shape,
                               const std::vector<std::int64_t>& values) {
  return constant(name, DataType::kInt64, shape, raw(values));
}

OnnxGraph& OnnxGraph::external(std::string_view name, const std::vector<std::int64_t>& shape,
                               std::string_view file, std::size_t offset, std::size_t length) {
  std::string tensor = tensor_head(name, DataType::kFloat, shape);
  pbf_writer writer(tensor);
  writer.add_message(wire::kTensorExternalData, entry("location", file));
  writer.add_message(wire::kTensorExternalData, entry("offset", std::to_string(offset)));
  writer.add_message(wire::kTensorExternalData, entry("length", std::to_string(length)));
  writer.add_int32(wire::kTensorDataLocation, 1);
  pbf_writer(initializers_).add_message(wire::kGraphInitializer, tensor);
  return *this;
}

OnnxGraph& OnnxGraph::node(std::string_view op, const std::vector<std::string>& inputs,
                           const std::vector<std::string>& outputs,
                           const std::map<std::string, Attribute>& attributes,
                           std::string_view domain) {
  std::string node;
  pbf_writer writer(node);
  for (const std::string& name : inputs) writer.add_string(wire::kNodeInput, name);
  for (const std::string& name : outputs) writer.add_string(wire::kNodeOutput, name);
  writer.add_string(wire::kNodeName, op.data(), op.size());
  writer.add_string(wire::kNodeOpType, op.data(), op.size());
  for (const auto& [name, value] : attributes) {
    std::string attribute;
    pbf_writer(attribute).add_string(wire::kAttributeName, name);
    std::visit(AttributeFields{pbf_writer(attribute)}, value);
    writer.add_message(wire::kNodeAttribute, attribute);
  }
  if (!domain.empty()) writer.add_string(wire::kNodeDomain, domain.data(), domain.size());
  pbf_writer(nodes_).add_message(wire::kGraphNode, node);
  return *this;
}

OnnxGraph& OnnxGraph::producer(std::string_view name) {
  producer_ = name;
  return *this;
}

OnnxGraph& OnnxGraph::metadata(std::string_view key, std::string_view value) {
  pbf_writer(metadata_).add_message(wire::kModelMetadata, entry(key, value));
  return *this;
}

OnnxGraph& OnnxGraph::groups(const std::vector<Group>& groups) {
  return metadata(wire::kGroupsKey, wire::groups_to_text(groups));
}

std::string OnnxGraph::bytes() const {
  std::string graph = nodes_;
  pbf_writer(graph).add_string(wire::kGraphName, "test");
  graph += initializers_ + values_;
  std::string opset;
  pbf_writer(opset).add_int64(wire::kOpsetVersion, kOpset);
  std::string model;
  pbf_writer writer(model);
  writer.add_int64(wire::kModelIrVersion, kIr);
  writer.add_string(wire::kModelProducerName, producer_);
  writer.add_message(wire::kModelGraph, graph);
  writer.add_message(wire::kModelOpsetImport, opset);
  return model + metadata_;
}

Status OnnxGraph::write(const std::filesystem::path& path) const {
  return write_file_atomically(path, bytes());
}

}  // namespace axle::axmodel::testing
