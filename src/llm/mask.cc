#include "llm/mask.h"

#include <algorithm>

#include "base/check.h"

namespace axle::llm {
namespace {

void show_history(std::span<const Cell> history, std::span<Bf16> columns) {
  for (const Cell cell : history) {
    AXLE_CHECK(cell < columns.size());
    columns[cell] = kBf16Zero;
  }
}

bool same_history(const MaskRow& left, const MaskRow& right) {
  return left.history.data() == right.history.data() && left.history.size() == right.history.size();
}

}  // namespace

void fill_mask(std::span<const MaskRow> rows, MaskShape shape, std::span<Bf16> mask) {
  AXLE_CHECK(rows.size() <= shape.rows);
  AXLE_CHECK(mask.size() == shape.elements());
  std::fill(mask.begin(), mask.end(), kBf16Hidden);
  for (std::size_t row = 0; row < rows.size(); ++row) {
    const std::span<Bf16> columns = mask.subspan(row * shape.columns(), shape.columns());
    const std::span<Bf16> history = columns.first(shape.history);
    if (row > 0 && same_history(rows[row], rows[row - 1])) {
      // Rows of one prompt share their history: a copy of the row above is much cheaper.
      const auto above = mask.subspan((row - 1) * shape.columns(), shape.history);
      std::copy(above.begin(), above.end(), history.begin());
    } else {
      show_history(rows[row].history, history);
    }
    const std::span<Bf16> step = columns.subspan(shape.history);
    for (std::size_t earlier = 0; earlier <= row; ++earlier) {
      if (rows[earlier].conversation == rows[row].conversation) step[earlier] = kBf16Zero;
    }
  }
}

}  // namespace axle::llm
