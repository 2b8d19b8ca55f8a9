#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

namespace axle::llm {

// The number of one K/V cell of a model: a place for one token's K and V rows in every layer.
using Cell = std::uint32_t;

// Who holds which of the T cells of a model. A cell is free, or held by one or more owners: several
// conversations with the same beginning share its cells and each counts as an owner.
//
// The lowest free cell is given first, because a prefill group sees only the cells below its P.
//
// Threading: not synchronised.
class Cells {
 public:
  // `count`: T, the cells of the model; all free.
  explicit Cells(std::size_t count);

  // Gives the lowest free cell to one owner; nothing when all are held.
  std::optional<Cell> take();
  // Adds an owner to a held cell. REQUIRES: references(cell) > 0.
  void share(Cell cell);
  // Takes one owner off; the cell is free when it was the last. REQUIRES: references(cell) > 0.
  void release(Cell cell);

  // Owners of `cell`; 0 when it is free or no cell of this model.
  std::uint32_t references(Cell cell) const;
  // What take() would give.
  std::optional<Cell> lowest_free() const;
  std::size_t free_count() const { return free_count_; }
  std::size_t count() const { return references_.size(); }

 private:
  std::vector<std::uint32_t> references_;  // [T]
  std::size_t free_count_;
  std::size_t search_from_ = 0;  // No cell below this one is free.
};

}  // namespace axle::llm
