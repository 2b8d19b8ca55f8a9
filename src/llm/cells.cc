#include "llm/cells.h"

#include "base/check.h"

namespace axle::llm {

Cells::Cells(std::size_t count) : references_(count, 0), free_count_(count) {}

std::optional<Cell> Cells::lowest_free() const {
  for (std::size_t cell = search_from_; cell < references_.size(); ++cell) {
    if (references_[cell] == 0) return static_cast<Cell>(cell);
  }
  return std::nullopt;
}

std::optional<Cell> Cells::take() {
  const std::optional<Cell> cell = lowest_free();
  if (!cell) {
    search_from_ = references_.size();
    return std::nullopt;
  }
  references_[*cell] = 1;
  --free_count_;
  search_from_ = std::size_t{*cell} + 1;
  return cell;
}

void Cells::share(Cell cell) {
  AXLE_CHECK(references(cell) > 0);
  ++references_[cell];
}

void Cells::release(Cell cell) {
  AXLE_CHECK(references(cell) > 0);
  if (--references_[cell] > 0) return;
  ++free_count_;
  if (cell < search_from_) search_from_ = cell;
}

std::uint32_t Cells::references(Cell cell) const {
  return cell < references_.size() ? references_[cell] : 0;
}

}  // namespace axle::llm
