#pragma once

#include <cstddef>
#include <span>

#include "base/result.h"
#include "llm/cells.h"

namespace axle::llm {

// The cells of one bank where the K and V rows of some tokens lie, in the order of the tokens.
struct Place {
  std::size_t bank = 0;
  std::span<const Cell> cells;
};

// Carries K and V rows of a model, all layers at once, and exactly.
class RowMover {
 public:
  virtual ~RowMover() = default;

  // Bytes of one token: its K and V rows in all layers.
  virtual std::size_t row_bytes() const = 0;

  // From cells to other cells. Where both are in one bank, no cell is in both places.
  // Errors: kCardLost, kUnavailable  the card failed.
  virtual Status copy(Place from, Place to) = 0;
  // From the card to the host. `rows`: [layers][K, V][cells] rows. Errors: as copy().
  virtual Status save(Place from, std::span<std::byte> rows) = 0;
  // From the host to the card: of the tokens in `rows`, as save() gave them, those from `first` on,
  // as many as there are cells in `to`. Errors: as copy().
  virtual Status load(std::span<const std::byte> rows, std::size_t first, Place to) = 0;

  // A further bank of cells; its number is that of those there were. False: no room on the card.
  // Errors: kCardLost, kUnavailable.
  virtual Result<bool> add_bank() = 0;
  // Gives the card memory of the last bank back. REQUIRES: there are two.
  virtual void drop_bank() = 0;
};

}  // namespace axle::llm
