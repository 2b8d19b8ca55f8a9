#include "axmodel/graph_content.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <limits>
#include <protozero/pbf_reader.hpp>
#include <protozero/pbf_writer.hpp>
#include <utility>

#include "axmodel/wire.h"

namespace axle::axmodel {
namespace {

using protozero::data_view;
using protozero::pbf_reader;

data_view view_of(Bytes bytes) {
  return {static_cast<const char*>(static_cast<const void*>(bytes.data())), bytes.size()};
}

Bytes bytes_of(data_view view) {
  return std::as_bytes(std::span<const char>(view.data(), view.size()));
}

// The values of fields. protozero leaves it to its users that a field has the type that they read.
void require(const pbf_reader& reader, protozero::pbf_wire_type type) {
  if (!reader.has_wire_type(type)) throw protozero::unknown_pbf_wire_type_exception();
}
data_view take_view(pbf_reader& reader) {
  require(reader, protozero::pbf_wire_type::length_delimited);
  return reader.get_view();
}
std::string take_text(pbf_reader& reader) { return std::string(take_view(reader)); }
std::int64_t take_number(pbf_reader& reader) {
  require(reader, protozero::pbf_wire_type::varint);
  return reader.get_int64();
}

// The fields of a message, each with the bytes that it takes there.
class FieldWalk {
 public:
  explicit FieldWalk(Bytes message) : reader_(view_of(message)) {}

  bool next() {
    start_ = reader_.data().data();
    return reader_.next();
  }
  pbf_reader& reader() { return reader_; }
  // The field that was read or skipped.
  Bytes whole() const {
    return bytes_of({start_, static_cast<std::size_t>(reader_.data().data() - start_)});
  }

