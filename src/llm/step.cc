#include "llm/step.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>
#include <utility>

#include "base/check.h"
#include "llm/mask.h"

namespace axle::llm {
namespace {

// Cell addresses at which engines are known to write correctly in place. Source: measurements with
// AXCL V3.6.5 and V3.10.2 published in woolcoxm/Axera-AX8850-GGUF-Support.
constexpr std::size_t kInPlaceAlignment = 2048;
// Card memory is given in pages (AXCL runtime V3.10.2, axcl_rt_memory.h).
constexpr std::size_t kPageBytes = 4096;

// Bytes that the widest group needs of each buffer.
struct BufferSizes {
  std::size_t indices = 0;
  std::size_t mask = 0;
  std::size_t hidden = 0;
  std::size_t kv_out = 0;
};

MaskShape mask_shape(const package::Group& group) { return {group.rows, group.history}; }

// Numbers of `indices`: mrope models want three equal rows of positions in prefill groups.
std::size_t index_count(const package::LayerShape& shape, const package::Group& group) {
  return group.rows * (group.decode() ? 1 : shape.position_rows);
}

BufferSizes buffer_sizes(const package::LayerShape& shape, std::size_t widest_kv) {
  BufferSizes sizes;
  for (const package::Group& group : shape.groups) {
    const auto grow = [](std::size_t& size, std::size_t wanted) { size = std::max(size, wanted); };
    grow(sizes.indices, index_count(shape, group) * sizeof(std::uint32_t));
    grow(sizes.mask, mask_shape(group).elements() * sizeof(Bf16));
    grow(sizes.hidden, group.rows * shape.hidden * sizeof(Bf16));
    grow(sizes.kv_out, group.rows * widest_kv * sizeof(Bf16));
  }
  return sizes;
}

template <typename T>
std::span<const std::byte> bytes_of(const std::vector<T>& values, std::size_t count) {
  return std::as_bytes(std::span(values).first(count));
}

std::size_t widest(const KvCache& cache, std::size_t layers) {
  std::size_t bytes = 0;
  for (std::size_t layer = 0; layer < layers; ++layer) {
    bytes = std::max(bytes, cache.row_bytes(layer));
  }
  return bytes / sizeof(Bf16);
}

bool rows_are_aligned(const KvCache& cache, std::size_t layers) {
  for (std::size_t layer = 0; layer < layers; ++layer) {
    if (cache.row_bytes(layer) % kInPlaceAlignment != 0) return false;
  }
  return true;
}

bool writes_in_place(const StepRunner::Parts& parts, const StepOptions& options) {
  if (options.order == StepOrder::kVendor || options.cell_writes == CellWrites::kCopy) return false;
  return options.cell_writes == CellWrites::kInPlace ||
         rows_are_aligned(parts.cache, parts.engines.layers.size());
}

}  // namespace

StepRunner::StepRunner(const Parts& parts, Commands commands, StepOrder order)
    : parts_(parts), commands_(std::move(commands)), vendor_order_(order == StepOrder::kVendor) {}

Result<std::unique_ptr<StepRunner>> StepRunner::create(const Parts& parts,
                                                       const StepOptions& options) {
  const Submission submission =
      options.order == StepOrder::kVendor ? Submission::kBlocking : options.submission;
  AXLE_TRY_ASSIGN(Commands commands, Commands::create(parts.card, submission));
  std::unique_ptr<StepRunner> runner(new StepRunner(parts, std::move(commands), options.order));
  AXLE_TRY(runner->allocate(widest(parts.cache, parts.engines.layers.size())));
  runner->in_place_ = writes_in_place(parts, options);
  AXLE_TRY(runner->add_bank(parts.cache));
  AXLE_TRY_ASSIGN(
      Head head,
      Head::create(parts.card, parts.engines, {parts.shape.hidden, parts.embeddings.vocab_size()},
                   runner->last_output(),
                   {.wide = options.wide_head, .direct = options.order != StepOrder::kVendor}));
  runner->head_.push_back(std::move(head));
  return runner;
}

std::uint64_t StepRunner::buffer_bytes(const package::LayerShape& shape, std::size_t widest_kv) {
  const BufferSizes sizes = buffer_sizes(shape, widest_kv);
  std::uint64_t bytes = 0;
  for (const std::size_t size :
       {sizes.indices, sizes.mask, sizes.hidden, sizes.hidden, sizes.kv_out, sizes.kv_out}) {
    bytes += (size + kPageBytes - 1) / kPageBytes * kPageBytes;
  }
  return bytes;
}

Status StepRunner::allocate(std::size_t widest_kv) {
  const package::LayerShape& shape = parts_.shape;
  const BufferSizes sizes = buffer_sizes(shape, widest_kv);
  const std::pair<card::DeviceBuffer*, std::size_t> wanted[] = {
      {&buffers_.indices, sizes.indices},  {&buffers_.mask, sizes.mask},
      {&buffers_.hidden[0], sizes.hidden}, {&buffers_.hidden[1], sizes.hidden},
      {&buffers_.k_out, sizes.kv_out},     {&buffers_.v_out, sizes.kv_out}};
  for (const auto& [buffer, bytes] : wanted) {
    AXLE_TRY_ASSIGN(*buffer, card::DeviceBuffer::allocate(parts_.card, bytes));
    // Padding rows compute with whatever is here: it must be finite.
    AXLE_TRY(buffer->fill(0, bytes, std::byte{0}));
  }
  indices_.assign(sizes.indices / sizeof(std::uint32_t), 0);
  mask_.assign(sizes.mask / sizeof(Bf16), kBf16Hidden);
  input_.assign(sizes.hidden / sizeof(Bf16), kBf16Zero);
  return {};
}

Result<card::Binding> StepRunner::bind_group(const KvCache& cache, std::size_t group,
                                             std::size_t layer) {
  const LayerMemory memory{.k_cache = cache.k(layer),
                           .v_cache = cache.v(layer),
                           .indices = buffers_.indices.span(),
                           .input = buffers_.hidden[input_of(layer)].span(),
                           .mask = buffers_.mask.span(),
                           .k_cache_out = buffers_.k_out.span(),
                           .v_cache_out = buffers_.v_out.span(),
                           .output = buffers_.hidden[output_of(layer)].span()};
  const package::Group& shape = parts_.shape.groups[group];
  return bind_layer(parts_.engines.layers[layer], shape.index, memory,
                    {.allow_in_place = in_place_ && shape.decode()});
}

Status StepRunner::add_bank(const KvCache& cache) {
  Bank bank{.cache = &cache, .groups = {}};
  bank.groups.resize(parts_.shape.groups.size());
  for (std::size_t group = 0; group < bank.groups.size(); ++group) {
    for (std::size_t layer = 0; layer < parts_.engines.layers.size(); ++layer) {
      AXLE_TRY_ASSIGN(card::Binding binding, bind_group(cache, group, layer));
      bank.groups[group].layers.push_back(std::move(binding));
    }
  }
  banks_.push_back(std::move(bank));
  return {};
}

Status StepRunner::check(const Plan& plan) const {
  if (plan.group >= parts_.shape.groups.size() || plan.bank >= banks_.size() || plan.rows.empty()) {
    return invalid_argument(fmt::format("a step of {} rows in group {} of {}, bank {} of {}",
                                        plan.rows.size(), plan.group, parts_.shape.groups.size(),
                                        plan.bank, banks_.size()));
  }
  const package::Group& group = parts_.shape.groups[plan.group];
  if (plan.rows.size() > group.rows) {
    return invalid_argument(fmt::format("{} rows in a group of {}", plan.rows.size(), group.rows));
  }
  std::vector<Cell> cells;
  for (const Row& row : plan.rows) {
    if (row.sequence == nullptr || row.sequence->cells_end() > group.history) {
      return invalid_argument(
          fmt::format("a row whose history goes to cell {} in a group that sees {} cells",
                      row.sequence == nullptr ? 0 : row.sequence->cells_end(), group.history));
    }
    if (row.token < 0 || static_cast<std::size_t>(row.token) >= parts_.embeddings.vocab_size() ||
        row.cell >= parts_.shape.cells()) {
      return invalid_argument(fmt::format("token {} of {} for cell {} of {}", row.token,
                                          parts_.embeddings.vocab_size(), row.cell,
                                          parts_.shape.cells()));
    }
    cells.push_back(row.cell);
  }
  std::sort(cells.begin(), cells.end());
  if (std::adjacent_find(cells.begin(), cells.end()) != cells.end()) {
    return invalid_argument("two rows of a step for one cell");
  }
  return {};
}

void StepRunner::stage(const Plan& plan) {
  const package::Group& group = parts_.shape.groups[plan.group];
  const MaskShape shape = mask_shape(group);
  std::vector<MaskRow> mask_rows;
  mask_rows.reserve(plan.rows.size());
  logits_sources_.clear();
  std::fill(indices_.begin(), indices_.end(), 0u);

  for (std::size_t r = 0; r < plan.rows.size(); ++r) {
    const Row& row = plan.rows[r];
    // The first row of the same conversation stands for it.
    const auto first = std::find_if(plan.rows.begin(), plan.rows.end(),
                                    [&](const Row& it) { return it.sequence == row.sequence; });
    mask_rows.push_back(
        {row.sequence->cells(), static_cast<std::size_t>(first - plan.rows.begin())});
    for (std::size_t i = r; i < index_count(parts_.shape, group); i += group.rows) {
      indices_[i] = row.position;
    }
    const auto embedding = parts_.embeddings.row(row.token);
    std::copy(embedding.begin(), embedding.end(),
              input_.begin() + static_cast<std::ptrdiff_t>(r * parts_.shape.hidden));
    if (row.wants_logits) logits_sources_.push_back(r);
  }
  fill_mask(mask_rows, shape, std::span(mask_).first(shape.elements()));
  logits_.resize(logits_sources_.size() * parts_.embeddings.vocab_size());
  handed_over_ = 0;
  scored_ = 0;
}

Status StepRunner::run(const Plan& plan) {
  AXLE_TRY(check(plan));
  if (handed_over_ > scored_) AXLE_TRY(commands_.finish());  // Nobody has asked for the rest.
  stage(plan);
  const Status submitted = submit(plan);
  const Status finished = commands_.finish();
  return submitted.ok() ? finished : submitted;
}

Status StepRunner::submit(const Plan& plan) {
  AXLE_TRY(upload(plan));
  for (std::size_t layer = 0; layer < parts_.engines.layers.size(); ++layer) {
    if (vendor_order_ && layer > 0) {
      AXLE_TRY(pass_on(plan));
      AXLE_TRY(upload_for_layer(plan));
    }
    AXLE_TRY(run_layer(plan, layer));
  }
  return logits_sources_.empty() ? Status() : start_head();
}

Status StepRunner::upload(const Plan& plan) {
  AXLE_TRY(upload_for_layer(plan));
  const auto source = bytes_of(input_, plan.rows.size() * parts_.shape.hidden);
  return commands_.write(buffers_.hidden[0].slice(0, source.size()), source);
}

Status StepRunner::upload_for_layer(const Plan& plan) {
  const package::Group& group = parts_.shape.groups[plan.group];
  const auto put = [&](const card::DeviceBuffer& to, std::span<const std::byte> source) {
    return commands_.write(to.slice(0, source.size()), source);
  };
  AXLE_TRY(put(buffers_.indices, bytes_of(indices_, index_count(parts_.shape, group))));
  return put(buffers_.mask, bytes_of(mask_, mask_shape(group).elements()));
}

// In the vendor's order: what a layer gave becomes what the next one takes.
Status StepRunner::pass_on(const Plan& plan) {
  const package::Group& group = parts_.shape.groups[plan.group];
  const std::size_t bytes = group.rows * parts_.shape.hidden * sizeof(Bf16);
  const card::DeviceSpan from = buffers_.hidden[1].slice(0, bytes);
  const card::DeviceSpan to = buffers_.hidden[0].slice(0, bytes);
  if (group.decode()) return commands_.copy(from, to);
  const std::span<Bf16> host = std::span(input_).first(group.rows * parts_.shape.hidden);
  AXLE_TRY(commands_.read(from, std::as_writable_bytes(host)));
  return commands_.write(to, std::as_bytes(host));
}

Status StepRunner::run_layer(const Plan& plan, std::size_t layer) {
  card::Engine& engine = parts_.engines.layers[layer];
  Bank& bank = banks_[plan.bank];
  card::Binding& binding = bank.groups[plan.group].layers[layer];
  const package::Group& group = parts_.shape.groups[plan.group];
  if (!in_place_ || !group.decode()) {
    AXLE_TRY(commands_.run(engine, binding));
    return place_rows(plan, layer);
  }
  const card::GroupInfo& info = engine.group(group.index);
  const Cell cell = plan.rows.front().cell;
  // bind_layer() has found both.
  AXLE_TRY(
      binding.bind_output(*info.find_output("K_cache_out"), bank.cache->k_rows(layer, cell, 1)));
  AXLE_TRY(
      binding.bind_output(*info.find_output("V_cache_out"), bank.cache->v_rows(layer, cell, 1)));
  return commands_.run(engine, binding);
}

Status StepRunner::place_rows(const Plan& plan, std::size_t layer) {
  const KvCache& cache = *banks_[plan.bank].cache;
  const std::size_t row_bytes = cache.row_bytes(layer);
  for (std::size_t first = 0; first < plan.rows.size();) {
    const Cell cell = plan.rows[first].cell;
    std::size_t count = 1;  // Rows that go to neighbouring cells are one copy.
    while (first + count < plan.rows.size() && plan.rows[first + count].cell == cell + count) {
      ++count;
    }
    const std::size_t offset = first * row_bytes;
    const std::size_t bytes = count * row_bytes;
    AXLE_TRY(commands_.copy(buffers_.k_out.slice(offset, bytes), cache.k_rows(layer, cell, count)));
    AXLE_TRY(commands_.copy(buffers_.v_out.slice(offset, bytes), cache.v_rows(layer, cell, count)));
    first += count;
  }
  return {};
}

std::span<Bf16> StepRunner::logits_at(std::size_t source, std::size_t count) {
  const std::size_t vocab = parts_.embeddings.vocab_size();
  return std::span(logits_).subspan(source * vocab, count * vocab);
}

// Hands over the head for the next rows that want logits. REQUIRES: there is one.
Status StepRunner::start_head() {
  const std::size_t count = head_.front().rows_at_once(logits_sources_.size() - handed_over_);
  const auto rows = std::span(logits_sources_).subspan(handed_over_, count);
  const auto target = logits_at(handed_over_, count);
  handed_over_ += count;
  return head_.front().run(commands_, last_output(), rows, target);
}

// Waits for what was handed over; where calls are queued, the card then goes on with the next rows
// while the caller works with these.
Status StepRunner::finish_head() {
  AXLE_TRY(commands_.finish());
  scored_ = handed_over_;
  const bool more = handed_over_ < logits_sources_.size();
  return more && commands_.queued() ? start_head() : Status();
}

// Has the first `count` rows that want logits done.
Status StepRunner::finish_rows(std::size_t count) {
  while (scored_ < count) {
    if (handed_over_ == scored_) AXLE_TRY(start_head());
    AXLE_TRY(finish_head());
  }
  return {};
}

// Runs the head on a row that did not want logits, to be number `source` of those that do.
Status StepRunner::score(std::size_t row, std::size_t source) {
  AXLE_TRY(finish_rows(source));
  AXLE_TRY(commands_.finish());  // Nothing may be under way: logits will move.
  scored_ = handed_over_;
  const std::size_t vocab = parts_.embeddings.vocab_size();
  logits_.insert(logits_.begin() + static_cast<std::ptrdiff_t>(source * vocab), vocab, kBf16Zero);
  logits_sources_.insert(logits_sources_.begin() + static_cast<std::ptrdiff_t>(source), row);
  const Status submitted =
      head_.front().run(commands_, last_output(), {&row, 1}, logits_at(source, 1));
  ++handed_over_;
  const Status finished = finish_head();
  return submitted.ok() ? finished : submitted;
}

Result<std::span<const Bf16>> StepRunner::logits(std::size_t row) {
  const auto place = std::ranges::lower_bound(logits_sources_, row);
  const auto source = static_cast<std::size_t>(place - logits_sources_.begin());
  const bool wanted = place != logits_sources_.end() && *place == row;
  AXLE_TRY(wanted ? finish_rows(source + 1) : score(row, source));
  return std::span<const Bf16>(logits_at(source, 1));
}

std::uint64_t StepRunner::memory_bytes() const {
  std::uint64_t bytes = head_.front().memory_bytes();
  for (const card::DeviceBuffer* buffer : {&buffers_.indices, &buffers_.mask, &buffers_.hidden[0],
                                           &buffers_.hidden[1], &buffers_.k_out, &buffers_.v_out}) {
    bytes += buffer->size_bytes();
  }
  return bytes;
}

}  // namespace axle::llm
