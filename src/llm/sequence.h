#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "jobs/sampling.h"
#include "llm/cells.h"

namespace axle::llm {

using jobs::TokenId;

// How many tokens two texts have in common from the first on.
std::size_t common_length(std::span<const TokenId> left, std::span<const TokenId> right);

// One conversation's computed tokens in order: which token, at which RoPE position, and in which
// cell its K and V rows lie. Cells are in no order and need not be neighbours. A token is in here
// only when the step that wrote its rows has succeeded.
//
// Plain data: holds numbers, owns no cell (Cells counts the owners).
// Threading: not synchronised.
class Sequence {
 public:
  void append(TokenId token, std::uint32_t position, Cell cell);
  // Forgets everything; the caller has released the cells.
  void clear();
  // What was in cell c is in cell `by_cell[c]` now. `by_cell`: [T].
  void renumber(std::span<const Cell> by_cell);

  std::size_t size() const { return tokens_.size(); }
  bool empty() const { return tokens_.empty(); }
  std::span<const TokenId> tokens() const { return tokens_; }
  std::span<const std::uint32_t> positions() const { return positions_; }
  std::span<const Cell> cells() const { return cells_; }

  // The position after the last one; 0 for an empty sequence.
  std::uint32_t next_position() const { return positions_.empty() ? 0 : positions_.back() + 1; }
  // One more than the highest cell used: the history P that a prefill group must have. 0 if empty.
  std::size_t cells_end() const { return cells_end_; }

 private:
  std::vector<TokenId> tokens_;
  std::vector<std::uint32_t> positions_;
  std::vector<Cell> cells_;
  std::size_t cells_end_ = 0;
};

}  // namespace axle::llm
