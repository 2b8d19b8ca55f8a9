#pragma once

#include <cstddef>
#include <cstdint>
#include <list>
#include <span>
#include <vector>

#include "jobs/sampling.h"

namespace axle::llm {

using jobs::TokenId;

// K and V rows of texts that had to leave the card, in the host's memory; the least recently used
// go when there is no room.
//
// Threading: not synchronised.
class HostTexts {
 public:
  // A text that is kept. Rows of token i: as RowMover::save() gives them.
  struct Text {
    std::vector<TokenId> tokens;
    std::vector<std::byte> rows;
  };

  // `row_bytes`: K and V of one token in all layers. `capacity_bytes`: of all rows; 0 keeps none.
  HostTexts(std::size_t row_bytes, std::uint64_t capacity_bytes);

  // Is it worth keeping: does it fit, and is it not the beginning of a kept text?
  bool wants(std::span<const TokenId> tokens) const;
  // Keeps a text; those that it extends go. REQUIRES: wants(tokens), rows of all tokens.
  void keep(std::span<const TokenId> tokens, std::vector<std::byte> rows);

  struct Match {
    const Text* text = nullptr;  // Valid until the next keep(); null: nothing in common.
    std::size_t length = 0;      // Tokens in common.
  };
  // The text that begins alike for longest.
  Match find(std::span<const TokenId> tokens) const;
  // The same, and it counts as used.
  Match use(std::span<const TokenId> tokens);

  std::uint64_t bytes() const { return bytes_; }

 private:
  void drop(std::list<Text>::iterator text);

  std::size_t row_bytes_;
  std::uint64_t capacity_;
  std::uint64_t bytes_ = 0;
  std::list<Text> texts_;  // The least recently used one first.
};

}  // namespace axle::llm
