#pragma once

#include <cstddef>
#include <span>

#include "base/bf16.h"
#include "llm/cells.h"

// The additive attention mask of a layer engine: 0 where a row may look, -65536 where not. Source:
// AXERA-TECH/ax-llm, the masks that its runners build for the same engines.
namespace axle::llm {

// Shape of one group of a layer engine: `rows` (n) rows that see `history` (P) cells. The decode
// group is the one with n = 1 and P = T.
struct MaskShape {
  std::size_t rows = 0;
  std::size_t history = 0;
  // The history cells, then the rows of the step itself.
  std::size_t columns() const { return history + rows; }
  std::size_t elements() const { return rows * columns(); }
};

// What one row may see.
struct MaskRow {
  std::span<const Cell> history;  // Cells of its conversation, each < P, in any order.
  std::size_t conversation = 0;   // Rows with the same number see the earlier ones among them.
};

// Row r sees its history, the earlier rows of its conversation and itself; rows beyond
// `rows.size()` are padding and see nothing.
// `mask`: [n, P + n] bf16, row-major. REQUIRES: rows.size() <= n and every cell < P.
void fill_mask(std::span<const MaskRow> rows, MaskShape shape, std::span<Bf16> mask);

}  // namespace axle::llm
