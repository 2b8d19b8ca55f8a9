#include <fmt/format.h>

#include <protozero/pbf_reader.hpp>
#include <set>

#include "axmodel/model.h"
#include "axmodel/wire.h"

namespace axle::axmodel {
namespace {

using protozero::data_view;
using protozero::pbf_wire_type;
using protozero::tag_and_type;

constexpr std::uint32_t bytes_field(std::uint32_t number) {
  return tag_and_type(number, pbf_wire_type::length_delimited);
}
constexpr std::uint32_t varint_field(std::uint32_t number) {
  return tag_and_type(number, pbf_wire_type::varint);
}
constexpr std::uint32_t fixed32_field(std::uint32_t number) {
  return tag_and_type(number, pbf_wire_type::fixed32);
}

// Where the reader is, for the message of a failure.
struct Place {
  const char* start = nullptr;
  std::string_view message = "ModelProto";
  std::size_t offset = 0;

  Status error(std::string_view what) const {
    return corrupt(fmt::format("{} at offset {}: {}", message, offset, what));
  }
};

// The fields of one message; keeps `place` at the field that is being read.
class Fields {
 public:
  Fields(data_view view, std::string_view message, Place& place)
      : reader_(view), message_(message), place_(place) {}

  bool next() {
    place_.message = message_;
    place_.offset = static_cast<std::size_t>(reader_.data().data() - place_.start);
    return reader_.next();
  }
  std::uint32_t field() const { return reader_.tag_and_type(); }
  std::string text() { return reader_.get_string(); }
  data_view view() { return reader_.get_view(); }
  std::int64_t number() { return reader_.get_int64(); }
  float real() { return reader_.get_float(); }
  void skip() { reader_.skip(); }
  void append_packed(std::vector<std::int64_t>& numbers) {
    for (const std::int64_t value : reader_.get_packed_int64()) numbers.push_back(value);
  }
  void append_packed(std::vector<float>& numbers) {
    for (const float value : reader_.get_packed_float()) numbers.push_back(value);
  }

 private:
  protozero::pbf_reader reader_;
  std::string_view message_;
  Place& place_;
};

std::span<const std::byte> bytes_of(data_view view) {
  return std::as_bytes(std::span<const char>(view.data(), view.size()));
}

class Parser {
 public:
  explicit Parser(std::span<const std::byte> bytes) {
    model_.file_bytes = bytes;
    place_.start =
        bytes.empty() ? "" : static_cast<const char*>(static_cast<const void*>(bytes.data()));
    whole_ = data_view(place_.start, bytes.size());
  }

  Result<Model> run() {
    try {
      AXLE_TRY(read_model());
    } catch (const protozero::exception& error) {
      return place_.error(
          fmt::format("not a readable field ({}); the file is cut or no .axmodel", error.what()));
    }
    AXLE_TRY(finish());
    return std::move(model_);
  }

 private:
  Status read_model() {
    bool has_graph = false;
    Fields fields(whole_, "ModelProto", place_);
    while (fields.next()) {
      switch (fields.field()) {
        case varint_field(wire::kModelIrVersion):
          if (fields.number() < 3) return place_.error("ir_version below 3, not an ONNX model");
          has_version_ = true;
          break;
        case bytes_field(wire::kModelProducerName):
          model_.producer = fields.text();
          break;
        case bytes_field(wire::kModelProducerVersion):
          model_.producer_version = fields.text();
          break;
        case bytes_field(wire::kModelDocString):
          model_.doc_string = fields.text();
          break;
        case bytes_field(wire::kModelMetadata):
          read_metadata(fields.view());
          break;
        case bytes_field(wire::kModelGraph):
          if (has_graph) return place_.error("a second graph");
          has_graph = true;
          AXLE_TRY(read_graph(fields.view()));
          break;
        default:
          fields.skip();
      }
    }
    if (!has_version_ || !has_graph) {
      return place_.error("the end comes before ir_version and graph: not an .axmodel");
    }
    return {};
  }

  void read_metadata(data_view view) {
    std::string key;
    std::string value;
    Fields fields(view, "StringStringEntryProto", place_);
    while (fields.next()) {
      switch (fields.field()) {
        case bytes_field(wire::kEntryKey):
          key = fields.text();
          break;
        case bytes_field(wire::kEntryValue):
          value = fields.text();
          break;
        default:
          fields.skip();
      }
    }
    model_.metadata[key] = std::move(value);
  }

  Status read_graph(data_view view) {
    Fields fields(view, "GraphProto", place_);
    model_.node_count = 0;
    while (fields.next()) {
      switch (fields.field()) {
        case bytes_field(wire::kGraphNode):
          ++model_.node_count;
          read_node(fields.view());
          break;
        case bytes_field(wire::kGraphName):
          model_.graph_name = fields.text();
          break;
        case bytes_field(wire::kGraphInitializer):
          initializers_.push_back(fields.view());
          break;
        case bytes_field(wire::kGraphInput):
          AXLE_TRY(read_value(fields.view(), graph_.inputs));
          break;
        case bytes_field(wire::kGraphOutput):
          AXLE_TRY(read_value(fields.view(), graph_.outputs));
          break;
        default:
          fields.skip();
      }
    }
    return {};
  }

