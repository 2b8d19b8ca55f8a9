#include "llm/sequence.h"

#include <algorithm>

namespace axle::llm {

std::size_t common_length(std::span<const TokenId> left, std::span<const TokenId> right) {
  return static_cast<std::size_t>(std::ranges::mismatch(left, right).in1 - left.begin());
}

void Sequence::append(TokenId token, std::uint32_t position, Cell cell) {
  tokens_.push_back(token);
  positions_.push_back(position);
  cells_.push_back(cell);
  cells_end_ = std::max(cells_end_, std::size_t{cell} + 1);
}

void Sequence::clear() {
  tokens_.clear();
  positions_.clear();
  cells_.clear();
  cells_end_ = 0;
}

void Sequence::renumber(std::span<const Cell> by_cell) {
  cells_end_ = 0;
  for (Cell& cell : cells_) {
    cell = by_cell[cell];
    cells_end_ = std::max(cells_end_, std::size_t{cell} + 1);
  }
}

}  // namespace axle::llm
