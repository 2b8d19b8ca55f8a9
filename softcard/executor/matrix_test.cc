#include "softcard/executor/matrix.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "softcard/executor/test_engines.h"

namespace axle::softcard {
namespace {

using testing::half_value;
using testing::random_blocks;

// One weight row as numbers, by the definition of the formats (ggml 0.25.3, ggml-common.h).
std::vector<double> row_values(const std::string& format, const std::byte* row,
                               std::size_t columns) {
  const std::size_t block_bytes = axmodel::format_layout(format)->block_bytes;
  const bool minimum = format.ends_with("_1");
  const bool five = format.starts_with("q5");
  std::vector<double> values(columns);
  for (std::size_t b = 0; b < columns / 32; ++b, row += block_bytes) {
    std::uint16_t scale_bits, minimum_bits;
    std::memcpy(&scale_bits, row, 2);
    std::memcpy(&minimum_bits, row + 2, 2);
    const std::byte* rest = row + (minimum ? 4 : 2);
    std::uint32_t high = 0;
    if (five) std::memcpy(&high, rest, 4);
    if (five) rest += 4;
    for (std::size_t i = 0; i < 32; ++i) {
      double quant =
          static_cast<double>(static_cast<std::int8_t>(rest[i % (format == "q8_0" ? 32 : 16)]));
      if (format != "q8_0") {
        const auto pair = static_cast<unsigned>(rest[i % 16]);
        const unsigned low = i < 16 ? pair & 15u : pair >> 4;
        quant = static_cast<double>(five ? low | (high >> i & 1u) << 4 : low) - (minimum ? 0
                                                                                 : five  ? 16
                                                                                         : 8);
      }
      values[32 * b + i] =
          half_value(scale_bits) * quant + (minimum ? half_value(minimum_bits) : 0.0);
    }
  }
  return values;
}

struct Rows {
  Rows(std::size_t rows, std::size_t columns)
      : memory(Activations::bytes(rows, columns)),
        a(Activations::in(memory.data(), rows, columns)) {
    std::mt19937 random(11);
    std::normal_distribution<float> normal;
    floats.resize(rows * columns);
    for (float& value : floats) value = normal(random);
    for (std::size_t row = 0; row < rows; ++row)
      quantise_row(floats.data() + row * columns, row, a);
  }
  std::vector<float> floats;
  AlignedArray<std::byte> memory;
  Activations a;
};

class MatrixTest : public ::testing::TestWithParam<std::string> {
 protected:
  static constexpr std::size_t kRows = 37;  // Not a whole number of groups.
  static constexpr std::size_t kColumns = 192;

  MatrixTest() {
    std::mt19937 random(5);
    const std::vector<std::int64_t> shape{kRows, kColumns};
    data_ = random_blocks(GetParam(), *axmodel::weight_bytes(GetParam(), shape), random);
    weight_ = {"w", GetParam(), shape, data_};
  }
  std::vector<std::byte> data_;
  axmodel::Weight weight_;
};

TEST_P(MatrixTest, ProductsAreThoseOfTheDequantisedWeights) {
  const Result<Matrix> matrix = Matrix::create(weight_);
  ASSERT_TRUE(matrix.ok()) << matrix.status();
  const Rows rows(kTileRows, kColumns);
  float out[kTileRows][kGroupRows];
  for (std::size_t group = 0; group < matrix->groups(); ++group) {
    matrix->multiply(group, rows.a, 0, kTileRows, out);
    for (std::size_t j = 0; j < kGroupRows && group * kGroupRows + j < kRows; ++j) {
      const std::size_t line = group * kGroupRows + j;
      const std::vector<double> w =
          row_values(GetParam(), data_.data() + line * data_.size() / kRows, kColumns);
      for (std::size_t i = 0; i < kTileRows; ++i) {
        double exact = 0.0;
        double size = 0.0;
        for (std::size_t c = 0; c < kColumns; ++c) {
          const auto scale = static_cast<double>(rows.a.scales[i * kColumns / 32 + c / 32]);
          const double term = w[c] * scale * rows.a.values[i * kColumns + c];
          exact += term;
          size += std::abs(term);
        }
        EXPECT_NEAR(out[i][j], exact, 2e-6 * size) << "row " << line << " of activations " << i;
      }
    }
  }
}

TEST_P(MatrixTest, ARowGivesTheSameBitsInEveryTile) {
  const Result<Matrix> matrix = Matrix::create(weight_);
  ASSERT_TRUE(matrix.ok()) << matrix.status();
  const Rows rows(kTileRows, kColumns);
  float alone[1][kGroupRows];
  float together[kTileRows][kGroupRows];
  for (std::size_t group = 0; group < matrix->groups(); ++group) {
    for (std::size_t count = 1; count <= kTileRows; ++count) {
      matrix->multiply(group, rows.a, kTileRows - count, count, together);
      for (std::size_t i = 0; i < count; ++i) {
        matrix->multiply(group, rows.a, kTileRows - count + i, 1, alone);
        EXPECT_EQ(std::memcmp(alone[0], together[i], sizeof(alone[0])), 0)
            << count << " rows, row " << i;
      }
    }
  }
}

TEST_P(MatrixTest, OutputsPastTheLastRowAreZero) {
  const Result<Matrix> matrix = Matrix::create(weight_);
  ASSERT_TRUE(matrix.ok()) << matrix.status();
  const Rows rows(1, kColumns);
  float out[1][kGroupRows];
  matrix->multiply(2, rows.a, 0, 1, out);
  for (std::size_t j = kRows % kGroupRows; j < kGroupRows; ++j) EXPECT_EQ(out[0][j], 0.0f);
}

INSTANTIATE_TEST_SUITE_P(Formats, MatrixTest,
                         ::testing::Values("q8_0", "q4_0", "q4_1", "q5_0", "q5_1"),
                         [](const auto& name) { return name.param; });

TEST(MatrixCreateTest, OtherFormatsAreUnsupportedByName) {
  const std::vector<std::byte> data(4 * 32 * 32);
  const Result<Matrix> matrix = Matrix::create({"attn_q", "f32", {32, 32}, data});
  ASSERT_FALSE(matrix.ok());
  EXPECT_EQ(matrix.status().code(), Code::kUnsupported);
  EXPECT_THAT(matrix.status().message(), ::testing::HasSubstr("'attn_q' has the format f32"));
}

TEST(QuantiseRowTest, ErrorIsAtMostHalfAStep) {
  const Rows rows(3, 256);
  for (std::size_t i = 0; i < 3 * 256; ++i) {
    const float scale = rows.a.scales[i / 32];
    EXPECT_NEAR(scale * static_cast<float>(rows.a.values[i]), rows.floats[i], 0.5001f * scale);
  }
}

TEST(QuantiseRowTest, ZerosStayZeros) {
  AlignedArray<std::byte> memory(Activations::bytes(1, 32));
  const Activations a = Activations::in(memory.data(), 1, 32);
  const std::vector<float> zeros(32);
  quantise_row(zeros.data(), 0, a);
  EXPECT_EQ(a.scales[0], 0.0f);
  EXPECT_EQ(a.sums[0], 0);
}

}  // namespace
}  // namespace axle::softcard
