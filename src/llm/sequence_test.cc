#include "llm/sequence.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace axle::llm {
namespace {

using ::testing::ElementsAre;

TEST(SequenceTest, KeepsTokensPositionsAndCellsInOrder) {
  Sequence sequence;
  sequence.append(7, 0, 5);
  sequence.append(8, 1, 2);
  EXPECT_THAT(sequence.tokens(), ElementsAre(7, 8));
  EXPECT_THAT(sequence.positions(), ElementsAre(0u, 1u));
  EXPECT_THAT(sequence.cells(), ElementsAre(5u, 2u));
  EXPECT_EQ(sequence.next_position(), 2u);
}

TEST(SequenceTest, CellsEndIsOneMoreThanTheHighestCell) {
  Sequence sequence;
  EXPECT_EQ(sequence.cells_end(), 0u);
  sequence.append(7, 0, 5);
  sequence.append(8, 1, 2);
  EXPECT_EQ(sequence.cells_end(), 6u);
}

TEST(SequenceTest, IsLikeNewAfterClear) {
  Sequence sequence;
  sequence.append(7, 3, 5);
  sequence.clear();
  EXPECT_TRUE(sequence.empty());
  EXPECT_EQ(sequence.size(), 0u);
  EXPECT_EQ(sequence.next_position(), 0u);
  EXPECT_EQ(sequence.cells_end(), 0u);
}

}  // namespace
}  // namespace axle::llm
