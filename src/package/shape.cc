#include "package/shape.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <initializer_list>
#include <string>

namespace axle::package {
namespace {

using axmodel::DataType;
using axmodel::TensorInfo;
using Shape = std::vector<std::int64_t>;

constexpr std::array<std::string_view, 5> kLayerInputs = {"K_cache", "V_cache", "indices", "input",
                                                          "mask"};
constexpr std::int64_t kLargestDim = std::int64_t{1} << 28;

std::string shape_text(const Shape& shape) { return fmt::format("[{}]", fmt::join(shape, ", ")); }

// The tensors of one group, with the name of the engine for messages.
class GroupReader {
 public:
  GroupReader(const axmodel::Group& group, std::size_t index, std::string_view what)
      : group_(group), index_(index), what_(what) {}

  Result<const TensorInfo*> input(std::string_view name) const {
    return find(group_.inputs, name, "input");
  }
  Result<const TensorInfo*> output(std::string_view name) const {
    return find(group_.outputs, name, "output");
  }
  bool has_output(std::string_view name) const { return find(group_.outputs, name, "output").ok(); }

  // Errors: kCorrupt unless `tensor` has the type and the shape.
  Status expect(const TensorInfo& tensor, DataType dtype, const Shape& shape) const {
    if (tensor.shape != shape) {
      return wrong(tensor, "shape", shape_text(shape), shape_text(tensor.shape));
    }
    return expect_type(tensor, dtype);
  }

  Status expect_type(const TensorInfo& tensor, DataType dtype) const {
    if (tensor.dtype == dtype) return {};
    return wrong(tensor, "type", axmodel::data_type_name(dtype),
                 axmodel::data_type_name(tensor.dtype));
  }

  // Errors: kCorrupt unless the tensor has `rank` dimensions, all positive and sane.
  Status expect_rank(const TensorInfo& tensor, std::size_t rank) const {
    const bool sane = std::all_of(tensor.shape.begin(), tensor.shape.end(),
                                  [](std::int64_t dim) { return dim > 0 && dim <= kLargestDim; });
    if (tensor.shape.size() == rank && sane) return {};
    return wrong(tensor, "shape", fmt::format("{} positive dimensions", rank),
                 shape_text(tensor.shape));
  }

  Status wrong(const TensorInfo& tensor, std::string_view aspect, std::string_view wanted,
               std::string_view found) const {
    return corrupt(fmt::format("{}: group {}: {} of '{}' is {}, wanted {}", what_, index_, aspect,
                               tensor.name, found, wanted));
  }

  Status unknown_inputs(std::span<const std::string_view> known) const {
    for (const TensorInfo& tensor : group_.inputs) {
      const bool found = std::any_of(known.begin(), known.end(), [&](std::string_view name) {
        return tensor.name == name || tensor.name == suffixed(name);
      });
      if (!found) {
        return unsupported(
            fmt::format("{}: group {}: input '{}' is not known; axle runs layers "
                        "with the inputs {}",
                        what_, index_, tensor.name, fmt::join(known, ", ")));
      }
    }
    return {};
  }

 private:
  std::string suffixed(std::string_view name) const { return fmt::format("{}_{}", name, index_); }

  Result<const TensorInfo*> find(const std::vector<TensorInfo>& tensors, std::string_view name,
                                 std::string_view kind) const {
    for (const std::string& wanted : {std::string(name), suffixed(name)}) {
      const auto found =
          std::find_if(tensors.begin(), tensors.end(),
                       [&wanted](const TensorInfo& tensor) { return tensor.name == wanted; });
      if (found != tensors.end()) return &*found;
    }
    std::vector<std::string_view> names;
    for (const TensorInfo& tensor : tensors) names.emplace_back(tensor.name);
    return corrupt(fmt::format("{}: group {}: {} '{}' is missing; there are: {}", what_, index_,
                               kind, name,
                               names.empty() ? "none" : fmt::to_string(fmt::join(names, ", "))));
  }

