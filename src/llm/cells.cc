#include "llm/cells.h"

#include <algorithm>
#include <utility>

#include "base/check.h"

namespace axle::llm {

Cells::Cells(std::size_t count) : references_(count, 0), free_count_(count) {}

std::optional<Cell> Cells::lowest_free() const {
  for (std::size_t cell = search_from_; cell < references_.size(); ++cell) {
    if (references_[cell] == 0) return static_cast<Cell>(cell);
  }
  return std::nullopt;
}

std::size_t Cells::end_of_lowest(std::size_t count) const {
  AXLE_CHECK(count <= free_count_);
  std::size_t cell = search_from_;
  for (std::size_t found = 0; found < count; ++cell) {
    if (references_[cell] == 0) ++found;
  }
  return cell;
}

std::size_t Cells::free_below(std::size_t limit) const {
  const std::size_t end = std::min(limit, references_.size());
  if (search_from_ >= end) return 0;
  const auto at = [this](std::size_t cell) {
    return references_.begin() + static_cast<std::ptrdiff_t>(cell);
  };
  return static_cast<std::size_t>(std::count(at(search_from_), at(end), 0u));
}

std::optional<Cell> Cells::find_run(std::size_t count, std::size_t from, std::size_t limit) const {
  std::size_t length = 0;
  for (std::size_t cell = std::max(search_from_, from); cell < std::min(limit, references_.size());
       ++cell) {
    length = references_[cell] == 0 ? length + 1 : 0;
    if (length == count) return static_cast<Cell>(cell + 1 - count);
  }
  return std::nullopt;
}

void Cells::hold(Cell cell) {
  references_[cell] = 1;
  --free_count_;
  if (cell == search_from_) ++search_from_;
}

std::optional<Cell> Cells::take() {
  const std::optional<Cell> cell = lowest_free();
  if (!cell) {
    search_from_ = references_.size();
    return std::nullopt;
  }
  search_from_ = *cell;
  hold(*cell);
  return cell;
}

std::vector<Cell> Cells::take(std::size_t count, std::size_t limit, std::size_t from) {
  AXLE_CHECK(count <= free_count_);
  std::vector<Cell> taken;
  taken.reserve(count);
  if (const std::optional<Cell> run = find_run(count, from, limit); run && count > 0) {
    for (std::size_t i = 0; i < count; ++i) {
      taken.push_back(*run + static_cast<Cell>(i));
      hold(taken.back());
    }
  }
  while (taken.size() < count) taken.push_back(*take());
  return taken;
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

void Cells::move(CellMove move) {
  AXLE_CHECK(references(move.from) > 0 && move.to < count() && references(move.to) == 0);
  std::swap(references_[move.from], references_[move.to]);
  if (move.to == search_from_) ++search_from_;
  search_from_ = std::min(search_from_, std::size_t{move.from});
}

std::uint32_t Cells::references(Cell cell) const {
  return cell < references_.size() ? references_[cell] : 0;
}

}  // namespace axle::llm
