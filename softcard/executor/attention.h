#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/bf16.h"

// Attention over bf16 cells that stay where they are.
//
// The result of a row depends on its query and on the *set* of cells it sees, bit for bit: not on
// where the cells lie, nor on the rows beside it, nor on how the work is cut. Scores are one fixed
// sum each; the largest is the same in any order; weights are multiples of 2^-23 and values are
// rounded to multiples of 2^-17, so that their products and sums are exact in double precision
// (while the sum of weight x |value| stays below 2^13; beyond, a sum is rounded to 53 bits before
// it becomes 24).
namespace axle::softcard {

// Neighbouring query rows that are worked on together.
struct RowTile {
  std::size_t first = 0;
  std::size_t count = 0;
  friend bool operator==(const RowTile&, const RowTile&) = default;
};

// What a call works on. `history` cells, then the `rows` rows of the chunk itself.
struct AttentionInput {
  const Bf16* history_keys = nullptr;    // [history, kv_heads, head_dim]
  const Bf16* history_values = nullptr;  // As history_keys.
  const Bf16* new_keys = nullptr;        // [rows, kv_heads, head_dim]
  const Bf16* new_values = nullptr;      // As new_keys.
  const Bf16* mask = nullptr;            // [rows, history + rows], added to the scores.
  const float* queries = nullptr;        // [rows, query_stride]: heads x head_dim, scaled by
                                         // log2(e) / sqrt(head_dim).
  float* output = nullptr;               // [rows, heads, head_dim]; 0 for a row that sees nothing.
  std::size_t history = 0;
  std::size_t rows = 0;
  std::size_t query_stride = 0;
  std::span<const RowTile> tiles = {};  // What Attention::cut() made of the mask.

  std::size_t columns() const { return history + rows; }
};

// One more than the last row of `mask` [rows, columns] that sees anything: the rows beyond it are
// padding, and nobody looks at what becomes of them.
std::size_t rows_in_use(const Bf16* mask, std::size_t rows, std::size_t columns);

// The way to cut one layer's attention into pieces that threads can take in any order.
//
// Threading: immutable; run() may run on several threads with a scratch each.
class Attention {
 public:
  struct Shape {
    std::size_t heads = 0;
    std::size_t kv_heads = 0;
    std::size_t head_dim = 0;
  };
  explicit Attention(const Shape& shape);

  // Bytes that one thread needs for calls of up to `cells` = history + rows cells.
  std::size_t scratch_bytes(std::size_t cells) const;
  // Cuts the first `rows` rows of a call into tiles: a row that sees the one before it is of the
  // same text and mostly sees the same cells; rows of different texts have little in common.
  // `mask` [.., columns], its chunk columns from `history` on.
  void cut(const Bf16* mask, std::size_t rows, std::size_t columns, std::size_t history,
           std::vector<RowTile>& tiles) const;
  // How many pieces a call of so many tiles has.
  std::size_t pieces(std::size_t tiles) const;
  // Runs piece `piece` (below pieces()) with a scratch at a multiple of 64 bytes.
  // Reads only cells that a row of the piece sees.
  void run(const AttentionInput& input, std::size_t piece, std::byte* scratch) const;

 private:
  struct Tile;
  struct Scratch;

  Scratch split(std::byte* memory, std::size_t cells) const;
  Tile tile_of(const AttentionInput& input, std::size_t piece) const;
  void list_cells(const AttentionInput& input, Tile& tile, Scratch& scratch) const;
  void load_queries(const AttentionInput& input, const Tile& tile, Scratch& scratch) const;
  void score(const AttentionInput& input, const Tile& tile, Scratch& scratch) const;
  void hide(const AttentionInput& input, const Tile& tile, Scratch& scratch) const;
  void weigh(const Tile& tile, Scratch& scratch) const;
  void add_values(const AttentionInput& input, const Tile& tile, Scratch& scratch) const;
  void write(const AttentionInput& input, const Tile& tile, const Scratch& scratch) const;

  Shape shape_;
  std::size_t padded_dim_ = 0;   // head_dim rounded up to whole vectors.
  std::size_t head_group_ = 0;   // Query heads of one K/V head in a tile.
  std::size_t head_groups_ = 0;  // Tiles beside each other for one K/V head.
  std::size_t tile_rows_ = 0;    // Query rows in a tile, at most.
};

}  // namespace axle::softcard