  void read_node(data_view view) {
    Fields fields(view, "NodeProto", place_);
    while (fields.next()) {
      switch (fields.field()) {
        case bytes_field(wire::kNodeOpType):
          model_.op_type = fields.text();
          break;
        case bytes_field(wire::kNodeDomain):
          model_.op_domain = fields.text();
          break;
        case bytes_field(wire::kNodeAttribute):
          read_attribute(fields.view());
          break;
        default:
          fields.skip();
      }
    }
  }

  void read_attribute(data_view view) {
    std::string name;
    std::int64_t type = 0;
    std::int64_t integer = 0;
    float real = 0.0f;
    std::string text;
    std::vector<std::int64_t> integers;
    std::vector<float> reals;
    Fields fields(view, "AttributeProto", place_);
    while (fields.next()) {
      switch (fields.field()) {
        case bytes_field(wire::kAttributeName):
          name = fields.text();
          break;
        case varint_field(wire::kAttributeType):
          type = fields.number();
          break;
        case fixed32_field(wire::kAttributeFloat):
          real = fields.real();
          break;
        case varint_field(wire::kAttributeInt):
          integer = fields.number();
          break;
        case bytes_field(wire::kAttributeString):
          text = fields.text();
          break;
        case fixed32_field(wire::kAttributeFloats):
          reals.push_back(fields.real());
          break;
        case bytes_field(wire::kAttributeFloats):
          fields.append_packed(reals);
          break;
        case varint_field(wire::kAttributeInts):
          integers.push_back(fields.number());
          break;
        case bytes_field(wire::kAttributeInts):
          fields.append_packed(integers);
          break;
        default:
          fields.skip();
      }
    }
    if (type == wire::kTypeFloat) model_.attributes[name] = real;
    if (type == wire::kTypeInt) model_.attributes[name] = integer;
    if (type == wire::kTypeString) model_.attributes[name] = std::move(text);
    if (type == wire::kTypeFloats) model_.attributes[name] = std::move(reals);
    if (type == wire::kTypeInts) model_.attributes[name] = std::move(integers);
  }

  Status read_value(data_view view, std::vector<TensorInfo>& tensors) {
    TensorInfo tensor;
    Fields fields(view, "ValueInfoProto", place_);
    while (fields.next()) {
      switch (fields.field()) {
        case bytes_field(wire::kValueName):
          tensor.name = fields.text();
          break;
        case bytes_field(wire::kValueType):
          AXLE_TRY(read_type(fields.view(), tensor));
          break;
        default:
          fields.skip();
      }
    }
    tensors.push_back(std::move(tensor));
    return {};
  }

  Status read_type(data_view view, TensorInfo& tensor) {
    Fields type(view, "TypeProto", place_);
    while (type.next()) {
      if (type.field() != bytes_field(wire::kTypeTensor)) {
        type.skip();
        continue;
      }
      Fields fields(type.view(), "TypeProto.Tensor", place_);
      while (fields.next()) {
        switch (fields.field()) {
          case varint_field(wire::kTensorTypeElem):
            tensor.dtype = static_cast<DataType>(fields.number());
            break;
          case bytes_field(wire::kTensorTypeShape):
            AXLE_TRY(read_shape(fields.view(), tensor.shape));
            break;
          default:
            fields.skip();
        }
      }
    }
    return {};
  }

  Status read_shape(data_view view, std::vector<std::int64_t>& shape) {
    Fields fields(view, "TensorShapeProto", place_);
    while (fields.next()) {
      if (fields.field() != bytes_field(wire::kShapeDim)) {
        fields.skip();
        continue;
      }
      std::int64_t size = -1;  // Open, unless a value follows.
      Fields dim(fields.view(), "TensorShapeProto.Dimension", place_);
      while (dim.next()) {
        if (dim.field() == varint_field(wire::kDimValue)) {
          size = dim.number();
          if (size < 0) return place_.error(fmt::format("negative dimension {}", size));
        } else {
          dim.skip();
        }
      }
      shape.push_back(size);
    }
    return {};
  }

  // A TensorProto as it is stored.
  struct Stored {
    std::vector<std::int64_t> dims;
    DataType dtype = DataType::kUndefined;
    std::string doc_string;
    bool external = false;
    bool typed = false;  // Numbers in a typed field: only floats can be viewed as they are.
    bool raw = false;
  };

