#include "axmodel/graph.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <optional>
#include <protozero/pbf_writer.hpp>
#include <set>
#include <utility>

#include "axmodel/graph_content.h"
#include "axmodel/new_file.h"
#include "axmodel/wire.h"
#include "base/half.h"

namespace axle::axmodel {
namespace {

using protozero::pbf_writer;
using Names = std::set<std::string, std::less<>>;

constexpr std::size_t kNarrowedFrom = 1000;      // Numbers of a constant.
constexpr std::string_view kHalfName = "/half";  // After the name of a narrowed constant.

std::string single_node(std::string_view op, const std::string& input, const std::string& output,
                        std::optional<std::int64_t> to = std::nullopt) {
  std::string node;
  pbf_writer writer(node);
  writer.add_string(wire::kNodeInput, input);
  writer.add_string(wire::kNodeOutput, output);
  writer.add_string(wire::kNodeOpType, op.data(), op.size());
  if (to) {
    std::string attribute;
    pbf_writer attribute_writer(attribute);
    attribute_writer.add_string(wire::kAttributeName, "to");
    attribute_writer.add_int64(wire::kAttributeInt, *to);
    attribute_writer.add_int32(wire::kAttributeType, wire::kTypeInt);
    writer.add_message(wire::kNodeAttribute, attribute);
  }
  std::string field;
  pbf_writer(field).add_message(wire::kGraphNode, node);
  return field;
}

// An initializer up to its numbers, `bytes` of them following.
std::string constant_head(const GraphConstant& constant, const std::string& name, DataType dtype,
                          std::size_t bytes) {
  std::string tensor;
  pbf_writer writer(tensor);
  for (const std::int64_t length : constant.shape) writer.add_int64(wire::kTensorDims, length);
  writer.add_int32(wire::kTensorDataType, static_cast<std::int32_t>(dtype));
  writer.add_string(wire::kTensorName, name);
  append_prefix(tensor, wire::kTensorRawData, bytes);
  std::string field;
  append_prefix(field, wire::kGraphInitializer, tensor.size() + bytes);
  return field + tensor;
}

// Writes the numbers of a float constant with 16 bits each.
// Errors: kUnsupported  a number that has no such form (which constant).
Status append_narrowed(const GraphConstant& constant, NewFile& file) {
  constexpr std::size_t kChunk = std::size_t{1} << 16;
  std::vector<Half> halves;
  const std::size_t count = constant.data.size() / sizeof(float);
  for (std::size_t at = 0; at < count; at += kChunk) {
    halves.resize(std::min(kChunk, count - at));
    for (std::size_t i = 0; i < halves.size(); ++i) {
      float value = 0.0f;
      std::memcpy(&value, constant.data.data() + (at + i) * sizeof(float), sizeof value);
      halves[i] = to_half(value);
      if (!is_finite(halves[i])) {
        return unsupported(
            fmt::format("constant '{}' holds {}, which 16 bits cannot: export the "
                        "graph in half precision",
                        constant.name, value));
      }
    }
    AXLE_TRY(file.append(std::as_bytes(std::span(halves))));
  }
  return {};
}

// What a cut leaves of a graph.
struct Kept {
  std::vector<bool> nodes;
  Names read;    // Tensors that something kept reads, outputs of the graph among them.
  Names inputs;  // The new inputs.
};

}  // namespace

// Puts the parts of an engine file together.
class GraphWriter {
 public:
  using Content = GraphFile::Content;
  using Kind = Content::Kind;

  GraphWriter(const Content& content, const GraphEngine& engine)
      : content_(content), engine_(engine) {}

  Result<bool> write(const std::filesystem::path& path) {
    if (engine_.groups.empty()) return invalid_argument("an engine file needs at least one group");
    AXLE_TRY(choose());
    AXLE_TRY(check_groups());
    build_head();
    bool narrowed = false;
    build_pieces(narrowed);
    if (head_.size() + graph_bytes_ > engine_.narrow_above_bytes) {
      narrowed = true;
      build_pieces(narrowed);
    }
    if (head_.size() + graph_bytes_ > kLargestFile) {
      return invalid_argument(
          fmt::format("{}: {} bytes, more than 2 GiB, the limit of one engine "
                      "file",
                      path.string(), head_.size() + graph_bytes_));
    }
    AXLE_TRY(write_file(path));
    return narrowed;
  }