 private:
  pbf_reader reader_;
  const char* start_ = nullptr;
};

std::pair<std::string, std::string> read_entry(data_view view) {
  std::pair<std::string, std::string> entry;
  pbf_reader reader(view);
  while (reader.next()) {
    if (reader.tag() == wire::kEntryKey) {
      entry.first = take_text(reader);
    } else if (reader.tag() == wire::kEntryValue) {
      entry.second = take_text(reader);
    } else {
      reader.skip();
    }
  }
  return entry;
}

std::string name_of_value(Bytes message) {
  std::string name;
  pbf_reader reader(view_of(message));
  while (reader.next()) {
    if (reader.tag() == wire::kValueName) {
      name = take_text(reader);
    } else {
      reader.skip();
    }
  }
  return name;
}

// Adds an attribute of one integer. True where the attribute holds a graph.
bool read_attribute(data_view view, GraphNode& node) {
  std::string name;
  std::int64_t integer = 0;
  bool is_integer = false;
  bool inner = false;
  pbf_reader reader(view);
  while (reader.next()) {
    switch (reader.tag()) {
      case wire::kAttributeName:
        name = take_text(reader);
        break;
      case wire::kAttributeInt:
        integer = take_number(reader);
        is_integer = true;
        break;
      case wire::kAttributeGraph:
      case wire::kAttributeGraphs:
        inner = true;
        [[fallthrough]];
      default:
        reader.skip();
    }
  }
  if (is_integer) node.integers[name] = integer;
  return inner;
}

std::size_t number_of(const std::map<std::string, std::string>& place, const char* key,
                      std::size_t fallback) {
  const auto entry = place.find(key);
  if (entry == place.end()) return fallback;
  std::size_t value = 0;
  const std::string& text = entry->second;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size()
             ? value
             : std::numeric_limits<std::size_t>::max();
}

}  // namespace

Status GraphFile::Content::open(const std::filesystem::path& from) {
  path = from;
  AXLE_TRY_ASSIGN(MappedFile file, MappedFile::open(path));
  files.push_back(std::move(file));
  try {
    AXLE_TRY(read_model());
  } catch (const protozero::exception& error) {
    return corrupt(
        fmt::format("{}: not an ONNX file, or a damaged one ({})", path.string(), error.what()));
  }
  return {};
}

Status GraphFile::Content::read_model() {
  bool has_graph = false;
  FieldWalk walk(files[0].bytes());
  while (walk.next()) {
    pbf_reader& reader = walk.reader();
    if (reader.tag() == wire::kModelGraph && !has_graph) {
      has_graph = true;
      AXLE_TRY(read_graph(bytes_of(take_view(reader))));
      continue;
    }
    const bool producer =
        reader.tag() == wire::kModelProducerName || reader.tag() == wire::kModelProducerVersion;
    bool ours = false;
    if (reader.tag() == wire::kModelMetadata) {
      ours = read_entry(take_view(reader)).first == wire::kGroupsKey;
    } else {
      reader.skip();
    }
    if (!producer && !ours) model_fields.push_back(walk.whole());
  }
  if (!has_graph || nodes.empty()) {
    return corrupt(fmt::format("{}: it holds no graph, so it is no ONNX file", path.string()));
  }
  return {};
}

Status GraphFile::Content::read_graph(Bytes graph) {
  std::string values;  // The fields of inputs and outputs.
  FieldWalk walk(graph);
  while (walk.next()) {
    pbf_reader& reader = walk.reader();
    const auto tag = reader.tag();  // Builds with assertions forget it when the value is read.
    Field field;
    switch (tag) {
      case wire::kGraphNode:
        field = {Kind::kNode, nodes.size(), {}};
        read_node(bytes_of(take_view(reader)));
        break;
      case wire::kGraphInitializer:
        field = {Kind::kConstant, constants.size(), {}};
        AXLE_TRY(read_constant(bytes_of(take_view(reader))));
        break;
      case wire::kGraphInput:
        field = {Kind::kInput, input_names.size(), {}};
        input_names.push_back(name_of_value(bytes_of(take_view(reader))));
        break;
      default:
        reader.skip();
    }
    field.bytes = walk.whole();
    if (tag == wire::kGraphInput || tag == wire::kGraphOutput) {
      values.append(view_of(field.bytes).data(), field.bytes.size());
    }
    fields.push_back(field);
  }
  return read_tensors(values);
}

// Inputs and outputs are read by parse(), from a model of nothing else.
Status GraphFile::Content::read_tensors(const std::string& values) {
  std::string model;
  protozero::pbf_writer writer(model);
  writer.add_int64(wire::kModelIrVersion, wire::kIrVersion);
  writer.add_message(wire::kModelGraph, values);
  Result<Model> parsed = parse(std::as_bytes(std::span(model)));
  if (!parsed.ok()) return parsed.status().with_context(path.string());
  tensors = std::move(parsed->groups[0]);
  std::erase_if(tensors.inputs,
                [this](const TensorInfo& tensor) { return constant_places.contains(tensor.name); });
  return {};
}

void GraphFile::Content::read_node(Bytes message) {
  GraphNode node;
  bool inner = false;
  pbf_reader reader(view_of(message));
  while (reader.next()) {
    switch (reader.tag()) {
      case wire::kNodeInput:
        node.inputs.push_back(take_text(reader));
        break;
      case wire::kNodeOutput:
        node.outputs.push_back(take_text(reader));
        break;
      case wire::kNodeOpType:
        node.op_type = take_text(reader);
        break;
      case wire::kNodeDomain:
        node.domain = take_text(reader);
        break;
      case wire::kNodeAttribute:
        inner = read_attribute(take_view(reader), node) || inner;
        break;
      default:
        reader.skip();
    }
  }
  nodes.push_back(std::move(node));
  has_inner_graph.push_back(inner);
}

Status GraphFile::Content::read_constant(Bytes message) {
  GraphConstant constant;
  std::map<std::string, std::string> place;
  bool external = false;
  pbf_reader reader(view_of(message));
  while (reader.next()) {
    switch (reader.tag_and_type()) {
      case protozero::tag_and_type(wire::kTensorDims, protozero::pbf_wire_type::varint):
        constant.shape.push_back(take_number(reader));
        break;
      case protozero::tag_and_type(wire::kTensorDims, protozero::pbf_wire_type::length_delimited):
        for (const std::int64_t length : reader.get_packed_int64())
          constant.shape.push_back(length);
        break;
      case protozero::tag_and_type(wire::kTensorDataType, protozero::pbf_wire_type::varint):
        constant.dtype = static_cast<DataType>(take_number(reader));
        break;
      case protozero::tag_and_type(wire::kTensorName, protozero::pbf_wire_type::length_delimited):
        constant.name = take_text(reader);
        break;
      case protozero::tag_and_type(wire::kTensorRawData,
                                   protozero::pbf_wire_type::length_delimited):
        constant.data = bytes_of(take_view(reader));
        break;
      case protozero::tag_and_type(wire::kTensorExternalData,
                                   protozero::pbf_wire_type::length_delimited):
        place.insert(read_entry(take_view(reader)));
        break;
      case protozero::tag_and_type(wire::kTensorDataLocation, protozero::pbf_wire_type::varint):
        external = take_number(reader) == 1;
        break;
      default:
        reader.skip();
    }
  }
  if (external) AXLE_TRY(resolve(place, constant));
  constant_places.emplace(constant.name, constants.size());
  stored.push_back({message, external});
  constants.push_back(std::move(constant));
  return {};
}

// Points `constant` at its numbers in another file.
Status GraphFile::Content::resolve(const std::map<std::string, std::string>& place,
                                   GraphConstant& constant) {
  const auto location = place.find("location");
  if (location == place.end()) {
    return corrupt(fmt::format("{}: constant '{}' lies in a file without a name", path.string(),
                               constant.name));
  }
  AXLE_TRY_ASSIGN(const Bytes file, outside_file(location->second));
  Result<std::size_t> bytes =
      tensor_bytes({.name = constant.name, .dtype = constant.dtype, .shape = constant.shape});
  if (!bytes.ok()) return corrupt(bytes.status().message()).with_context(path.string());
  const std::size_t offset = number_of(place, "offset", 0);
  const std::size_t length = number_of(place, "length", *bytes);
  if (length != *bytes || offset > file.size() || length > file.size() - offset) {
    return corrupt(fmt::format(
        "{}: constant '{}' should be {} bytes; it lies at {} with {} in {} of {} bytes",
        path.string(), constant.name, *bytes, offset, length, location->second, file.size()));
  }
  constant.data = file.subspan(offset, length);
  return {};
}

Result<Bytes> GraphFile::Content::outside_file(const std::string& location) {
  if (const auto known = places_.find(location); known != places_.end()) {
    return files[known->second].bytes();
  }
  const std::filesystem::path relative(location);
  const bool leaves =
      relative.is_absolute() || std::find(relative.begin(), relative.end(), "..") != relative.end();
  if (leaves || location.empty()) {
    return corrupt(fmt::format("{}: its numbers should lie in {}, outside of its folder",
                               path.string(), location));
  }
  Result<MappedFile> file = MappedFile::open(path.parent_path() / relative);
  if (!file.ok()) return file.status().with_context(fmt::format("numbers of {}", path.string()));
  places_.emplace(location, files.size());
  files.push_back(*std::move(file));
  return files.back().bytes();
}

}  // namespace axle::axmodel
