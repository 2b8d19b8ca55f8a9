#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>

#include "softcard/executor/test_engines.h"

// The software card's promise: a row gives the same bits whichever group runs it, whatever rows are
// beside it, and in whichever cells its history lies.
namespace axle::softcard {
namespace {

using testing::Engine;
using testing::LayerCall;
using testing::random_bf16;

constexpr std::size_t kCells = 127;
constexpr std::size_t kChunk = 32;
constexpr std::size_t kTokens = 96;
constexpr std::size_t kDecode = 0;  // Groups: decode, chunk without history, two with.
const std::vector<axmodel::GroupShape> kGroups{
    {1, kCells}, {kChunk, 0}, {kChunk, 64}, {kChunk, 96}};

axmodel::LayerSpec spec() {
  axmodel::LayerSpec spec;
  spec.architecture = "llama";
  spec.hidden = 576;
  spec.heads = 9;
  spec.kv_heads = 3;
  spec.head_dim = 64;
  spec.ffn = 768;
  spec.rms_eps = 1e-5f;
  spec.rope_theta = 100000.0f;
  spec.max_position = 256;
  return spec;
}

// What a text's rows gave: one after another, [token][width].
struct Rows {
  std::vector<Bf16> keys, values, outputs;
  friend bool operator==(const Rows&, const Rows&) = default;
};

class InvarianceTest : public ::testing::TestWithParam<std::string> {
 protected:
  InvarianceTest()
      : model_(Engine::shared(testing::layer_engine(spec(), GetParam(), kGroups))), random_(21) {
    auto executor = make_executor(model_, {.threads = 2});
    EXPECT_TRUE(executor.ok()) << executor.status();
    executor_ = *std::move(executor);
    inputs_ = random_bf16(kTokens * hidden_, random_);
  }

  // Runs tokens [first, first + count) of the text as rows `rows` of group `group`; token i's cell
  // is cells[i]. Rows not in use are filled with noise that sees and shows itself only.
  void step(std::size_t group, std::size_t first, const std::vector<std::size_t>& rows,
            const std::vector<std::size_t>& cells, Rows& result) {
    LayerCall call(spec(), kGroups[group]);
    call.keys = random_bf16(call.keys.size(), random_);  // Cells of others hold anything finite.
    call.values = random_bf16(call.values.size(), random_);
    call.input = random_bf16(call.input.size(), random_);
    for (std::size_t token = 0; token < first; ++token) {
      std::copy_n(result.keys.data() + token * kv_, kv_, call.keys.data() + cells[token] * kv_);
      std::copy_n(result.values.data() + token * kv_, kv_, call.values.data() + cells[token] * kv_);
    }
    for (std::size_t row = 0; row < call.rows; ++row) {
      call.positions[row] = static_cast<std::uint32_t>(random_() % 200);
      call.show(row, call.history + row);
    }
    for (std::size_t i = 0; i < rows.size(); ++i) {
      std::copy_n(inputs_.data() + (first + i) * hidden_, hidden_,
                  call.input.data() + rows[i] * hidden_);
      call.positions[rows[i]] = static_cast<std::uint32_t>(first + i);
      for (std::size_t token = 0; token < first; ++token) call.show(rows[i], cells[token]);
      for (std::size_t j = 0; j < i; ++j) call.show(rows[i], call.history + rows[j]);
    }
    ASSERT_TRUE(call.run(*executor_, group).ok());
    for (const std::size_t row : rows) {
      append(call.key_out, row, kv_, result.keys);
      append(call.value_out, row, kv_, result.values);
      append(call.output, row, hidden_, result.outputs);
    }
  }

  static void append(const std::vector<Bf16>& from, std::size_t row, std::size_t width,
                     std::vector<Bf16>& to) {
    to.insert(to.end(), from.begin() + static_cast<std::ptrdiff_t>(row * width),
              from.begin() + static_cast<std::ptrdiff_t>((row + 1) * width));
  }

  // The plain way: one row at a time, cells in order.
  Rows one_by_one() {
    Rows rows;
    std::vector<std::size_t> cells(kTokens);
    std::iota(cells.begin(), cells.end(), 0u);
    for (std::size_t token = 0; token < kTokens; ++token) step(kDecode, token, {0}, cells, rows);
    return rows;
  }