 private:
  // One part of the file: text of our own, then numbers or fields from elsewhere.
  struct Piece {
    std::string head;
    Bytes data;
    const GraphConstant* narrowed = nullptr;  // Then `data` is not written as it is.

    std::size_t size() const {
      return head.size() + (narrowed == nullptr ? data.size() : data.size() / 2);
    }
  };

  bool is_cut(std::string_view name) const { return cut_.contains(name); }

  // Decides which nodes remain.
  Status choose() {
    for (const GraphCut& cut : engine_.cuts) {
      kept_.inputs.insert(cut.input.name);
      cut_.insert(cut.tensors.begin(), cut.tensors.end());
    }
    kept_.nodes.assign(content_.nodes.size(), engine_.cuts.empty());
    for (const TensorInfo& output : content_.tensors.outputs) kept_.read.insert(output.name);
    if (engine_.cuts.empty()) return {};
    for (std::size_t i = content_.nodes.size(); i-- > 0;) AXLE_TRY(choose_node(i));
    for (const std::string& name : cut_) {
      if (!kept_.read.contains(name)) {
        return corrupt(fmt::format("{}: nothing reads the tensor '{}' where the graph is to be cut",
                                   content_.path.string(), name));
      }
    }
    return {};
  }

  // Nodes come after those that they read from, so this runs from the last to the first.
  Status choose_node(std::size_t index) {
    const GraphNode& node = content_.nodes[index];
    const bool wanted = std::any_of(
        node.outputs.begin(), node.outputs.end(),
        [this](const std::string& name) { return kept_.read.contains(name) && !is_cut(name); });
    if (!wanted) return {};
    const bool defines_cut = std::any_of(node.outputs.begin(), node.outputs.end(),
                                         [this](const std::string& name) { return is_cut(name); });
    if (content_.has_inner_graph[index] || defines_cut) {
      return unsupported(fmt::format("{}: the graph cannot be cut at a node {}",
                                     content_.path.string(), node.op_type));
    }
    kept_.nodes[index] = true;
    kept_.read.insert(node.inputs.begin(), node.inputs.end());
    return {};
  }

  // Errors: kCorrupt  a group names a tensor that the graph will not have.
  Status check_groups() const {
    Names inputs = kept_.inputs;
    for (const TensorInfo& tensor : content_.tensors.inputs) {
      if (keeps_input(tensor.name)) inputs.insert(tensor.name);
    }
    Names outputs;
    for (const TensorInfo& tensor : content_.tensors.outputs) outputs.insert(tensor.name);
    for (const Group& group : engine_.groups) {
      AXLE_TRY(check_names(group.inputs, inputs, "input"));
      AXLE_TRY(check_names(group.outputs, outputs, "output"));
    }
    return {};
  }

  Status check_names(const std::vector<TensorInfo>& tensors, const Names& names,
                     std::string_view side) const {
    for (const TensorInfo& tensor : tensors) {
      if (names.contains(tensor.name)) continue;
      return corrupt(fmt::format("{}: the graph has no {} '{}', it has {}", content_.path.string(),
                                 side, tensor.name, fmt::join(names, ", ")));
    }
    return {};
  }

  bool keeps_input(const std::string& name) const {
    return engine_.cuts.empty() || kept_.read.contains(name);
  }

  // Everything before the graph.
  void build_head() {
    for (const Bytes& field : content_.model_fields) {
      head_.append(static_cast<const char*>(static_cast<const void*>(field.data())), field.size());
    }
    pbf_writer writer(head_);
    writer.add_string(wire::kModelProducerName, kProducer.data(), kProducer.size());
    writer.add_string(wire::kModelProducerVersion, engine_.producer_version);
    std::map<std::string, std::string> metadata = engine_.metadata;
    metadata[std::string(wire::kGroupsKey)] = wire::groups_to_text(engine_.groups);
    for (const auto& [key, value] : metadata) {
      std::string entry;
      pbf_writer entry_writer(entry);
      entry_writer.add_string(wire::kEntryKey, key);
      entry_writer.add_string(wire::kEntryValue, value);
      writer.add_message(wire::kModelMetadata, entry);
    }
  }

