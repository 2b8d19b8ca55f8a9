#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

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

  // Cells of the longest kept beginning of `tokens`, in order; their number is its length. The
  // caller becomes an owner of each.
  std::vector<Cell> acquire(std::span<const TokenId> tokens);

  // Keeps what `sequence` has computed; its cells get one more owner. Entries that it extends are
  // replaced by it.
  void keep(const Sequence& sequence);

  // Gives up cells until one becomes free that is below `limit`. False when there is none to gain.
  bool evict(std::size_t limit);

  // Cells that nobody else holds.
  std::size_t evictable() const;

 private:
  struct Entry {
    std::vector<TokenId> tokens;
    std::vector<Cell> cells;
    std::uint64_t used = 0;  // Larger: more recently.
  };

  bool only_here(Cell cell) const;
  bool can_gain(const Entry& entry, std::size_t limit) const;
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
