#include <fmt/format.h>

#include <protozero/pbf_writer.hpp>
#include <set>
#include <vector>

#include "axmodel/graph.h"
#include "axmodel/model.h"
#include "axmodel/new_file.h"
#include "axmodel/wire.h"

namespace axle::axmodel {
namespace {

using protozero::pbf_writer;

// Writes the value of one attribute and its type.
struct AttributeValue {
  pbf_writer& writer;

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

std::string node_message(const Model& model) {
  std::string node;
  pbf_writer writer(node);
  for (const TensorInfo& input : model.groups.front().inputs) {
    writer.add_string(wire::kNodeInput, input.name);
  }
  for (const Weight& weight : model.weights) writer.add_string(wire::kNodeInput, weight.name);
  for (const TensorInfo& output : model.groups.front().outputs) {
    writer.add_string(wire::kNodeOutput, output.name);
  }
  writer.add_string(wire::kNodeName, model.graph_name);
  writer.add_string(wire::kNodeOpType, model.op_type);
  for (const auto& [name, value] : model.attributes) {
    std::string attribute;
    pbf_writer attribute_writer(attribute);
    attribute_writer.add_string(wire::kAttributeName, name);
    std::visit(AttributeValue{attribute_writer}, value);
    writer.add_message(wire::kNodeAttribute, attribute);
  }
  if (!model.op_domain.empty()) writer.add_string(wire::kNodeDomain, model.op_domain);
  return node;
}

std::string graph_head(const Model& model) {
  std::string graph;
  pbf_writer writer(graph);
  writer.add_message(wire::kGraphNode, node_message(model));
  writer.add_string(wire::kGraphName, model.graph_name);
  for (const TensorInfo& input : model.groups.front().inputs) {
    writer.add_message(wire::kGraphInput, wire::value_message(input));
  }
  for (const TensorInfo& output : model.groups.front().outputs) {
    writer.add_message(wire::kGraphOutput, wire::value_message(output));
  }
  return graph;
}

void add_entry(pbf_writer& writer, std::string_view key, std::string_view value) {
  std::string entry;
  pbf_writer entry_writer(entry);
  entry_writer.add_string(wire::kEntryKey, key.data(), key.size());
  entry_writer.add_string(wire::kEntryValue, value.data(), value.size());
  writer.add_message(wire::kModelMetadata, entry);
}

std::string model_head(const Model& model) {
  std::string head;
  pbf_writer writer(head);
  writer.add_int64(wire::kModelIrVersion, wire::kIrVersion);
  writer.add_string(wire::kModelProducerName, model.producer);
  writer.add_string(wire::kModelProducerVersion, model.producer_version);
  if (!model.doc_string.empty()) writer.add_string(wire::kModelDocString, model.doc_string);
  for (const std::string_view domain : {std::string_view{}, kDomain}) {
    std::string opset;
    pbf_writer opset_writer(opset);
    opset_writer.add_string(wire::kOpsetDomain, domain.data(), domain.size());
    opset_writer.add_int64(wire::kOpsetVersion,
                           domain.empty() ? wire::kStandardOpset : wire::kDomainOpset);
    writer.add_message(wire::kModelOpsetImport, opset);
  }
  for (const auto& [key, value] : model.metadata) add_entry(writer, key, value);
  add_entry(writer, wire::kGroupsKey, wire::groups_to_text(model.groups));
  return head;
}

// The TensorProto of `weight` up to its `bytes_of_data` of numbers. Its doc_string names the format
// and is filled with spaces so that the numbers start aligned when the message starts at `offset`
// of the file.
std::string weight_head(const Weight& weight, std::size_t bytes_of_data, std::size_t offset) {
  const FormatLayout layout = *format_layout(weight.format);
  std::string head;
  pbf_writer writer(head);
  for (std::size_t i = 0; i < weight.shape.size(); ++i) {
    const bool last = i + 1 == weight.shape.size();
    const auto values = static_cast<std::int64_t>(layout.block_values);
    const auto bytes = static_cast<std::int64_t>(layout.block_bytes);
    const bool blocks = last && values > 1;
    writer.add_int64(wire::kTensorDims,
                     blocks ? weight.shape[i] / values * bytes : weight.shape[i]);
  }
  writer.add_int32(wire::kTensorDataType,
                   static_cast<std::int32_t>(wire::stored_type(weight.format)));
  writer.add_string(wire::kTensorName, weight.name);
  const std::size_t note_prefix = 2;  // Tag and length of a doc_string below 128 bytes.
  const std::size_t start =
      offset + head.size() + note_prefix + weight.format.size() + kPrefixBytes;
  const std::size_t fill = (kWeightAlignment - start % kWeightAlignment) % kWeightAlignment;
  writer.add_string(wire::kTensorDocString, weight.format + std::string(fill, ' '));
  append_prefix(head, wire::kTensorRawData, bytes_of_data);
  return head;
}

Status check_names(const Group& group) {
  for (const std::vector<TensorInfo>* tensors : {&group.inputs, &group.outputs}) {
    for (const TensorInfo& tensor : *tensors) {
      if (tensor.name.empty() || tensor.name.find('\n') != std::string::npos) {
        return invalid_argument("an engine file needs tensor names of one line each");
      }
    }
  }
  if (group.inputs.empty() || group.outputs.empty()) {
    return invalid_argument("an engine file needs inputs and outputs in every group");
  }
  return {};
}

// The bytes that each weight has by its format and shape.
// Errors: kInvalidArgument  a weight that cannot be, or whose data has another size; with `hollow`
//                           the data is not looked at.
Result<std::vector<std::size_t>> check_weights(const Model& model, bool hollow) {
  std::vector<std::size_t> sizes;
  std::set<std::string_view> names;
  for (const Weight& weight : model.weights) {
    Result<std::size_t> wanted = weight_bytes(weight.format, weight.shape);
    if (!wanted.ok())
      return invalid_argument(
          fmt::format("weight '{}': {}", weight.name, wanted.status().message()));
    if (!hollow && *wanted != weight.data.size()) {
      return invalid_argument(fmt::format("weight '{}' should have {} bytes and has {}",
                                          weight.name, *wanted, weight.data.size()));
    }
    if (weight.name.empty() || !names.insert(weight.name).second) {
      return invalid_argument(fmt::format("weight name '{}' is empty or taken", weight.name));
    }
    sizes.push_back(*wanted);
  }
  return sizes;
}

Status check(const Model& model) {
  if (model.is_vendor())
    return unsupported("engines of the vendor's tool chain are never written anew");
  if (model.node_count != 1) {
    return unsupported(
        fmt::format("only models of one node are written, this has {}", model.node_count));
  }
  if (model.groups.empty()) return invalid_argument("an engine file needs at least one group");
  if (model.op_type.empty()) return invalid_argument("an engine file needs an op_type");
  for (const Group& group : model.groups) AXLE_TRY(check_names(group));
  return {};
}

Status write_file(const Model& model, const std::filesystem::path& path, bool hollow) {
  AXLE_TRY(check(model));
  AXLE_TRY_ASSIGN(const std::vector<std::size_t> sizes, check_weights(model, hollow));
  std::string head = model_head(model);
  std::string graph = graph_head(model);
  const std::size_t graph_start = head.size() + kPrefixBytes;

  std::vector<std::string> weight_heads;
  std::size_t end = graph_start + graph.size();
  for (std::size_t i = 0; i < sizes.size(); ++i) {
    std::string weight_start = weight_head(model.weights[i], sizes[i], end + kPrefixBytes);
    std::string prefixed;
    append_prefix(prefixed, wire::kGraphInitializer, weight_start.size() + sizes[i]);
    prefixed += weight_start;
    end += prefixed.size() + sizes[i];
    if (end > kLargestFile) {
      return invalid_argument(
          fmt::format("{}: more than 2 GiB, the limit of one engine file", path.string()));
    }
    weight_heads.push_back(std::move(prefixed));
  }

  NewFile file(path);
  AXLE_TRY(file.open());
  append_prefix(head, wire::kModelGraph, end - graph_start);
  AXLE_TRY(file.append(head + graph));
  for (std::size_t i = 0; i < sizes.size(); ++i) {
    AXLE_TRY(file.append(weight_heads[i]));
    AXLE_TRY(hollow ? file.skip(sizes[i]) : file.append(model.weights[i].data));
  }
  return file.commit();
}

}  // namespace

Status write(const Model& model, const std::filesystem::path& path) {
  return write_file(model, path, false);
}

Status write_without_weights(const Model& model, const std::filesystem::path& path) {
  Model marked = model;
  marked.metadata[std::string(kNoWeightsKey)] = "1";
  return write_file(marked, path, true);
}

}  // namespace axle::axmodel