  void add(Piece piece) {
    graph_bytes_ += piece.size();
    pieces_.push_back(std::move(piece));
  }

  void build_pieces(bool narrow) {
    pieces_.clear();
    graph_bytes_ = kPrefixBytes;
    for (const GraphCut& cut : engine_.cuts) {
      std::string value;
      pbf_writer(value).add_message(wire::kGraphInput, wire::value_message(cut.input));
      for (const std::string& tensor : cut.tensors) {
        value += single_node("Identity", cut.input.name, tensor);
      }
      add({std::move(value), {}});
    }
    for (const GraphConstant& constant : content_.constants) {
      if (!narrow || !narrows(constant)) continue;
      add({single_node("Cast", constant.name + std::string(kHalfName), constant.name,
                       static_cast<std::int64_t>(DataType::kFloat)),
           {}});
    }
    for (const Content::Field& field : content_.fields) add_field(field, narrow);
  }

  void add_field(const Content::Field& field, bool narrow) {
    if (field.kind == Kind::kNode && !kept_.nodes[field.index]) return;
    if (field.kind == Kind::kInput && !keeps_input(content_.input_names[field.index])) return;
    if (field.kind == Kind::kConstant) {
      add_constant(field, narrow);
    } else {
      add({{}, field.bytes});
    }
  }

  bool keeps_constant(const GraphConstant& constant) const {
    return engine_.cuts.empty() || kept_.read.contains(constant.name);
  }

  bool narrows(const GraphConstant& constant) const {
    return constant.dtype == DataType::kFloat && keeps_constant(constant) &&
           constant.data.size() >= kNarrowedFrom * sizeof(float);
  }

  void add_constant(const Content::Field& field, bool narrow) {
    const GraphConstant& constant = content_.constants[field.index];
    if (!keeps_constant(constant)) return;
    const std::size_t bytes = constant.data.size();
    if (narrow && narrows(constant)) {
      add({constant_head(constant, constant.name + std::string(kHalfName), DataType::kFloat16,
                         bytes / 2),
           constant.data, &constant});
    } else if (content_.stored[field.index].external) {
      add({constant_head(constant, constant.name, constant.dtype, bytes), constant.data});
    } else {
      add({{}, field.bytes});
    }
  }

  Status write_file(const std::filesystem::path& path) {
    NewFile file(path);
    AXLE_TRY(file.open());
    append_prefix(head_, wire::kModelGraph, graph_bytes_ - kPrefixBytes);
    AXLE_TRY(file.append(head_));
    for (const Piece& piece : pieces_) {
      AXLE_TRY(file.append(piece.head));
      AXLE_TRY(piece.narrowed != nullptr ? append_narrowed(*piece.narrowed, file)
                                         : file.append(piece.data));
    }
    return file.commit();
  }

  const Content& content_;
  const GraphEngine& engine_;
  Names cut_;
  Kept kept_;
  std::string head_;
  std::vector<Piece> pieces_;
  std::size_t graph_bytes_ = 0;  // The field, its prefix included.
};

GraphFile::GraphFile(std::unique_ptr<Content> content) : content_(std::move(content)) {}
GraphFile::GraphFile(GraphFile&&) noexcept = default;
GraphFile& GraphFile::operator=(GraphFile&&) noexcept = default;
GraphFile::~GraphFile() = default;

Result<GraphFile> GraphFile::open(const std::filesystem::path& path) {
  auto content = std::make_unique<Content>();
  AXLE_TRY(content->open(path));
  return GraphFile(std::move(content));
}

const Group& GraphFile::tensors() const { return content_->tensors; }
const std::vector<GraphNode>& GraphFile::nodes() const { return content_->nodes; }

const GraphConstant* GraphFile::find_constant(std::string_view name) const {
  const auto place = content_->constant_places.find(name);
  return place == content_->constant_places.end() ? nullptr : &content_->constants[place->second];
}

std::size_t GraphFile::size_bytes() const {
  std::size_t total = 0;
  for (const MappedFile& file : content_->files) total += file.bytes().size();
  return total;
}

Result<bool> GraphFile::write(const GraphEngine& engine, const std::filesystem::path& path) const {
  return GraphWriter(*content_, engine).write(path);
}

}  // namespace axle::axmodel
