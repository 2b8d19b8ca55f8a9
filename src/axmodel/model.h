#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/result.h"

// The engine file format `.axmodel`: an ONNX ModelProto, as the vendor's files are. Files of ours
// name the producer "axle" and hold one node of the operator domain "axle"; docs/axmodel.md
// describes them.
namespace axle::axmodel {

// Element types, numbered as TensorProto.DataType. Source: ONNX, onnx.proto.
enum class DataType : std::int32_t {
  kUndefined = 0,
  kFloat = 1,
  kUint8 = 2,
  kInt8 = 3,
  kUint16 = 4,
  kInt16 = 5,
  kInt32 = 6,
  kInt64 = 7,
  kBool = 9,
  kFloat16 = 10,
  kDouble = 11,
  kUint32 = 12,
  kUint64 = 13,
  kBfloat16 = 16,
};

// Bytes of one element; 0 for kUndefined and for numbers that are not listed above.
std::size_t element_bytes(DataType dtype);
// "bfloat16", "uint32", ...; "undefined" for others.
std::string_view data_type_name(DataType dtype);

// One input or output of a graph. Row-major; a dimension that the file leaves open is -1.
struct TensorInfo {
  std::string name;
  DataType dtype = DataType::kUndefined;
  std::vector<std::int64_t> shape;

  friend bool operator==(const TensorInfo&, const TensorInfo&) = default;
};

// Bytes of a whole tensor.
// Errors: kUnsupported  an open dimension, or an element type without a size.
//         kCorrupt      the product does not fit 63 bits.
Result<std::size_t> tensor_bytes(const TensorInfo& tensor);

// One shape group: the tensors of one way to run the engine, in binding order.
struct Group {
  std::vector<TensorInfo> inputs;
  std::vector<TensorInfo> outputs;

  friend bool operator==(const Group&, const Group&) = default;
};

// One constant tensor. `format` names how the numbers are stored: "f32", "f16", "bf16", or a ggml
// block format, "q8_0", "q4_0", "q4_1", "q5_0", "q5_1", "q4_k", "q5_k", "q6_k"; other element types
// have their data_type_name(). `shape` counts numbers, not bytes; blocks run along the last
// dimension.
struct Weight {
  std::string name;
  std::string format;
  std::vector<std::int64_t> shape;
  std::span<const std::byte>
      data;  // Not owned: for a parsed model it points into the file's bytes.
};

// How a weight format is laid out: `block_values` numbers take `block_bytes` bytes.
// Source: ggml 0.25.3, ggml-common.h.
struct FormatLayout {
  std::size_t block_values = 0;
  std::size_t block_bytes = 0;
};

// Nothing for a name that is not listed at Weight.
std::optional<FormatLayout> format_layout(std::string_view format);

// Bytes of a weight of this format and shape.
// Errors: kUnsupported      an unknown format.
//         kInvalidArgument  a dimension that is not positive, a last dimension that is not a
//                           multiple of the block, or a size beyond 63 bits.
Result<std::size_t> weight_bytes(std::string_view format, std::span<const std::int64_t> shape);

// An attribute of the one node. Float attributes are 32-bit, as in ONNX.
using Attribute =
    std::variant<std::int64_t, float, std::string, std::vector<std::int64_t>, std::vector<float>>;

inline constexpr std::string_view kProducer = "axle";
inline constexpr std::string_view kDomain = "axle";  // Our operator domain.
inline constexpr std::string_view kVendorProducer = "Pulsar2";
inline constexpr std::size_t kWeightAlignment = 64;  // Of weight data in files we write.
// Entry of Model::metadata in engines whose weights are holes in the file.
inline constexpr std::string_view kNoWeightsKey = "axle.no_weights";

// What an engine file says.
//
// Lifetime: a parsed model must not outlive the bytes it was parsed from (Weight::data).
struct Model {
  std::string producer;
  std::string producer_version;
  std::string doc_string;
  std::string graph_name;
  std::string op_domain;       // Of the node, when there is exactly one; else empty.
  std::string op_type;         // As op_domain: "TransformerLayer", "Head", the vendor's "neu mode".
  std::size_t node_count = 1;  // write() writes exactly one node.
  std::map<std::string, Attribute> attributes;  // Of the one node; empty where there are more.
  std::vector<Group> groups;                    // At least one in a parsed model.
  std::vector<Weight> weights;
  std::map<std::string, std::string> metadata;  // metadata_props, without the groups.
  std::span<const std::byte> file_bytes;        // Of a parsed model: all that it was parsed from.

  // True for a file compiled for the NPU by the vendor's tool chain.
  bool is_vendor() const { return producer == kVendorProducer; }
  // False for a file of write_without_weights(): it has every size, and zeros for numbers.
  bool has_weights() const { return !metadata.contains(std::string(kNoWeightsKey)); }
  const Weight* find_weight(std::string_view name) const;  // Null where there is none.
};

// "1.2-patch2 7e6b2b5f" from the vendor's doc_string ("Pulsar2 Version: ...\nPulsar2 Commit: ..."),
// else "<producer> <producer_version>".
std::string compiler_version(const Model& model);

// Reads a whole file's bytes. Weights are views into `bytes`, nothing big is copied. Reads the
// vendor's files too: their groups (the graph's inputs and outputs) are one, their node and weights
// stay opaque.
// Errors: kCorrupt  not a ModelProto, a cut or overlong field, a weight whose size does not fit its
//                   shape, unreadable group list; the message names the field and the offset.
//         kUnsupported  weights in another file (external data).
Result<Model> parse(std::span<const std::byte> bytes);

// Writes `model` to `path`: beside it first, synced, then renamed, so that the file is whole or not
// there. The weights are streamed from where they lie; each starts at a multiple of
// kWeightAlignment. Equal models give equal bytes. is_vendor() models are not written.
// Errors: kInvalidArgument  no group, no op_type, a weight whose data does not fit its shape, two
// of
//                           one name, a model above 2 GiB (the limit of protobuf messages).
//         kUnsupported      a vendor's model, or one of several nodes.
//         kExhausted        no space left. kUnavailable  cannot be written, with the reason.
Status write(const Model& model, const std::filesystem::path& path);

// Writes `model` as write() does but for the numbers of its weights, whose data is not looked at:
// they become holes of their size, which take no room on the disk and read as zeros, and the
// metadata says so (kNoWeightsKey). For benchmarks of models of true size.
// Errors: as write().
Status write_without_weights(const Model& model, const std::filesystem::path& path);

}  // namespace axle::axmodel
