#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/result.h"
#include "card/device_buffer.h"
#include "llm/cells.h"

namespace axle::card {
class Card;
}

namespace axle::llm {

// One bank of a model's K/V memory on the card: per layer one K and one V buffer of [rows, kv]
// bf16, row c being cell c. Every group of a layer reads the same buffers, because each sees the
// first P cells.
//
// All zero at first: a hidden cell must hold finite numbers, since 0 * NaN is NaN.
//
// Threading: as card::DeviceBuffer.
class KvCache {
 public:
  // `rows`: cells, or more where a group wants more rows. `widths`: kv of each layer, in elements.
  // Errors: kExhausted  no room on the card. kCardLost.
  static Result<KvCache> allocate(card::Card& card, std::size_t rows,
                                  std::span<const std::size_t> widths);

  card::DeviceSpan k(std::size_t layer) const { return layers_[layer].k.span(); }
  card::DeviceSpan v(std::size_t layer) const { return layers_[layer].v.span(); }
  // `count` rows from `first` on. REQUIRES: first + count <= rows.
  card::DeviceSpan k_rows(std::size_t layer, Cell first, std::size_t count) const;
  card::DeviceSpan v_rows(std::size_t layer, Cell first, std::size_t count) const;
  std::size_t layers() const { return layers_.size(); }
  // Bytes of one row of K (and of V).
  std::size_t row_bytes(std::size_t layer) const { return layers_[layer].row_bytes; }

  std::uint64_t memory_bytes() const;

 private:
  struct Layer {
    card::DeviceBuffer k;
    card::DeviceBuffer v;
    std::size_t row_bytes = 0;
  };
  std::vector<Layer> layers_;
};

}  // namespace axle::llm
