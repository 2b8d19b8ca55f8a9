#include "axmodel/wire.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <charconv>
#include <optional>
#include <protozero/pbf_writer.hpp>

namespace axle::axmodel::wire {
namespace {

// Takes the text up to the next `separator` off the front of `text`.
std::string_view take(std::string_view& text, char separator) {
  const std::size_t end = text.find(separator);
  const std::string_view part = text.substr(0, end);
  text = end == std::string_view::npos ? std::string_view{} : text.substr(end + 1);
  return part;
}

template <typename Number>
std::optional<Number> number(std::string_view text) {
  Number value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::optional<std::vector<std::int64_t>> shape_from_text(std::string_view text) {
  std::vector<std::int64_t> shape;
  while (!text.empty()) {
    const std::optional<std::int64_t> size = number<std::int64_t>(take(text, ','));
    if (!size || *size < -1) return std::nullopt;
    shape.push_back(*size);
  }
  return shape;
}

// Adds one line's tensor; false where the line has another form.
bool add_line(std::string_view line, std::vector<Group>& groups) {
  const std::optional<std::size_t> index = number<std::size_t>(take(line, ' '));
  const std::string_view side = take(line, ' ');
  const std::optional<std::int32_t> dtype = number<std::int32_t>(take(line, ' '));
  std::optional<std::vector<std::int64_t>> shape = shape_from_text(take(line, ' '));
  if (!index || !dtype || !shape || line.empty()) return false;
  if (side != "in" && side != "out") return false;
  if (*index == groups.size()) groups.emplace_back();
  if (*index + 1 != groups.size()) return false;
  std::vector<TensorInfo>& tensors = side == "in" ? groups.back().inputs : groups.back().outputs;
  tensors.push_back({std::string(line), static_cast<DataType>(*dtype), *std::move(shape)});
  return true;
}

void append_lines(std::string& text, std::size_t group, std::string_view side,
                  const std::vector<TensorInfo>& tensors) {
  for (const TensorInfo& tensor : tensors) {
    text += fmt::format("{} {} {} {} {}\n", group, side, static_cast<std::int32_t>(tensor.dtype),
                        fmt::join(tensor.shape, ","), tensor.name);
  }
}

}  // namespace

std::string plain_format(DataType dtype) {
  switch (dtype) {
    case DataType::kFloat:
      return "f32";
    case DataType::kFloat16:
      return "f16";
    case DataType::kBfloat16:
      return "bf16";
    default:
      return std::string(data_type_name(dtype));
  }
}

DataType stored_type(std::string_view format) {
  for (std::int32_t number = 1; number <= 16; ++number) {
    const auto dtype = static_cast<DataType>(number);
    if (element_bytes(dtype) != 0 && plain_format(dtype) == format) return dtype;
  }
  return DataType::kUint8;
}

std::string value_message(const TensorInfo& tensor) {
  std::string shape;
  protozero::pbf_writer shape_writer(shape);
  for (const std::int64_t size : tensor.shape) {
    std::string dim;
    if (size >= 0) protozero::pbf_writer(dim).add_int64(kDimValue, size);
    shape_writer.add_message(kShapeDim, dim);
  }
  std::string tensor_type;
  protozero::pbf_writer type_writer(tensor_type);
  type_writer.add_int32(kTensorTypeElem, static_cast<std::int32_t>(tensor.dtype));
  type_writer.add_message(kTensorTypeShape, shape);
  std::string type;
  protozero::pbf_writer(type).add_message(kTypeTensor, tensor_type);
  std::string value;
  protozero::pbf_writer writer(value);
  writer.add_string(kValueName, tensor.name);
  writer.add_message(kValueType, type);
  return value;
}

std::string groups_to_text(const std::vector<Group>& groups) {
  std::string text;
  for (std::size_t group = 0; group < groups.size(); ++group) {
    append_lines(text, group, "in", groups[group].inputs);
    append_lines(text, group, "out", groups[group].outputs);
  }
  return text;
}

Result<std::vector<Group>> groups_from_text(std::string_view text) {
  std::vector<Group> groups;
  std::size_t line_number = 0;
  while (!text.empty()) {
    ++line_number;
    if (!add_line(take(text, '\n'), groups)) {
      return corrupt(
          fmt::format("metadata '{}': line {} is not '<group> <in|out> <dtype> <dims> <name>' "
                      "with groups in order",
                      kGroupsKey, line_number));
    }
  }
  if (groups.empty()) return corrupt(fmt::format("metadata '{}' lists no group", kGroupsKey));
  return groups;
}

}  // namespace axle::axmodel::wire
