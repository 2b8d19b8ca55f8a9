#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <vector>

#include "llm/commands.h"
#include "llm/row_mover.h"

namespace axle::llm {

class Model;

// Carries the K and V rows of a Model on its card; neighbours go in one copy.
//
// Threading: the engine thread of the card.
// Lifetime: the Model must outlive it.
class ModelRows : public RowMover {
 public:
  explicit ModelRows(Model& model) : model_(model) {}

  std::size_t row_bytes() const override;
  Status copy(Place from, Place to) override;
  Status save(Place from, std::span<std::byte> rows) override;
  Status load(std::span<const std::byte> rows, std::size_t first, Place to) override;
  Result<bool> add_bank() override;
  void drop_bank() override;

 private:
  Model& model_;
  std::size_t banks_ = 1;  // In use; the model may have more of an earlier user.
};

}  // namespace axle::llm
