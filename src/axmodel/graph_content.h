#pragma once

#include <cstddef>
#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "axmodel/graph.h"
#include "base/file.h"

// Private to this room: an opened ONNX file as its fields.
namespace axle::axmodel {

using Bytes = std::span<const std::byte>;

struct GraphFile::Content {
  enum class Kind : std::uint8_t { kNode, kConstant, kInput, kOther };
  // One field of the GraphProto with its tag, and which node, constant or input it is.
  struct Field {
    Kind kind = Kind::kOther;
    std::size_t index = 0;
    Bytes bytes;
  };
  struct Stored {
    Bytes message;          // The TensorProto.
    bool external = false;  // Its numbers lie in another file.
  };

  // Errors: as GraphFile::open().
  Status open(const std::filesystem::path& path);

  std::filesystem::path path;
  std::vector<MappedFile> files;    // The first is the ONNX file.
  std::vector<Bytes> model_fields;  // Without graph, producer and our own metadata.
  std::vector<Field> fields;
  std::vector<GraphNode> nodes;
  std::vector<bool> has_inner_graph;  // Of the nodes.
  std::vector<GraphConstant> constants;
  std::vector<Stored> stored;  // As `constants`.
  std::map<std::string, std::size_t, std::less<>> constant_places;
  std::vector<std::string> input_names;  // Of all input fields, constants too.
  Group tensors;

 private:
  Status read_model();
  Status read_graph(Bytes graph);
  Status read_tensors(const std::string& values);
  void read_node(Bytes message);
  Status read_constant(Bytes message);
  Status resolve(const std::map<std::string, std::string>& place, GraphConstant& constant);
  Result<Bytes> outside_file(const std::string& location);

  std::map<std::string, std::size_t> places_;  // Of `files`, by location.
};

}  // namespace axle::axmodel