  Status read_initializer(data_view view, std::size_t index) {
    Stored stored;
    Weight weight;
    Fields fields(view, "TensorProto", place_);
    while (fields.next()) read_tensor_field(fields, stored, weight);
    place_.offset = static_cast<std::size_t>(view.data() - place_.start);
    if (stored.external) {
      return unsupported(
          fmt::format("weight {} '{}' lies in another file (external data)", index, weight.name));
    }
    for (const std::int64_t size : stored.dims) {
      if (size < 0)
        return place_.error(fmt::format("weight '{}' has dimension {}", weight.name, size));
    }
    return finish_weight(stored, std::move(weight));
  }

  static void read_tensor_field(Fields& fields, Stored& stored, Weight& weight) {
    switch (fields.field()) {
      case varint_field(wire::kTensorDims):
        stored.dims.push_back(fields.number());
        break;
      case bytes_field(wire::kTensorDims):
        fields.append_packed(stored.dims);
        break;
      case varint_field(wire::kTensorDataType):
        stored.dtype = static_cast<DataType>(fields.number());
        break;
      case bytes_field(wire::kTensorName):
        weight.name = fields.text();
        break;
      case bytes_field(wire::kTensorDocString):
        stored.doc_string = fields.text();
        break;
      case bytes_field(wire::kTensorRawData):
        weight.data = bytes_of(fields.view());
        stored.raw = true;
        break;
      case bytes_field(wire::kTensorInt32Data):
      case bytes_field(wire::kTensorStringData):
      case bytes_field(wire::kTensorInt64Data):
      case bytes_field(wire::kTensorDoubleData):
      case bytes_field(wire::kTensorUint64Data):
      case bytes_field(wire::kTensorFloatData):
        stored.typed = true;
        fields.skip();
        break;
      case varint_field(wire::kTensorDataLocation):
        stored.external = fields.number() == 1;
        break;
      default:
        fields.skip();
    }
  }

  // Names the format and checks that the data fills the shape exactly.
  Status finish_weight(const Stored& stored, Weight weight) {
    weight.format = wire::plain_format(stored.dtype);
    weight.shape = stored.dims;
    const std::string_view note(stored.doc_string);
    const std::string_view named = note.substr(0, note.find(' '));
    const std::optional<FormatLayout> layout = format_layout(named);
    if (model_.producer == kProducer && stored.dtype == DataType::kUint8 && layout &&
        layout->block_values > 1) {
      const auto block_bytes = static_cast<std::int64_t>(layout->block_bytes);
      if (stored.dims.empty() || stored.dims.back() % block_bytes != 0) {
        return place_.error(
            fmt::format("weight '{}': its rows are not whole {} blocks", weight.name, named));
      }
      weight.format = named;
      weight.shape.back() =
          stored.dims.back() / block_bytes * static_cast<std::int64_t>(layout->block_values);
    }
    AXLE_TRY(check_weight_size(stored, weight));
    model_.weights.push_back(std::move(weight));
    return {};
  }

  Status check_weight_size(const Stored& stored, const Weight& weight) const {
    if (!stored.raw && stored.typed) return {};  // Opaque to us: `data` stays empty.
    const TensorInfo bytes{weight.name, stored.dtype, stored.dims};
    Result<std::size_t> wanted = tensor_bytes(bytes);
    if (!wanted.ok()) return place_.error(wanted.status().message());
    if (*wanted != weight.data.size()) {
      return place_.error(fmt::format("weight '{}' should have {} bytes and has {}", weight.name,
                                      *wanted, weight.data.size()));
    }
    return {};
  }

  // What needs the whole file: the producer decides how initializers and groups are read.
  Status finish() {
    try {
      for (std::size_t i = 0; i < initializers_.size(); ++i) {
        AXLE_TRY(read_initializer(initializers_[i], i));
      }
    } catch (const protozero::exception& error) {
      return place_.error(fmt::format("not a readable field ({})", error.what()));
    }
    if (model_.node_count != 1) {
      model_.op_type.clear();
      model_.op_domain.clear();
      model_.attributes.clear();
    }
    return finish_groups();
  }

  Status finish_groups() {
    const auto listed = model_.metadata.find(std::string(wire::kGroupsKey));
    if (listed != model_.metadata.end() && model_.producer == kProducer) {
      AXLE_TRY_ASSIGN(model_.groups, wire::groups_from_text(listed->second));
      model_.metadata.erase(listed);
      return {};
    }
    // Older ONNX files list their initializers among the inputs.
    std::set<std::string_view> constants;
    for (const Weight& weight : model_.weights) constants.insert(weight.name);
    std::erase_if(graph_.inputs,
                  [&](const TensorInfo& tensor) { return constants.contains(tensor.name); });
    model_.groups.push_back(std::move(graph_));
    return {};
  }

  Place place_;
  data_view whole_;
  bool has_version_ = false;
  Model model_;
  Group graph_;
  std::vector<data_view> initializers_;
};

}  // namespace

Result<Model> parse(std::span<const std::byte> bytes) { return Parser(bytes).run(); }

}  // namespace axle::axmodel
