#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

namespace axle::llm {

// The number of one K/V cell of a bank: a place for one token's K and V rows in every layer.
using Cell = std::uint32_t;

// What a cell holds goes to another one.
struct CellMove {
  Cell from = 0;
  Cell to = 0;
  friend bool operator==(const CellMove&, const CellMove&) = default;
};

// Who holds which of the T cells of a bank. A cell is free, or held by one or more owners: several
// conversations with the same beginning share its cells and each counts as an owner.
//
// Low cells are given first, because a prefill group sees only the cells below its P.
//
// Threading: not synchronised.
class Cells {
 public:
  // `count`: T, the cells of the bank; all free.
  explicit Cells(std::size_t count);

  // Gives the lowest free cell to one owner; nothing when all are held.
  std::optional<Cell> take();
  // Gives `count` cells to one owner, rising: neighbours where so many are free side by side from
  // `from` on and below `limit`, since rows that go to neighbours are one copy; else the lowest
  // ones. REQUIRES: count <= free_count().
  std::vector<Cell> take(std::size_t count, std::size_t limit, std::size_t from = 0);
  // Adds an owner to a held cell. REQUIRES: references(cell) > 0.
  void share(Cell cell);
  // Takes one owner off; the cell is free when it was the last. REQUIRES: references(cell) > 0.
  void release(Cell cell);
  // The owners of `move.from` hold `move.to` instead. REQUIRES: references(from) > 0, to is free.
  void move(CellMove move);

  // Owners of `cell`; 0 when it is free or no cell of this bank.
  std::uint32_t references(Cell cell) const;
  // What take() would give.
  std::optional<Cell> lowest_free() const;
  // One more than the highest of the `count` lowest free cells. REQUIRES: count <= free_count().
  std::size_t end_of_lowest(std::size_t count) const;
  std::size_t free_count() const { return free_count_; }
  std::size_t free_below(std::size_t limit) const;
  std::size_t count() const { return references_.size(); }

 private:
  void hold(Cell cell);
  std::optional<Cell> find_run(std::size_t count, std::size_t from, std::size_t limit) const;

  std::vector<std::uint32_t> references_;  // [T]
  std::size_t free_count_;
  std::size_t search_from_ = 0;  // No cell below this one is free.
};

}  // namespace axle::llm
