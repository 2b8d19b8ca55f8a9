#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "axmodel/model.h"

namespace axle::axmodel::testing {

// Writes small graphs of ordinary ONNX operators for tests, as bytes of a ModelProto (IR 8, the
// standard operators at 17, as exporters of 2023 on write them).
class OnnxGraph {
 public:
  // A dimension of -1 is open.
  OnnxGraph& input(std::string_view name, DataType dtype, std::vector<std::int64_t> shape);
  OnnxGraph& output(std::string_view name, DataType dtype, std::vector<std::int64_t> shape);
  OnnxGraph& constant(std::string_view name, const std::vector<std::int64_t>& shape,
                      const std::vector<float>& values);
  OnnxGraph& constant(std::string_view name, const std::vector<std::int64_t>& shape,
                      const std::vector<std::int64_t>& values);
  // Any numbers, as raw bytes.
  OnnxGraph& constant(std::string_view name, DataType dtype, const std::vector<std::int64_t>& shape,
                      std::string_view bytes);
  // Numbers that lie in another file, as torch writes them for large models.
  OnnxGraph& external(std::string_view name, const std::vector<std::int64_t>& shape,
                      std::string_view file, std::size_t offset, std::size_t length);
  OnnxGraph& node(std::string_view op, const std::vector<std::string>& inputs,
                  const std::vector<std::string>& outputs,
                  const std::map<std::string, Attribute>& attributes = {},
                  std::string_view domain = "");

  OnnxGraph& producer(std::string_view name);  // Else "axle".
  OnnxGraph& metadata(std::string_view key, std::string_view value);
  // The shape groups as engine files list them; without them the graph's own tensors are the one.
  OnnxGraph& groups(const std::vector<Group>& groups);

  std::string bytes() const;
  // Errors: as write_file_atomically().
  Status write(const std::filesystem::path& path) const;

 private:
  std::string producer_ = std::string(kProducer);
  std::string nodes_;         // Fields of a GraphProto.
  std::string initializers_;  // As nodes_.
  std::string values_;        // As nodes_: inputs and outputs.
  std::string metadata_;      // Fields of a ModelProto.
};

}  // namespace axle::axmodel::testing