  std::vector<std::size_t> any_cells(std::size_t below) {
    std::vector<std::size_t> cells(below);
    std::iota(cells.begin(), cells.end(), 0u);
    std::shuffle(cells.begin(), cells.end(), random_);
    return cells;
  }
  // `count` rows of a chunk in rising order.
  std::vector<std::size_t> any_rows(std::size_t count) {
    std::vector<std::size_t> rows = any_cells(kChunk);
    rows.resize(count);
    std::sort(rows.begin(), rows.end());
    return rows;
  }

  std::shared_ptr<const axmodel::Model> model_;  // Shared with the executor.
  std::unique_ptr<Executor> executor_;
  std::mt19937 random_;
  std::size_t hidden_ = 576;
  std::size_t kv_ = 192;
  std::vector<Bf16> inputs_;
};

TEST_P(InvarianceTest, WholeChunksGiveTheBitsOfSingleRows) {
  const Rows plain = one_by_one();
  Rows chunked;
  std::vector<std::size_t> cells(kTokens);
  std::iota(cells.begin(), cells.end(), 0u);
  std::vector<std::size_t> rows(kChunk);
  std::iota(rows.begin(), rows.end(), 0u);
  step(1, 0, rows, cells, chunked);
  step(2, kChunk, rows, cells, chunked);
  step(3, 2 * kChunk, rows, cells, chunked);
  EXPECT_EQ(plain, chunked);
}

TEST_P(InvarianceTest, AnyCellsAnyRowsAndAnyNeighboursGiveTheSameBits) {
  const Rows plain = one_by_one();
  std::size_t compared = 0;
  for (int trial = 0; trial < 4; ++trial) {
    const std::vector<std::size_t> cells = any_cells(96);
    Rows mixed;
    for (std::size_t token = 0; token < kTokens;) {
      const std::size_t count = std::min<std::size_t>(1 + random_() % 9, kTokens - token);
      if (random_() % 3 == 0) {
        step(kDecode, token++, {0}, cells, mixed);
      } else {
        step(3, token, any_rows(count), cells, mixed);
        token += count;
      }
    }
    ASSERT_EQ(plain, mixed) << "trial " << trial;
    compared += mixed.outputs.size();
  }
  EXPECT_GT(compared, 100000u);
}

TEST_P(InvarianceTest, NumberOfThreadsDoesNotChangeTheBits) {
  const Rows two = one_by_one();
  executor_.reset();  // The crew ends with its last executor.
  auto single = make_executor(model_, {.threads = 1});
  ASSERT_TRUE(single.ok()) << single.status();
  executor_ = *std::move(single);
  EXPECT_EQ(two, one_by_one());
}

TEST_P(InvarianceTest, PaddingRowsThatSeeNothingDisturbNobody) {
  LayerCall call(spec(), kGroups[2]);
  call.keys = random_bf16(call.keys.size(), random_);
  call.values = random_bf16(call.values.size(), random_);
  call.input = random_bf16(call.input.size(), random_);
  for (std::size_t row = 0; row < kChunk; ++row) {
    for (std::size_t column = 0; column <= 64 + row; ++column) call.show(row, column);
  }
  LayerCall padded = call;
  for (std::size_t row = 20; row < kChunk; ++row) {
    std::fill_n(padded.mask.data() + row * (64 + kChunk), 64 + kChunk, kBf16Hidden);
    std::fill_n(padded.input.data() + row * hidden_, hidden_, Bf16{0x7fc0});  // Not a number.
  }
  ASSERT_TRUE(call.run(*executor_, 2).ok());
  ASSERT_TRUE(padded.run(*executor_, 2).ok());
  EXPECT_TRUE(std::equal(call.output.begin(),
                         call.output.begin() + static_cast<std::ptrdiff_t>(20 * hidden_),
                         padded.output.begin()));
}

INSTANTIATE_TEST_SUITE_P(Formats, InvarianceTest, ::testing::Values("q8_0", "q4_0", "q4_1", "q5_1"),
                         [](const auto& name) { return name.param; });

}  // namespace
}  // namespace axle::softcard
