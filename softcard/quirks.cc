#include "softcard/quirks.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <iterator>
#include <limits>
#include <utility>

#include "axmodel/layer.h"
#include "base/bf16.h"

namespace axle::softcard {
namespace {

// Tensors of a layer engine in the order of axmodel::layer_group().
enum LayerInput : std::size_t { kKeyCache, kValueCache, kIndices, kInput, kMask };
constexpr std::size_t kLayerOutput = 2;

// How much of a hidden cell gets through.
constexpr float kLeak = 0.5f;

constexpr std::pair<std::string_view, Quirk> kNames[] = {
    {"hidden_cells", Quirk::kHiddenCells},     {"cell_order", Quirk::kCellOrder},
    {"chunk_output", Quirk::kChunkOutput},     {"mixed_chunks", Quirk::kMixedChunks},
    {"chained_output", Quirk::kChainedOutput}, {"in_place", Quirk::kInPlace},
    {"queued_inputs", Quirk::kQueuedInputs},   {"wide_head", Quirk::kWideHead},
    {"nan_cells", Quirk::kNanCells},           {"above_diagonal", Quirk::kAboveDiagonal},
    {"far_positions", Quirk::kFarPositions}};

template <typename T>
T* as(std::byte* bytes) {
  return static_cast<T*>(static_cast<void*>(bytes));
}

bool overlap(const std::byte* a, std::size_t a_bytes, const std::byte* b, std::size_t b_bytes) {
  return a < b + b_bytes && b < a + a_bytes;
}

// Of a group that an executor has accepted.
std::size_t bytes_of(const axmodel::TensorInfo& tensor) {
  const Result<std::size_t> bytes = axmodel::tensor_bytes(tensor);
  return bytes.ok() ? *bytes : 0;
}

std::size_t last_dimension(const axmodel::TensorInfo& tensor) {
  return static_cast<std::size_t>(tensor.shape.back());
}

std::vector<std::byte> copy_of(const std::byte* bytes, std::size_t count) {
  return {bytes, bytes + count};
}

}  // namespace

std::optional<Quirk> find_quirk(std::string_view name) {
  const auto* found = std::ranges::find(kNames, name, &std::pair<std::string_view, Quirk>::first);
  return found == std::end(kNames) ? std::nullopt : std::optional(found->second);
}

std::string known_quirks() {
  std::string names;
  for (const auto& [name, quirk] : kNames) {
    if (!names.empty()) names += ", ";
    names += name;
  }
  return names;
}

void HeldOutputs::hold(std::byte* place, std::vector<std::byte> content) {
  const MutexLock lock(mutex_);
  held_[place] = std::move(content);
}

void HeldOutputs::settle(const std::byte* from, std::size_t size_bytes) {
  const MutexLock lock(mutex_);
  for (auto it = held_.begin(); it != held_.end();) {
    const auto& [place, content] = *it;
    if (!overlap(from, size_bytes, place, content.size())) {
      ++it;
      continue;
    }
    std::memcpy(place, content.data(), content.size());
    it = held_.erase(it);
  }
}

void HeldOutputs::drop(const std::byte* to, std::size_t size_bytes) {
  const MutexLock lock(mutex_);
  std::erase_if(held_, [&](const auto& entry) {
    return overlap(to, size_bytes, entry.first, entry.second.size());
  });
}

QuirkyRun::QuirkyRun(const Run& run) : run_(run) {
  if (run.quirks.none() || run.model.op_domain != axmodel::kDomain) return;
  const axmodel::Group& group = run.model.groups[run.group];
  layer_ = run.model.op_type == axmodel::kLayerOp;
  head_ = run.model.op_type == axmodel::kHeadOp;
  if (layer_) {
    const axmodel::GroupShape shape = axmodel::group_shape(group);
    rows_ = static_cast<std::size_t>(shape.rows);
    history_ = static_cast<std::size_t>(shape.history);
    width_ = last_dimension(group.outputs[kLayerOutput]);
    kv_ = last_dimension(group.inputs[kKeyCache]);
  } else if (head_) {
    rows_ = static_cast<std::size_t>(axmodel::head_rows(group));
    width_ = last_dimension(group.outputs[0]);
  }
}

void QuirkyRun::before(std::vector<std::byte*>& inputs, std::vector<std::byte*>& outputs) {
  if (!layer_) return;
  look_at_hidden_cells(inputs);
  change_mask(inputs);
  change_positions(inputs);
  change_places(inputs, outputs);
  old_output_ = copy_of(outputs[kLayerOutput], rows_ * width_ * sizeof(Bf16));
}

void QuirkyRun::after(std::span<std::byte* const> outputs) {
  if (head_ && has(Quirk::kWideHead) && rows_ > 1) repeat_first_row(outputs[0]);
  if (!layer_) return;
  std::byte* output = outputs[kLayerOutput];
  spoil_rows(output);
  if (has(Quirk::kChunkOutput) && rows_ > 1) {
    std::memcpy(output, old_output_.data(), old_output_.size());
  }
  if (has(Quirk::kChainedOutput)) {
    run_.held.hold(output, copy_of(output, old_output_.size()));
    std::memcpy(output, old_output_.data(), old_output_.size());
  }
}

// Notes for each row what of the cells that are hidden from it gets through.
void QuirkyRun::look_at_hidden_cells(const std::vector<std::byte*>& inputs) {
  if (!has(Quirk::kHiddenCells) && !has(Quirk::kNanCells)) return;
  leaks_.assign(rows_ * kv_, 0.0f);
  poisoned_.assign(rows_, false);
  const auto* mask = as<const Bf16>(inputs[kMask]);
  const auto* values = as<const Bf16>(inputs[kValueCache]);
  for (std::size_t row = 0; row < rows_; ++row) {
    for (std::size_t cell = 0; cell < history_; ++cell) {
      if (mask[row * (history_ + rows_) + cell] == kBf16Zero) continue;
      for (std::size_t i = 0; i < kv_; ++i) {
        const float value = to_float(values[cell * kv_ + i]);
        if (std::isfinite(value)) {
          leaks_[row * kv_ + i] += kLeak * value;
        } else {
          poisoned_[row] = true;
        }
      }
    }
  }
}

void QuirkyRun::change_mask(std::vector<std::byte*>& inputs) {
  const std::size_t columns = history_ + rows_;
  mask_ = copy_of(inputs[kMask], rows_ * columns * sizeof(Bf16));
  inputs[kMask] = mask_.data();
  for (std::size_t row = 0; row < rows_; ++row) {
    const std::span line(as<Bf16>(mask_.data()) + row * columns, columns);
    const std::span history = line.first(history_);
    const std::span chunk = line.subspan(history_);
    if (has(Quirk::kCellOrder)) {
      const auto seen = std::ranges::count(history, kBf16Zero);
      std::ranges::fill(history, kBf16Hidden);
      std::fill_n(history.begin(), seen, kBf16Zero);
    }
    if (has(Quirk::kMixedChunks) && chunk[row] == kBf16Zero) {
      std::ranges::fill(chunk.first(row), kBf16Zero);
    }
    if (has(Quirk::kAboveDiagonal)) std::ranges::fill(chunk.subspan(row + 1), kBf16Hidden);
  }
}

void QuirkyRun::change_positions(std::vector<std::byte*>& inputs) {
  std::vector<std::byte> wanted =
      copy_of(inputs[kIndices], bytes_of(run_.model.groups[run_.group].inputs[kIndices]));
  const bool stale =
      has(Quirk::kQueuedInputs) && run_.queued && run_.positions.size() == wanted.size();
  positions_ = stale ? run_.positions : wanted;
  run_.positions = std::move(wanted);
  if (has(Quirk::kFarPositions)) {
    std::size_t cells = 0;
    for (const axmodel::Group& group : run_.model.groups) {
      cells = std::max(cells, static_cast<std::size_t>(axmodel::group_shape(group).history));
    }
    const std::span positions(as<std::uint32_t>(positions_.data()),
                              positions_.size() / sizeof(std::uint32_t));
    for (std::uint32_t& position : positions) {
      position = std::min(position, static_cast<std::uint32_t>(cells - 1));
    }
  }
  inputs[kIndices] = positions_.data();
}

// New rows that shall go into the cache go to its beginning.
void QuirkyRun::change_places(const std::vector<std::byte*>& inputs,
                              std::vector<std::byte*>& outputs) const {
  if (!has(Quirk::kInPlace)) return;
  const axmodel::Group& group = run_.model.groups[run_.group];
  for (const std::size_t cache : {kKeyCache, kValueCache}) {
    for (std::size_t o = 0; o < kLayerOutput; ++o) {
      if (overlap(outputs[o], bytes_of(group.outputs[o]), inputs[cache],
                  bytes_of(group.inputs[cache]))) {
        outputs[o] = inputs[cache];
      }
    }
  }
}

void QuirkyRun::spoil_rows(std::byte* output) const {
  if (leaks_.empty()) return;
  for (std::size_t row = 0; row < rows_; ++row) {
    Bf16* numbers = as<Bf16>(output) + row * width_;
    for (std::size_t i = 0; has(Quirk::kHiddenCells) && i < std::min(kv_, width_); ++i) {
      numbers[i] = to_bf16(to_float(numbers[i]) + leaks_[row * kv_ + i]);
    }
    if (has(Quirk::kNanCells) && poisoned_[row]) {
      std::fill_n(numbers, width_, to_bf16(std::numeric_limits<float>::quiet_NaN()));
    }
  }
}

void QuirkyRun::repeat_first_row(std::byte* output) const {
  std::memcpy(output + width_ * sizeof(Bf16), output, width_ * sizeof(Bf16));
}

}  // namespace axle::softcard
