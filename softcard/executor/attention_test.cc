#include "softcard/executor/attention.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <numeric>
#include <vector>

#include "softcard/executor/aligned.h"
#include "softcard/executor/test_engines.h"

namespace axle::softcard {
namespace {

using testing::random_bf16;

// The arrays of one call.
struct Problem {
  Problem(Attention::Shape s, std::size_t h, std::size_t r, std::uint32_t seed)
      : shape(s), history(h), rows(r), kv(s.kv_heads * s.head_dim), random(seed) {
    keys = random_bf16(history * kv, random, 3.0f);
    values = random_bf16(history * kv, random);
    new_keys = random_bf16(rows * kv, random, 3.0f);
    new_values = random_bf16(rows * kv, random);
    mask.assign(rows * (history + rows), kBf16Hidden);
    std::normal_distribution<float> normal;
    queries.resize(rows * shape.heads * shape.head_dim);
    for (float& value : queries)
      value = normal(random) / std::sqrt(static_cast<float>(shape.head_dim));
    output.assign(queries.size(), -1.0f);
  }

  void show(std::size_t row, std::size_t column) {
    mask[row * (history + rows) + column] = kBf16Zero;
  }
  void show_randomly(double share) {
    std::bernoulli_distribution coin(share);
    for (std::size_t row = 0; row < rows; ++row) {
      for (std::size_t column = 0; column < history + row; ++column) {
        if (coin(random)) show(row, column);
      }
      show(row, history + row);
    }
  }

  void run() {
    const Attention attention(shape);
    AlignedArray<std::byte> scratch(attention.scratch_bytes(history + rows));
    AttentionInput input{keys.data(),
                         values.data(),
                         new_keys.data(),
                         new_values.data(),
                         mask.data(),
                         queries.data(),
                         output.data(),
                         history,
                         rows,
                         shape.heads * shape.head_dim};
    std::vector<RowTile> tiles;
    attention.cut(mask.data(), rows, history + rows, history, tiles);
    input.tiles = tiles;
    for (std::size_t piece = 0; piece < attention.pieces(tiles.size()); ++piece)
      attention.run(input, piece, scratch.data());
  }

  const Bf16* cell(const std::vector<Bf16>& old_cells, const std::vector<Bf16>& new_cells,
                   std::size_t column) const {
    return column < history ? old_cells.data() + column * kv
                            : new_cells.data() + (column - history) * kv;
  }

  // One output head in double precision, by the definition.
  std::vector<double> exact(std::size_t row, std::size_t head) const {
    const std::size_t dim = shape.head_dim;
    const std::size_t offset = head / (shape.heads / shape.kv_heads) * dim;
    std::vector<double> sums(dim);
    double total = 0.0;
    for (std::size_t column = 0; column < history + rows; ++column) {
      const float added = to_float(mask[row * (history + rows) + column]);
      if (added < -1000.0f) continue;
      double score = static_cast<double>(added) / std::log(2.0);
      const Bf16* key = cell(keys, new_keys, column) + offset;
      for (std::size_t d = 0; d < dim; ++d)
        score += static_cast<double>(queries[(row * shape.heads + head) * dim + d]) *
                 static_cast<double>(to_float(key[d]));
      const double weight = std::exp2(score);
      total += weight;
      const Bf16* value = cell(values, new_values, column) + offset;
      for (std::size_t d = 0; d < dim; ++d)
        sums[d] += weight * static_cast<double>(to_float(value[d]));
    }
    for (double& sum : sums) sum = total > 0.0 ? sum / total : 0.0;
    return sums;
  }

  void expect_exact() const {
    for (std::size_t row = 0; row < rows; ++row) {
      for (std::size_t head = 0; head < shape.heads; ++head) {
        const std::vector<double> wanted = exact(row, head);
        for (std::size_t d = 0; d < shape.head_dim; ++d) {
          ASSERT_NEAR(output[(row * shape.heads + head) * shape.head_dim + d], wanted[d], 3e-5)
              << "row " << row << " head " << head << " d " << d;
        }
      }
    }
  }

