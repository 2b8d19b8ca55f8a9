#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "base/status.h"
#include "llm/cells.h"
#include "llm/sequence.h"

namespace axle::llm {

// Remembers the computed tokens of earlier conversations and keeps their cells, so that a request
// which begins alike need not compute them again. It is one owner of each cell per entry; what it
// alone owns is as good as free, and is given up from the end of the least recently used entry.
//
// Only texts whose positions count from 0 without gaps are kept: a cell is right for another
// conversation only when the whole token prefix is the same.
//
// Threading: not synchronised.
// Lifetime: the Cells must outlive it.
class PrefixCache {
 public:
  // Keeps at most `max_entries` texts. `cells`: not owned.
  PrefixCache(Cells& cells, std::size_t max_entries);
  ~PrefixCache();
  PrefixCache(const PrefixCache&) = delete;
  PrefixCache& operator=(const PrefixCache&) = delete;

  // Length of the longest kept beginning of `tokens`.
  std::size_t match(std::span<const TokenId> tokens) const;
  // Cells of the longest kept beginning of `tokens`, in order; their number is its length. The
  // caller becomes an owner of each.
  std::vector<Cell> acquire(std::span<const TokenId> tokens);

  // Keeps what `sequence` has computed; its cells get one more owner. Entries that it extends are
  // replaced by it.
  void keep(const Sequence& sequence);

  // Told of a text before it loses its first cell: the last chance to save its rows.
  using Farewell = std::function<Status(std::span<const TokenId>, std::span<const Cell>)>;
  // Gives up cells until `count` are free, or none is left to gain.
  // Errors: as `farewell`, which may be empty.
  Status make_free(std::size_t count, const Farewell& farewell);

  // Cells that nobody else holds.
  std::size_t evictable() const;
  // Those of them below `limit`; of the least recently used text first.
  std::vector<Cell> idle_cells(std::size_t limit) const;
  // What was in cell c is in cell `by_cell[c]` now; the Cells know already. `by_cell`: [T].
  void renumber(std::span<const Cell> by_cell);

 private:
  struct Entry {
    std::vector<TokenId> tokens;
    std::vector<Cell> cells;
    std::uint64_t used = 0;  // Larger: more recently.
    bool told = false;       // Was its farewell said?
  };

  bool only_here(Cell cell) const;
  Entry* oldest_to_gain_from();
  void drop(std::size_t index);
  void drop_last_cell(Entry& entry);
  std::size_t least_recent() const;

  Cells& cells_;
  std::size_t max_entries_;
  std::vector<Entry> entries_;
  std::vector<std::uint32_t> held_;  // [T] entries that hold the cell.
  std::uint64_t clock_ = 0;
};

}  // namespace axle::llm
