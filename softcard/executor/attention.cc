#include "softcard/executor/attention.h"

#include <algorithm>
#include <array>
#include <limits>
#include <span>

#include "softcard/executor/simd.h"

namespace axle::softcard {
namespace {

constexpr std::size_t kCellBlock = 32;   // Cells converted at a time; their floats stay in L1.
constexpr std::size_t kNarrowLanes = 5;  // Up to here a dot product per lane beats 16 at once.
constexpr float kLog2E = 1.44269504f;
constexpr float kNothing = -std::numeric_limits<float>::infinity();
constexpr float kLeast = -40.0f;  // 2^-40 is far below the weights' grid.

// A mask value of -65536 hides; so does anything that no score could lift (vendor tools use -1e9),
// and what is not a number: 1 where the number is above -32768, else 0. On the bits: masks are
// looked at in every layer, and whole vectors of 16-bit numbers are 15 times faster than floats.
std::uint16_t shows(Bf16 mask) {
  constexpr std::uint16_t kLowest = 0xc700;    // -32768: it and all that follow hide.
  constexpr std::uint16_t kFirstNan = 0x7f81;  // Up to 0x7fff.
  constexpr std::uint16_t kNans = 0x8000 - kFirstNan;
  const bool above = mask.bits < kLowest;
  const bool number = static_cast<std::uint16_t>(mask.bits - kFirstNan) >= kNans;
  return static_cast<std::uint16_t>(above & number);
}

std::size_t round_up(std::size_t value, std::size_t unit) {
  return (value + unit - 1) / unit * unit;
}

// Sums of vectors in the order of sum_lanes(): a tree over d modulo 16, its leaves summed from low
// d to high. Lanes are queries here, and kCells cells go together.
template <std::size_t kCells, std::size_t kFirst, std::size_t kStride>
inline void dot_tree(const float* queries, const float* keys, std::size_t dim, VecF* sums) {
  if constexpr (kStride == kLanes) {
    for (std::size_t cell = 0; cell < kCells; ++cell) sums[cell] = VecF{};
    for (std::size_t d = kFirst; d < dim; d += kLanes) {
      const VecF query = load<VecF>(queries + d * kLanes);
      for (std::size_t cell = 0; cell < kCells; ++cell) {
        sums[cell] = fma(query, keys[cell * dim + d], sums[cell]);
      }
    }
  } else {
    VecF other[kCells];
    dot_tree<kCells, kFirst, 2 * kStride>(queries, keys, dim, sums);
    dot_tree<kCells, kFirst + kStride, 2 * kStride>(queries, keys, dim, other);
    for (std::size_t cell = 0; cell < kCells; ++cell) sums[cell] += other[cell];
  }
}

// The same sum with lanes along the head dimension.
inline float dot_lanes(const float* query, const float* key, std::size_t dim) {
  VecF sum{};
  for (std::size_t d = 0; d < dim; d += kLanes)
    sum = fma(load<VecF>(query + d), load<VecF>(key + d), sum);
  return sum_lanes(sum);
}

// sums[lane][d] += weight[cell][lane] * value[cell][d] for kChunks * 8 values of d, kLaneCount
// lanes.
template <std::size_t kLaneCount, std::size_t kChunks>
void accumulate(const double* weights, std::size_t cell_stride, std::size_t lane_stride,
                const double* values, std::size_t cells, double* sums, std::size_t dim) {
  VecD total[kLaneCount][kChunks];
  for (std::size_t lane = 0; lane < kLaneCount; ++lane) {
    for (std::size_t c = 0; c < kChunks; ++c)
      total[lane][c] = load<VecD>(sums + lane * dim + 8 * c);
  }
  for (std::size_t cell = 0; cell < cells; ++cell) {
    for (std::size_t c = 0; c < kChunks; ++c) {
      const VecD value = load<VecD>(values + cell * dim + 8 * c);
      for (std::size_t lane = 0; lane < kLaneCount; ++lane) {
        total[lane][c] =
            fma(value, weights[cell * cell_stride + lane * lane_stride], total[lane][c]);
      }
    }
  }
  for (std::size_t lane = 0; lane < kLaneCount; ++lane) {
    for (std::size_t c = 0; c < kChunks; ++c) store(sums + lane * dim + 8 * c, total[lane][c]);
  }
}

using Accumulate = void (*)(const double*, std::size_t, std::size_t, const double*, std::size_t,
                            double*, std::size_t);
constexpr std::array<Accumulate, kLanes> kAccumulate{
    &accumulate<1, 2>,  &accumulate<2, 2>,  &accumulate<3, 2>,  &accumulate<4, 2>,
    &accumulate<5, 2>,  &accumulate<6, 2>,  &accumulate<7, 2>,  &accumulate<8, 2>,
    &accumulate<9, 2>,  &accumulate<10, 2>, &accumulate<11, 2>, &accumulate<12, 2>,
    &accumulate<13, 2>, &accumulate<14, 2>, &accumulate<15, 1>, &accumulate<16, 1>};

void convert_values(const Bf16* from, std::size_t head_dim, std::size_t padded, double* to) {
  constexpr float kGrid = 96.0f;  // 1.5 * 2^(23 - 17): adding it rounds to multiples of 2^-17.
  for (std::size_t d = 0; d < padded; d += kLanes) {
    std::array<Bf16, kLanes> rest{};
    const bool whole = d + kLanes <= head_dim;
    if (!whole) std::copy(from + d, from + head_dim, rest.begin());
    const VecF value = (load_bf16(whole ? from + d : rest.data()) + kGrid) - kGrid;
    std::array<float, kLanes> floats;
    store(floats.data(), value);
    store(to + d, __builtin_convertvector(load<HalfF>(floats.data()), VecD));
    store(to + d + 8, __builtin_convertvector(load<HalfF>(floats.data() + 8), VecD));
  }
}

void convert_keys(const Bf16* from, std::size_t head_dim, std::size_t padded, float* to) {
  for (std::size_t d = 0; d < padded; d += kLanes) {
    std::array<Bf16, kLanes> rest{};
    const bool whole = d + kLanes <= head_dim;
    if (!whole) std::copy(from + d, from + head_dim, rest.begin());
    store(to + d, load_bf16(whole ? from + d : rest.data()));
  }
}

}  // namespace

// One piece: some query heads of one K/V head, some rows.
struct Attention::Tile {
  std::size_t kv_head = 0;
  std::size_t first_head = 0;
  std::size_t head_count = 0;
  std::size_t first_row = 0;
  std::size_t row_count = 0;
  std::size_t lanes = 0;  // row_count * head_count; lane = row * head_count + head.
  std::size_t plain = 0;  // Cells at the list's start that every row sees without an addition.
  std::size_t cells = 0;  // Cells in the list.
  bool wide = false;      // Scores [cell][16 lanes], else [lane][cell].
  std::size_t cell_stride = 0;
  std::size_t lane_stride = 0;
};

struct Attention::Scratch {
  std::uint32_t* list;     // [cells] columns of the mask
  std::uint32_t* partial;  // [cells] those that not all rows see, before they join the list
  float* queries;          // wide: [padded_dim][16 lanes]; else [lane][padded_dim]
  float* scores;           // See Tile::wide.
  double* weights;         // As scores.
  float* keys;             // [kCellBlock][padded_dim]
  double* values;          // [kCellBlock][padded_dim]
  double* sums;            // [lane][padded_dim]
  double* totals;          // [16]
};

Attention::Attention(const Shape& shape) : shape_(shape) {
  padded_dim_ = round_up(shape.head_dim, kLanes);
  const std::size_t queries_per_key = shape.heads / shape.kv_heads;
  head_groups_ = (queries_per_key + kLanes - 1) / kLanes;
  head_group_ = (queries_per_key + head_groups_ - 1) / head_groups_;
  tile_rows_ = kLanes / head_group_;
}

std::size_t Attention::scratch_bytes(std::size_t cells) const {
  const std::size_t padded = round_up(cells, kLanes);
  return 2 * padded * sizeof(std::uint32_t) + kLanes * padded * (sizeof(float) + sizeof(double)) +
         padded_dim_ * (kLanes + kCellBlock) * (sizeof(float) + sizeof(double)) +
         kLanes * sizeof(double);
}

Attention::Scratch Attention::split(std::byte* memory, std::size_t cells) const {
  const std::size_t padded = round_up(cells, kLanes);
  std::byte* next = memory;
  const auto take = [&next](std::size_t bytes) {
    void* at = next;
    next += bytes;
    return at;
  };
  Scratch scratch{};
  scratch.weights = static_cast<double*>(take(kLanes * padded * sizeof(double)));
  scratch.values = static_cast<double*>(take(kCellBlock * padded_dim_ * sizeof(double)));
  scratch.sums = static_cast<double*>(take(kLanes * padded_dim_ * sizeof(double)));
  scratch.totals = static_cast<double*>(take(kLanes * sizeof(double)));
  scratch.scores = static_cast<float*>(take(kLanes * padded * sizeof(float)));
  scratch.queries = static_cast<float*>(take(kLanes * padded_dim_ * sizeof(float)));
  scratch.keys = static_cast<float*>(take(kCellBlock * padded_dim_ * sizeof(float)));
  scratch.list = static_cast<std::uint32_t*>(take(padded * sizeof(std::uint32_t)));
  scratch.partial = static_cast<std::uint32_t*>(take(padded * sizeof(std::uint32_t)));
  return scratch;
}

std::size_t rows_in_use(const Bf16* mask, std::size_t rows, std::size_t columns) {
  const auto sees_anything = [&](std::size_t row) {
    std::uint16_t seen = 0;  // No early end: whole vectors at a time are faster.
    for (const Bf16& value : std::span(mask + row * columns, columns)) {
      seen = static_cast<std::uint16_t>(seen | shows(value));
    }
    return seen != 0;
  };
  while (rows > 1 && !sees_anything(rows - 1)) --rows;
  return rows;
}

void Attention::cut(const Bf16* mask, std::size_t rows, std::size_t columns, std::size_t history,
                    std::vector<RowTile>& tiles) const {
  tiles.clear();
  for (std::size_t row = 0; row < rows; ++row) {
    const bool joins = row > 0 && tiles.back().count < tile_rows_ &&
                       shows(mask[row * columns + history + row - 1]) != 0;
    if (joins) {
      ++tiles.back().count;
    } else {
      tiles.push_back({row, 1});
    }
  }
}

std::size_t Attention::pieces(std::size_t tiles) const {
  return shape_.kv_heads * head_groups_ * tiles;
}

Attention::Tile Attention::tile_of(const AttentionInput& input, std::size_t piece) const {
  const std::size_t queries_per_key = shape_.heads / shape_.kv_heads;
  Tile tile;
  tile.kv_head = piece % shape_.kv_heads;
  const std::size_t rest = piece / shape_.kv_heads;
  const std::size_t first = rest % head_groups_ * head_group_;
  tile.first_head = tile.kv_head * queries_per_key + first;
  tile.head_count = std::min(head_group_, queries_per_key - std::min(first, queries_per_key));
  const RowTile& rows = input.tiles[rest / head_groups_];
  tile.first_row = rows.first;
  tile.row_count = rows.count;
  tile.lanes = tile.row_count * tile.head_count;
  tile.wide = tile.lanes > kNarrowLanes;
  return tile;
}

// Lists the cells that any row of the tile sees: first those that all see as they are.
void Attention::list_cells(const AttentionInput& input, Tile& tile, Scratch& scratch) const {
  const std::size_t columns = input.columns();
  const Bf16* mask = input.mask + tile.first_row * columns;
  std::size_t plain = 0;
  std::size_t partial = 0;
  for (std::size_t column = 0; column < columns; ++column) {
    std::uint32_t any_bits = 0;
    std::uint32_t seen = 0;
    for (std::size_t row = 0; row < tile.row_count; ++row) {
      const Bf16 value = mask[row * columns + column];
      any_bits |= value.bits;
      seen |= shows(value);
    }
    const auto cell = static_cast<std::uint32_t>(column);
    scratch.list[plain] = cell;
    scratch.partial[partial] = cell;
    plain += any_bits == 0 ? 1 : 0;
    partial += any_bits != 0 && seen != 0 ? 1 : 0;
  }
  std::copy(scratch.partial, scratch.partial + partial, scratch.list + plain);
  tile.plain = plain;
  tile.cells = plain + partial;
  const std::size_t padded = round_up(tile.cells, kLanes);
  tile.cell_stride = tile.wide ? kLanes : 1;
  tile.lane_stride = tile.wide ? 1 : padded;
}

void Attention::load_queries(const AttentionInput& input, const Tile& tile,
                             Scratch& scratch) const {
  std::fill(scratch.queries, scratch.queries + kLanes * padded_dim_, 0.0f);
  for (std::size_t lane = 0; lane < tile.lanes; ++lane) {
    const std::size_t row = tile.first_row + lane / tile.head_count;
    const std::size_t head = tile.first_head + lane % tile.head_count;
    const float* query = input.queries + row * input.query_stride + head * shape_.head_dim;
    for (std::size_t d = 0; d < shape_.head_dim; ++d) {
      scratch.queries[tile.wide ? d * kLanes + lane : lane * padded_dim_ + d] = query[d];
    }
  }
}

void Attention::score(const AttentionInput& input, const Tile& tile, Scratch& scratch) const {
  const std::size_t kv = shape_.kv_heads * shape_.head_dim;
  const std::size_t offset = tile.kv_head * shape_.head_dim;
  for (std::size_t start = 0; start < tile.cells; start += kCellBlock) {
    const std::size_t count = std::min(kCellBlock, tile.cells - start);
    for (std::size_t i = 0; i < count; ++i) {
      const std::size_t cell = scratch.list[start + i];
      const Bf16* key = cell < input.history ? input.history_keys + cell * kv
                                             : input.new_keys + (cell - input.history) * kv;
      convert_keys(key + offset, shape_.head_dim, padded_dim_, scratch.keys + i * padded_dim_);
    }
    std::size_t i = 0;
    if (tile.wide) {
      VecF sums[4];
      for (; i + 4 <= count; i += 4) {
        dot_tree<4, 0, 1>(scratch.queries, scratch.keys + i * padded_dim_, padded_dim_, sums);
        for (std::size_t c = 0; c < 4; ++c)
          store(scratch.scores + (start + i + c) * kLanes, sums[c]);
      }
      for (; i < count; ++i) {
        dot_tree<1, 0, 1>(scratch.queries, scratch.keys + i * padded_dim_, padded_dim_, sums);
        store(scratch.scores + (start + i) * kLanes, sums[0]);
      }
      continue;
    }
    for (; i < count; ++i) {
      for (std::size_t lane = 0; lane < tile.lanes; ++lane) {
        scratch.scores[lane * tile.lane_stride + start + i] = dot_lanes(
            scratch.queries + lane * padded_dim_, scratch.keys + i * padded_dim_, padded_dim_);
      }
    }
  }
}

// Applies the mask where it is not the same nothing for every row of the tile.
void Attention::hide(const AttentionInput& input, const Tile& tile, Scratch& scratch) const {
  const std::size_t columns = input.columns();
  for (std::size_t i = tile.plain; i < tile.cells; ++i) {
    const Bf16* mask = input.mask + tile.first_row * columns + scratch.list[i];
    for (std::size_t lane = 0; lane < tile.lanes; ++lane) {
      const Bf16 value = mask[lane / tile.head_count * columns];
      float& score = scratch.scores[i * tile.cell_stride + lane * tile.lane_stride];
      score = shows(value) == 0 ? kNothing : fma(to_float(value), kLog2E, score);
    }
  }
}

// 2^(score - largest) rounded to a multiple of 2^-23; 0 for a hidden cell.
inline VecF weights_of(VecF scores, VecF largest) {
  const VecF power = exp2_lanes(max_lanes(scores - largest, splat(kLeast)));
  return (power + 1.0f) - 1.0f;
}

inline VecD store_weights(VecF weights, double* to, VecD totals) {
  std::array<float, kLanes> floats;
  store(floats.data(), weights);
  const VecD low = __builtin_convertvector(load<HalfF>(floats.data()), VecD);
  const VecD high = __builtin_convertvector(load<HalfF>(floats.data() + 8), VecD);
  store(to, low);
  store(to + 8, high);
  return totals + low + high;
}

void Attention::weigh(const Tile& tile, Scratch& scratch) const {
  if (tile.wide) {
    VecF largest = splat(kNothing);
    for (std::size_t i = 0; i < tile.cells; ++i)
      largest = max_lanes(load<VecF>(scratch.scores + i * kLanes), largest);
    largest = largest == splat(kNothing) ? VecF{} : largest;
    VecD low{};
    VecD high{};
    for (std::size_t i = 0; i < tile.cells; ++i) {
      double* to = scratch.weights + i * kLanes;
      (void)store_weights(weights_of(load<VecF>(scratch.scores + i * kLanes), largest), to, VecD{});
      low += load<VecD>(to);
      high += load<VecD>(to + 8);
    }
    store(scratch.totals, low);
    store(scratch.totals + 8, high);
    return;
  }
  for (std::size_t lane = 0; lane < tile.lanes; ++lane) {
    float* scores = scratch.scores + lane * tile.lane_stride;
    double* weights = scratch.weights + lane * tile.lane_stride;
    const std::size_t padded = round_up(tile.cells, kLanes);
    for (std::size_t i = tile.cells; i < padded; ++i) scores[i] = kNothing;
    VecF vector = splat(kNothing);
    for (std::size_t i = 0; i < padded; i += kLanes)
      vector = max_lanes(load<VecF>(scores + i), vector);
    float largest = largest_lane(vector);
    if (largest == kNothing) largest = 0.0f;
    VecD totals{};
    for (std::size_t i = 0; i < padded; i += kLanes) {
      totals =
          store_weights(weights_of(load<VecF>(scores + i), splat(largest)), weights + i, totals);
    }
    double total = 0.0;
    for (std::size_t i = 0; i < 8; ++i) total += totals[i];
    scratch.totals[lane] = total;
  }
}

void Attention::add_values(const AttentionInput& input, const Tile& tile, Scratch& scratch) const {
  const std::size_t kv = shape_.kv_heads * shape_.head_dim;
  const std::size_t offset = tile.kv_head * shape_.head_dim;
  std::fill(scratch.sums, scratch.sums + tile.lanes * padded_dim_, 0.0);
  const Accumulate add = kAccumulate[tile.lanes - 1];
  const std::size_t step = tile.lanes > 14 ? 8 : 16;
  for (std::size_t start = 0; start < tile.cells; start += kCellBlock) {
    const std::size_t count = std::min(kCellBlock, tile.cells - start);
    for (std::size_t i = 0; i < count; ++i) {
      const std::size_t cell = scratch.list[start + i];
      const Bf16* value = cell < input.history ? input.history_values + cell * kv
                                               : input.new_values + (cell - input.history) * kv;
      convert_values(value + offset, shape_.head_dim, padded_dim_,
                     scratch.values + i * padded_dim_);
    }
    for (std::size_t d = 0; d < padded_dim_; d += step) {
      add(scratch.weights + start * tile.cell_stride, tile.cell_stride, tile.lane_stride,
          scratch.values + d, count, scratch.sums + d, padded_dim_);
    }
  }
}

void Attention::write(const AttentionInput& input, const Tile& tile, const Scratch& scratch) const {
  for (std::size_t lane = 0; lane < tile.lanes; ++lane) {
    const std::size_t row = tile.first_row + lane / tile.head_count;
    const std::size_t head = tile.first_head + lane % tile.head_count;
    float* output = input.output + (row * shape_.heads + head) * shape_.head_dim;
    const double total = scratch.totals[lane];
    const double* sums = scratch.sums + lane * padded_dim_;
    for (std::size_t d = 0; d < shape_.head_dim; ++d) {
      output[d] = total > 0.0 ? static_cast<float>(sums[d] / total) : 0.0f;
    }
  }
}

void Attention::run(const AttentionInput& input, std::size_t piece, std::byte* memory) const {
  Scratch scratch = split(memory, input.columns());
  Tile tile = tile_of(input, piece);
  if (tile.lanes == 0) return;
  list_cells(input, tile, scratch);
  load_queries(input, tile, scratch);
  score(input, tile, scratch);
  hide(input, tile, scratch);
  weigh(tile, scratch);
  add_values(input, tile, scratch);
  write(input, tile, scratch);
}

}  // namespace axle::softcard
