#include "llm/mask.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace axle::llm {
namespace {

// The mask as rows of '.', visible, and '#', hidden; '?' for any other number.
std::vector<std::string> picture(std::span<const MaskRow> rows, MaskShape shape) {
  std::vector<Bf16> mask(shape.elements(), Bf16{0x1234});
  fill_mask(rows, shape, mask);
  std::vector<std::string> lines;
  for (std::size_t row = 0; row < shape.rows; ++row) {
    std::string line;
    for (std::size_t column = 0; column < shape.columns(); ++column) {
      const Bf16 value = mask[row * shape.columns() + column];
      line += value == kBf16Zero ? '.' : value == kBf16Hidden ? '#' : '?';
    }
    lines.push_back(line);
  }
  return lines;
}

using Picture = std::vector<std::string>;

TEST(MaskTest, HiddenIsMinus65536InBf16) {
  EXPECT_EQ(to_float(kBf16Hidden), -65536.0f);
  EXPECT_EQ(kBf16Hidden.bits, 0xC780);
}

TEST(MaskTest, DecodeRowSeesItsCellsAndItself) {
  const std::vector<Cell> history = {0, 1, 2};
  const std::vector<MaskRow> rows = {{history, 0}};
  EXPECT_EQ(picture(rows, {.rows = 1, .history = 5}), (Picture{"...##."}));
}

TEST(MaskTest, CellsOfAHistoryMayBeScattered) {
  const std::vector<Cell> history = {4, 0, 2};
  const std::vector<MaskRow> rows = {{history, 0}};
  EXPECT_EQ(picture(rows, {.rows = 1, .history = 5}), (Picture{".#.#.."}));
}

TEST(MaskTest, FirstChunkIsALowerTriangleAndItsPaddingSeesNothing) {
  const std::vector<MaskRow> rows = {{{}, 0}, {{}, 0}, {{}, 0}};
  EXPECT_EQ(picture(rows, {.rows = 4, .history = 0}),
            (Picture{".###",  //
                     "..##",  //
                     "...#",  //
                     "####"}));
}

TEST(MaskTest, LaterChunkSeesItsHistoryWithAHoleUpToTheChunk) {
  const std::vector<Cell> history = {0, 1};
  const std::vector<MaskRow> rows = {{history, 0}, {history, 0}};
  EXPECT_EQ(picture(rows, {.rows = 3, .history = 4}),
            (Picture{"..##.##",  //
                     "..##..#",  //
                     "#######"}));
}

TEST(MaskTest, RowsOfSeveralConversationsDoNotSeeEachOther) {
  const std::vector<Cell> left = {0, 3};
  const std::vector<Cell> right = {1};
  const std::vector<MaskRow> rows = {{left, 0}, {right, 1}, {left, 0}, {{}, 3}, {right, 1}};
  EXPECT_EQ(picture(rows, {.rows = 5, .history = 4}),
            (Picture{".##..####",  //
                     "#.###.###",  //
                     ".##..#.##",  //
                     "#######.#",  //
                     "#.###.##."}));
}

TEST(MaskTest, ConversationsThatShareCellsBothSeeThem) {
  const std::vector<Cell> left = {0, 1};
  const std::vector<Cell> right = {0, 2};
  const std::vector<MaskRow> rows = {{left, 0}, {right, 1}};
  EXPECT_EQ(picture(rows, {.rows = 2, .history = 3}),
            (Picture{"..#.#",  //
                     ".#.#."}));
}

}  // namespace
}  // namespace axle::llm