  Attention::Shape shape;
  std::size_t history, rows, kv;
  std::mt19937 random;
  std::vector<Bf16> keys, values, new_keys, new_values, mask;
  std::vector<float> queries, output;
};

TEST(AttentionTest, AgreesWithTheDefinitionInDoublePrecision) {
  const Attention::Shape shapes[] = {{9, 3, 64}, {14, 2, 64}, {16, 8, 128},
                                     {4, 4, 24}, {20, 1, 16}, {33, 1, 8}};
  for (const Attention::Shape& shape : shapes) {
    for (const std::size_t rows : {1u, 2u, 7u, 33u}) {
      Problem problem(shape, 75, rows, 1);
      problem.show_randomly(0.7);
      problem.run();
      problem.expect_exact();
      if (HasFatalFailure()) return;
    }
  }
}

TEST(AttentionTest, OrderOfTheCellsDoesNotChangeOneBitOfAMillionOutputs) {
  std::size_t compared = 0;
  for (std::uint32_t seed = 1; seed <= 60; ++seed) {
    Problem straight({9, 3, 64}, 300, 32, seed);
    straight.show_randomly(0.6);
    Problem shuffled = straight;
    std::vector<std::size_t> order(straight.history);
    std::iota(order.begin(), order.end(), 0u);
    std::shuffle(order.begin(), order.end(), straight.random);
    const std::size_t columns = straight.history + straight.rows;
    for (std::size_t cell = 0; cell < order.size(); ++cell) {
      std::copy_n(straight.keys.data() + order[cell] * straight.kv, straight.kv,
                  shuffled.keys.data() + cell * straight.kv);
      std::copy_n(straight.values.data() + order[cell] * straight.kv, straight.kv,
                  shuffled.values.data() + cell * straight.kv);
      for (std::size_t row = 0; row < straight.rows; ++row) {
        shuffled.mask[row * columns + cell] = straight.mask[row * columns + order[cell]];
      }
    }
    straight.run();
    shuffled.run();
    ASSERT_EQ(straight.output, shuffled.output) << "seed " << seed;
    compared += straight.output.size();
  }
  EXPECT_GT(compared, 1000000u);
}

TEST(AttentionTest, ARowGivesTheSameBitsAloneAndBesideOthers) {
  Problem together({9, 3, 64}, 200, 32, 3);
  together.show_randomly(0.5);
  for (std::size_t row = 0; row < together.rows; ++row) {  // No row sees another of the chunk.
    for (std::size_t other = 0; other < row; ++other)
      together.mask[row * 232 + 200 + other] = kBf16Hidden;
  }
  together.run();
  for (std::size_t row = 0; row < together.rows; ++row) {
    Problem alone({9, 3, 64}, 200, 1, 3);
    alone.keys = together.keys;
    alone.values = together.values;
    alone.new_keys.assign(together.new_keys.begin() + static_cast<std::ptrdiff_t>(row * 192),
                          together.new_keys.begin() + static_cast<std::ptrdiff_t>(row * 192 + 192));
    alone.new_values.assign(
        together.new_values.begin() + static_cast<std::ptrdiff_t>(row * 192),
        together.new_values.begin() + static_cast<std::ptrdiff_t>(row * 192 + 192));
    alone.queries.assign(together.queries.begin() + static_cast<std::ptrdiff_t>(row * 576),
                         together.queries.begin() + static_cast<std::ptrdiff_t>(row * 576 + 576));
    for (std::size_t column = 0; column < 200; ++column)
      alone.mask[column] = together.mask[row * 232 + column];
    alone.mask[200] = kBf16Zero;
    alone.run();
    EXPECT_TRUE(std::equal(alone.output.begin(), alone.output.end(),
                           together.output.begin() + static_cast<std::ptrdiff_t>(row * 576)))
        << "row " << row;
  }
}

TEST(AttentionTest, HiddenCellsAreNotRead) {
  Problem problem({4, 2, 32}, 40, 3, 9);
  problem.show_randomly(0.5);
  Problem poisoned = problem;
  const Bf16 nan{0x7fc0};
  for (std::size_t cell = 0; cell < 40; ++cell) {
    bool seen = false;
    for (std::size_t row = 0; row < 3; ++row)
      seen = seen || problem.mask[row * 43 + cell] == kBf16Zero;
    if (seen) continue;
    std::fill_n(poisoned.keys.begin() + static_cast<std::ptrdiff_t>(cell * 64), 64, nan);
    std::fill_n(poisoned.values.begin() + static_cast<std::ptrdiff_t>(cell * 64), 64, nan);
  }
  problem.run();
  poisoned.run();
  EXPECT_EQ(problem.output, poisoned.output);
}

TEST(AttentionTest, ARowThatSeesNothingIsZeroAndDisturbsNobody) {
  Problem problem({4, 2, 32}, 40, 4, 9);
  problem.show_randomly(0.5);
  Problem whole = problem;
  std::fill_n(problem.mask.begin() + 44 * 3, 44, kBf16Hidden);
  whole.run();
  problem.run();
  EXPECT_TRUE(
      std::equal(whole.output.begin(), whole.output.begin() + 3 * 128, problem.output.begin()));
  for (std::size_t i = 3 * 128; i < 4 * 128; ++i) EXPECT_EQ(problem.output[i], 0.0f);
}

TEST(AttentionTest, OtherMaskValuesAreAddedToTheScores) {
  Problem problem({4, 2, 32}, 40, 6, 9);
  problem.show_randomly(1.0);
  for (std::size_t i = 0; i < problem.mask.size(); i += 3) {
    if (problem.mask[i] == kBf16Zero) problem.mask[i] = to_bf16(-1.5f);
  }
  for (std::size_t i = 1; i < problem.mask.size(); i += 7) {
    if (problem.mask[i] == kBf16Hidden) problem.mask[i] = to_bf16(-1e9f);
  }
  problem.run();
  problem.expect_exact();
}

TEST(AttentionTest, ExtremeScoresStayFinite) {
  Problem problem({4, 2, 32}, 40, 6, 9);
  problem.show_randomly(1.0);
  for (float& query : problem.queries) query *= 1e6f;
  problem.run();
  for (const float value : problem.output) EXPECT_TRUE(std::isfinite(value));
}

TEST(AttentionTest, RowsThatSeeTheirPredecessorShareATile) {
  const Attention attention({.heads = 9, .kv_heads = 3, .head_dim = 64});
  Problem problem({9, 3, 64}, 4, 8, 1);
  for (std::size_t row = 0; row < 7; ++row) problem.show(row, 4 + row);
  for (const std::size_t row : {1u, 2u, 5u, 6u}) problem.show(row, 4 + row - 1);
  const std::size_t used = rows_in_use(problem.mask.data(), 8, 12);
  EXPECT_EQ(used, 7u);  // The last row sees nothing.
  std::vector<RowTile> tiles;
  attention.cut(problem.mask.data(), used, 12, 4, tiles);
  EXPECT_EQ(tiles, (std::vector<RowTile>{{0, 3}, {3, 1}, {4, 3}}));
}

TEST(AttentionTest, TilesHaveAtMostSixteenQueries) {
  const Attention attention({.heads = 9, .kv_heads = 3, .head_dim = 64});
  Problem problem({9, 3, 64}, 0, 12, 1);
  problem.show_randomly(1.0);
  std::vector<RowTile> tiles;
  attention.cut(problem.mask.data(), 12, 12, 0, tiles);
  EXPECT_EQ(tiles, (std::vector<RowTile>{{0, 5}, {5, 5}, {10, 2}}));
}

TEST(RowsInUseTest, EveryMaskAboveTheLowestShows) {
  for (std::uint32_t bits = 0; bits <= 0xffff; ++bits) {
    const Bf16 value{static_cast<std::uint16_t>(bits)};
    const std::vector<Bf16> mask = {kBf16Hidden, kBf16Hidden, kBf16Hidden, value};
    const bool shows = to_float(value) > -32768.0f;  // Not where it is no number.
    ASSERT_EQ(rows_in_use(mask.data(), 2, 2), shows ? 2u : 1u) << bits;
  }
}

}  // namespace
}  // namespace axle::softcard
