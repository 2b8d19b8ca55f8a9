#include "llm/probe_layer.h"

#include <algorithm>
#include <limits>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "card/card.h"
#include "card/device_buffer.h"
#include "llm/compare.h"
#include "llm/engines.h"

namespace axle::llm {
namespace {

// One group of the first layer with buffers of its own.
class FirstLayer {
 public:
  struct Row {
    TokenId token = 0;
    std::uint32_t position = 0;
    std::vector<std::size_t> columns;  // Of the mask, that it sees: cells, then rows.
  };

  static Result<FirstLayer> create(Model& model, std::size_t group);

  // The output of row `wanted` [H].
  Result<std::vector<Bf16>> run(const std::vector<Row>& rows, std::size_t wanted);
  // Puts K and V of row 0 of the last run into a cell.
  Status keep(Cell cell);

  std::size_t history() const { return group_.history; }

 private:
  FirstLayer(Model& model, const package::Group& group) : model_(&model), group_(group) {}
  Status upload(const std::vector<Row>& rows);

  Model* model_;  // Not owned, never null.
  package::Group group_;
  card::DeviceBuffer indices_, mask_, input_, k_out_, v_out_, output_;
  std::vector<card::Binding> binding_;  // One, set by create().
};

Result<FirstLayer> FirstLayer::create(Model& model, std::size_t index) {
  const package::LayerShape& shape = model.package().info().shape;
  FirstLayer layer(model, shape.groups[index]);
  const package::Group& group = layer.group_;
  const std::size_t kv_bytes = group.rows * model.bank(0).row_bytes(0);
  const std::size_t hidden_bytes = group.rows * shape.hidden * sizeof(Bf16);
  const std::size_t positions = group.decode() ? 1 : shape.position_rows;
  const std::pair<card::DeviceBuffer*, std::size_t> wanted[] = {
      {&layer.indices_, group.rows * positions * sizeof(std::uint32_t)},
      {&layer.mask_, group.rows * (group.history + group.rows) * sizeof(Bf16)},
      {&layer.input_, hidden_bytes},
      {&layer.k_out_, kv_bytes},
      {&layer.v_out_, kv_bytes},
      {&layer.output_, hidden_bytes}};
  for (const auto& [buffer, bytes] : wanted) {
    AXLE_TRY_ASSIGN(*buffer, card::DeviceBuffer::allocate(model.card(), bytes));
    AXLE_TRY(buffer->fill(0, bytes, std::byte{0}));
  }
  const LayerMemory memory{.k_cache = model.bank(0).k(0),
                           .v_cache = model.bank(0).v(0),
                           .indices = layer.indices_.span(),
                           .input = layer.input_.span(),
                           .mask = layer.mask_.span(),
                           .k_cache_out = layer.k_out_.span(),
                           .v_cache_out = layer.v_out_.span(),
                           .output = layer.output_.span()};
  AXLE_TRY_ASSIGN(card::Binding binding,
                  bind_layer(model.engines().layers[0], group.index, memory));
  layer.binding_.push_back(std::move(binding));
  return layer;
}

Status FirstLayer::upload(const std::vector<Row>& rows) {
  const std::size_t columns = group_.history + group_.rows;
  std::vector<std::uint32_t> indices(indices_.size_bytes() / sizeof(std::uint32_t), 0);
  std::vector<Bf16> mask(group_.rows * columns, kBf16Hidden);
  std::vector<Bf16> input(input_.size_bytes() / sizeof(Bf16), kBf16Zero);
  const std::size_t hidden = input.size() / group_.rows;
  for (std::size_t r = 0; r < rows.size(); ++r) {
    for (std::size_t i = r; i < indices.size(); i += group_.rows) indices[i] = rows[r].position;
    for (const std::size_t column : rows[r].columns) mask[r * columns + column] = kBf16Zero;
    std::ranges::copy(model_->embeddings().row(rows[r].token),
                      input.begin() + static_cast<std::ptrdiff_t>(r * hidden));
  }
  AXLE_TRY(indices_.write(0, std::as_bytes(std::span(indices))));
  AXLE_TRY(mask_.write(0, std::as_bytes(std::span(mask))));
  return input_.write(0, std::as_bytes(std::span(input)));
}

Result<std::vector<Bf16>> FirstLayer::run(const std::vector<Row>& rows, std::size_t wanted) {
  AXLE_TRY(upload(rows));
  AXLE_TRY(model_->engines().layers[0].run(binding_.front()));
  const std::size_t bytes = output_.size_bytes() / group_.rows;
  std::vector<Bf16> output(bytes / sizeof(Bf16));
  AXLE_TRY(output_.read(wanted * bytes, std::as_writable_bytes(std::span(output))));
  return output;
}

Status FirstLayer::keep(Cell cell) {
  const KvCache& cache = model_->bank(0);
  const std::size_t bytes = cache.row_bytes(0);
  AXLE_TRY(card::copy(model_->card(), k_out_.slice(0, bytes), cache.k_rows(0, cell, 1)));
  return card::copy(model_->card(), v_out_.slice(0, bytes), cache.v_rows(0, cell, 1));
}

constexpr TokenId kFirst = 1;
constexpr TokenId kSecond = 2;

// A text of two tokens that begins at `position`: the second one's output. Its first one stays in
// cell 0.
Result<std::vector<Bf16>> two_tokens(FirstLayer& layer, std::uint32_t position) {
  const std::size_t self = layer.history();
  AXLE_TRY(layer.run({{kFirst, position, {self}}}, 0).status());
  AXLE_TRY(layer.keep(0));
  return layer.run({{kSecond, position + 1, {0, self}}}, 0);
}

Status probe_decode(Model& model, std::size_t group, ProbeReport& report) {
  AXLE_TRY_ASSIGN(FirstLayer layer, FirstLayer::create(model, group));
  AXLE_TRY_ASSIGN(const std::vector<Bf16> far,
                  two_tokens(layer, static_cast<std::uint32_t>(model.cells())));
  AXLE_TRY_ASSIGN(const std::vector<Bf16> near, two_tokens(layer, 0));
  report[ProbePoint::kFarPositions] = finding_of(difference_in_ulps(near, far));

  const std::vector<Bf16> no_numbers(model.bank(0).row_bytes(0) / sizeof(Bf16),
                                     to_bf16(std::numeric_limits<float>::quiet_NaN()));
  const auto bytes = std::as_bytes(std::span(no_numbers));
  AXLE_TRY(card::write(model.card(), model.bank(0).k_rows(0, 1, 1), bytes));
  AXLE_TRY(card::write(model.card(), model.bank(0).v_rows(0, 1, 1), bytes));
  AXLE_TRY_ASSIGN(const std::vector<Bf16> beside,
                  layer.run({{kSecond, 1, {0, layer.history()}}}, 0));
  report[ProbePoint::kNanCells] = finding_of(difference_in_ulps(near, beside));
  return {};
}

// The same two rows, once as usual and once with the first token in the later row.
Status probe_diagonal(Model& model, std::size_t group, ProbeReport& report) {
  AXLE_TRY_ASSIGN(FirstLayer layer, FirstLayer::create(model, group));
  const std::size_t p = layer.history();
  AXLE_TRY_ASSIGN(const std::vector<Bf16> usual,
                  layer.run({{kFirst, 0, {p}}, {kSecond, 1, {p, p + 1}}}, 1));
  AXLE_TRY_ASSIGN(const std::vector<Bf16> ahead,
                  layer.run({{kSecond, 1, {p, p + 1}}, {kFirst, 0, {p + 1}}}, 0));
  report[ProbePoint::kAboveDiagonal] = finding_of(difference_in_ulps(usual, ahead));
  return {};
}

// A card that will not do it leaves the point untested.
Status only_serious(const Status& status) {
  const bool serious = status.code() == Code::kCardLost || status.code() == Code::kExhausted;
  return serious ? status : Status();
}

}  // namespace

Status probe_first_layer(Model& model, ProbeReport& report) {
  const package::LayerShape& shape = model.package().info().shape;
  std::optional<std::size_t> decode;
  std::optional<std::size_t> chunk;
  for (std::size_t group = 0; group < shape.groups.size(); ++group) {
    const package::Group& it = shape.groups[group];
    if (it.decode() && it.history == shape.cells()) decode = group;
    if (!it.decode() && (!chunk || it.history < shape.groups[*chunk].history)) chunk = group;
  }
  // NaN comes last, and in cells that others do not look at.
  if (chunk) AXLE_TRY(only_serious(probe_diagonal(model, *chunk, report)));
  return decode ? only_serious(probe_decode(model, *decode, report)) : Status();
}

}  // namespace axle::llm
