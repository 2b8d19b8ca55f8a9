#include "axmodel/model.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <limits>

namespace axle::axmodel {
namespace {

struct TypeRow {
  DataType dtype;
  std::size_t bytes;
  std::string_view name;
};

constexpr std::array<TypeRow, 13> kTypes{{
    {DataType::kFloat, 4, "float"},
    {DataType::kUint8, 1, "uint8"},
    {DataType::kInt8, 1, "int8"},
    {DataType::kUint16, 2, "uint16"},
    {DataType::kInt16, 2, "int16"},
    {DataType::kInt32, 4, "int32"},
    {DataType::kInt64, 8, "int64"},
    {DataType::kBool, 1, "bool"},
    {DataType::kFloat16, 2, "float16"},
    {DataType::kDouble, 8, "double"},
    {DataType::kUint32, 4, "uint32"},
    {DataType::kUint64, 8, "uint64"},
    {DataType::kBfloat16, 2, "bfloat16"},
}};

struct FormatRow {
  std::string_view name;
  FormatLayout layout;
};

constexpr std::array<FormatRow, 11> kFormats{{
    {"f32", {1, 4}},
    {"f16", {1, 2}},
    {"bf16", {1, 2}},
    {"q8_0", {32, 34}},
    {"q4_0", {32, 18}},
    {"q4_1", {32, 20}},
    {"q5_0", {32, 22}},
    {"q5_1", {32, 24}},
    {"q4_k", {256, 144}},
    {"q5_k", {256, 176}},
    {"q6_k", {256, 210}},
}};

// The product of non-negative factors, or nothing beyond 63 bits.
std::optional<std::size_t> product(std::span<const std::int64_t> factors, std::size_t start) {
  constexpr auto kLimit = static_cast<std::size_t>(std::numeric_limits<std::int64_t>::max());
  std::size_t total = start;
  for (const std::int64_t factor : factors) {
    if (factor < 0) return std::nullopt;
    const auto count = static_cast<std::size_t>(factor);
    if (count != 0 && total > kLimit / count) return std::nullopt;
    total *= count;
  }
  return total;
}

// The text after `key` up to the end of its line; empty where the key is missing.
std::string_view line_after(std::string_view text, std::string_view key) {
  const std::size_t at = text.find(key);
  if (at == std::string_view::npos) return {};
  std::string_view rest = text.substr(at + key.size());
  return rest.substr(0, rest.find('\n'));
}

}  // namespace

std::size_t element_bytes(DataType dtype) {
  const auto row = std::ranges::find(kTypes, dtype, &TypeRow::dtype);
  return row == kTypes.end() ? 0 : row->bytes;
}

std::string_view data_type_name(DataType dtype) {
  const auto row = std::ranges::find(kTypes, dtype, &TypeRow::dtype);
  return row == kTypes.end() ? "undefined" : row->name;
}

Result<std::size_t> tensor_bytes(const TensorInfo& tensor) {
  const std::size_t bytes = element_bytes(tensor.dtype);
  if (bytes == 0) {
    return unsupported(fmt::format("tensor '{}' has element type {}, whose size is not known",
                                   tensor.name, static_cast<std::int32_t>(tensor.dtype)));
  }
  if (std::ranges::any_of(tensor.shape, [](std::int64_t size) { return size < 0; })) {
    return unsupported(fmt::format("tensor '{}' has an open dimension", tensor.name));
  }
  const std::optional<std::size_t> total = product(tensor.shape, bytes);
  if (!total) {
    return corrupt(fmt::format("tensor '{}' is larger than 2^63 bytes", tensor.name));
  }
  return *total;
}

std::optional<FormatLayout> format_layout(std::string_view format) {
  const auto row = std::ranges::find(kFormats, format, &FormatRow::name);
  if (row != kFormats.end()) return row->layout;
  const auto type = std::ranges::find(kTypes, format, &TypeRow::name);
  if (type != kTypes.end()) return FormatLayout{1, type->bytes};
  return std::nullopt;
}

Result<std::size_t> weight_bytes(std::string_view format, std::span<const std::int64_t> shape) {
  const std::optional<FormatLayout> layout = format_layout(format);
  if (!layout) return unsupported(fmt::format("unknown weight format '{}'", format));
  if (std::ranges::any_of(shape, [](std::int64_t size) { return size <= 0; })) {
    return invalid_argument("a weight has a dimension that is not positive");
  }
  const auto block = static_cast<std::int64_t>(layout->block_values);
  const std::int64_t columns = shape.empty() ? 1 : shape.back();
  if (columns % block != 0) {
    return invalid_argument(fmt::format(
        "a row of {} numbers is not a whole number of {} blocks of {}", columns, format, block));
  }
  const std::array<std::int64_t, 1> blocks{columns / block};
  std::optional<std::size_t> total = product(blocks, layout->block_bytes);
  if (total && !shape.empty()) total = product(shape.first(shape.size() - 1), *total);
  if (!total) return invalid_argument("a weight is larger than 2^63 bytes");
  return *total;
}

const Weight* Model::find_weight(std::string_view name) const {
  const auto weight = std::ranges::find(weights, name, &Weight::name);
  return weight == weights.end() ? nullptr : &*weight;
}

std::string compiler_version(const Model& model) {
  const std::string_view version = line_after(model.doc_string, "Pulsar2 Version: ");
  const std::string_view commit = line_after(model.doc_string, "Pulsar2 Commit: ");
  if (!version.empty())
    return commit.empty() ? std::string(version) : fmt::format("{} {}", version, commit);
  if (model.producer_version.empty()) return model.producer;
  return fmt::format("{} {}", model.producer, model.producer_version);
}

}  // namespace axle::axmodel