  const axmodel::Group& group_;
  std::size_t index_;
  std::string_view what_;
};

std::size_t dim(const TensorInfo& tensor, std::size_t axis) {
  return static_cast<std::size_t>(tensor.shape[axis]);
}

std::int64_t as_dim(std::size_t value) { return static_cast<std::int64_t>(value); }

// Reads `input` and `indices`: fills rows of `group`, hidden and position_rows of `shape`.
Status read_rows(const GroupReader& reader, Group& group, LayerShape& shape) {
  AXLE_TRY_ASSIGN(const TensorInfo* input, reader.input("input"));
  AXLE_TRY_ASSIGN(const TensorInfo* indices, reader.input("indices"));
  AXLE_TRY(reader.expect_rank(*indices, 2));
  if (indices->dtype != DataType::kInt32) {  // Some exports declare the positions as signed.
    AXLE_TRY(reader.expect_type(*indices, DataType::kUint32));
  }
  const std::size_t position_rows = dim(*indices, 0);
  group.rows = dim(*indices, 1);
  if (position_rows != 1 && position_rows != 3) {
    return reader.wrong(*indices, "shape", "[1, rows] or [3, rows]", shape_text(indices->shape));
  }
  shape.position_rows = std::max(shape.position_rows, position_rows);

  AXLE_TRY(reader.expect_rank(*input, 3));
  if (shape.hidden == 0) shape.hidden = dim(*input, 2);
  return reader.expect(*input, DataType::kBfloat16, {1, as_dim(group.rows), as_dim(shape.hidden)});
}

// Reads the caches and the mask: fills history and cache_rows of `group`, kv_width of `shape`.
Status read_cache(const GroupReader& reader, Group& group, LayerShape& shape) {
  AXLE_TRY_ASSIGN(const TensorInfo* k_cache, reader.input("K_cache"));
  AXLE_TRY_ASSIGN(const TensorInfo* v_cache, reader.input("V_cache"));
  AXLE_TRY_ASSIGN(const TensorInfo* mask, reader.input("mask"));
  AXLE_TRY(reader.expect_rank(*k_cache, 3));
  AXLE_TRY(reader.expect_rank(*mask, 3));
  if (shape.kv_width == 0) shape.kv_width = dim(*k_cache, 2);
  group.cache_rows = dim(*k_cache, 1);
  const Shape cache = {1, as_dim(group.cache_rows), as_dim(shape.kv_width)};
  AXLE_TRY(reader.expect(*k_cache, DataType::kBfloat16, cache));
  AXLE_TRY(reader.expect(*v_cache, DataType::kBfloat16, cache));

  const std::size_t columns = dim(*mask, 2);
  if (columns < group.rows || columns - group.rows > group.cache_rows) {
    return reader.wrong(
        *mask, "shape",
        fmt::format("[1, {}, {} to {}] for {} rows and {} cache rows", group.rows, group.rows,
                    group.rows + group.cache_rows, group.rows, group.cache_rows),
        shape_text(mask->shape));
  }
  group.history = columns - group.rows;
  return reader.expect(*mask, DataType::kBfloat16, {1, as_dim(group.rows), as_dim(columns)});
}

Status read_outputs(const GroupReader& reader, const Group& group, const LayerShape& shape) {
  const std::int64_t rows = as_dim(group.rows);
  for (const std::string_view name : {"K_cache_out", "V_cache_out"}) {
    AXLE_TRY_ASSIGN(const TensorInfo* tensor, reader.output(name));
    AXLE_TRY(reader.expect(*tensor, DataType::kBfloat16, {1, rows, as_dim(shape.kv_width)}));
  }
  AXLE_TRY_ASSIGN(const TensorInfo* output, reader.output("output"));
  return reader.expect(*output, DataType::kBfloat16, {1, rows, as_dim(shape.hidden)});
}

}  // namespace

std::size_t LayerShape::cells() const {
  std::size_t cells = 0;
  for (const Group& group : groups) {
    if (group.decode()) cells = std::max(cells, group.history);
  }
  return cells;
}

std::size_t LayerShape::cache_rows() const {
  std::size_t rows = 0;
  for (const Group& group : groups) rows = std::max(rows, group.cache_rows);
  return rows;
}

std::size_t LayerShape::max_prefill_end() const {
  std::size_t end = 0;
  for (const Group& group : groups) {
    if (!group.decode()) end = std::max(end, group.history + group.rows);
  }
  return end;
}

Result<LayerShape> derive_layer_shape(std::span<const axmodel::Group> groups,
                                      std::string_view what) {
  LayerShape shape;
  for (std::size_t i = 0; i < groups.size(); ++i) {
    const GroupReader reader(groups[i], i, what);
    Group group;
    group.index = i;
    AXLE_TRY(read_rows(reader, group, shape));
    AXLE_TRY(read_cache(reader, group, shape));
    AXLE_TRY(read_outputs(reader, group, shape));
    AXLE_TRY(reader.unknown_inputs(kLayerInputs));
    shape.groups.push_back(group);
  }
  if (shape.cells() == 0) {
    return unsupported(
        fmt::format("{}: none of its {} groups is a decode group (one row, some history)", what,
                    groups.size()));
  }
  return shape;
}

Result<HeadShape> derive_head_shape(std::span<const axmodel::Group> groups, std::string_view what) {
  HeadShape shape;
  for (std::size_t i = 0; i < groups.size(); ++i) {
    const GroupReader reader(groups[i], i, what);
    if (reader.has_output("indices") && !reader.has_output("output")) {
      return unsupported(fmt::format(
          "{}: it gives 'indices' of the best tokens only; axle needs all logits (build "
          "it without --post_topk)",
          what));
    }
    AXLE_TRY_ASSIGN(const TensorInfo* input, reader.input("input"));
    AXLE_TRY_ASSIGN(const TensorInfo* output, reader.output("output"));
    AXLE_TRY(reader.expect_rank(*input, 3));
    AXLE_TRY(reader.expect_rank(*output, 3));
    if (i == 0) {
      shape.hidden = dim(*input, 2);
      shape.vocab_size = dim(*output, 2);
    }
    const std::size_t rows = dim(*input, 1);
    shape.rows = std::max(shape.rows, rows);
    AXLE_TRY(reader.expect(*input, DataType::kBfloat16, {1, as_dim(rows), as_dim(shape.hidden)}));
    AXLE_TRY(
        reader.expect(*output, DataType::kBfloat16, {1, as_dim(rows), as_dim(shape.vocab_size)}));
  }
  if (groups.empty()) return corrupt(fmt::format("{}: it has no group", what));
  return shape;
}

}  // namespace axle::package
