#pragma once

#include <cstddef>
#include <filesystem>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "axmodel/model.h"
#include "base/result.h"

// Engine files of ordinary ONNX graphs: an ONNX file as its exporter wrote it becomes an .axmodel
// that the software card runs.
namespace axle::axmodel {

// Of one engine file: the limit of protobuf messages.
inline constexpr std::size_t kLargestFile = 0x7fffffff;

// One node of a graph, by the names of its tensors.
struct GraphNode {
  std::string op_type;
  std::string domain;
  std::vector<std::string> inputs;  // An empty name is an input that is left out.
  std::vector<std::string> outputs;
  std::map<std::string, std::int64_t> integers;  // Its attributes of one integer.
};

// One constant of a graph.
struct GraphConstant {
  std::string name;
  DataType dtype = DataType::kUndefined;
  std::vector<std::int64_t> shape;
  // Row-major; empty where the numbers lie in typed fields of the message.
  std::span<const std::byte> data;
};

// A part of a graph that is replaced by an input.
struct GraphCut {
  TensorInfo input;                  // The new one.
  std::vector<std::string> tensors;  // What it stands for, wherever they are read.
};

struct GraphEngine {
  std::string producer_version = {};
  std::vector<Group> groups = {};  // What the card shows; see docs/axmodel.md.
  std::map<std::string, std::string> metadata = {};
  std::vector<GraphCut> cuts = {};
  // Where the file would be larger, constants are narrowed; see GraphFile::write().
  std::size_t narrow_above_bytes = kLargestFile;
};

// An ONNX file, with the files that hold its numbers where these lie outside.
//
// Threading: immutable after open().
class GraphFile {
 public:
  // Errors: kNotFound     no such file, or no file of its numbers (which).
  //         kCorrupt      not an ONNX graph; numbers outside that do not fill their shape, or lie
  //                       outside the file's folder.
  //         And those of MappedFile::open().
  static Result<GraphFile> open(const std::filesystem::path& path);

  GraphFile(GraphFile&&) noexcept;
  GraphFile& operator=(GraphFile&&) noexcept;
  ~GraphFile();

  // As the file has them: open dimensions are -1, constants are not among the inputs.
  const Group& tensors() const;
  const std::vector<GraphNode>& nodes() const;
  const GraphConstant* find_constant(std::string_view name) const;  // Null where there is none.
  std::size_t size_bytes() const;                                   // Of all files.

  // Writes the engine file, all or nothing: the graph is carried over byte for byte but for what a
  // cut makes needless; numbers that lie outside are put inside. Where the file would be larger
  // than `narrow_above_bytes`, float constants of a thousand numbers or more are stored with 16
  // bits and widened by a Cast. True where that was done.
  // Errors: kInvalidArgument  no group; more than 2 GiB even so.
  //         kCorrupt          a cut's tensor or a group's output that the graph does not have.
  //         kUnsupported      a cut through a graph with inner graphs (If, Loop); a number that
  //                           is too large for 16 bits.
  //         kExhausted, kUnavailable  as write().
  Result<bool> write(const GraphEngine& engine, const std::filesystem::path& path) const;

  struct Content;  // Private to this room.

 private:
  explicit GraphFile(std::unique_ptr<Content> content);
  std::unique_ptr<Content> content_;
};

}  // namespace axle::axmodel
