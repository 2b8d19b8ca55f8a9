// Rows carried on the software card: each byte arrives, wherever the cells are.
#include "llm/kv_rows.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <random>
#include <vector>

#include "llm/testing/llm_fixture.h"

namespace axle::llm {
namespace {

using Bytes = std::vector<std::byte>;

class KvRowsTest : public testing::LlmTest {
 protected:
  void SetUp() override {
    LlmTest::SetUp();
    load(tiny());
    rows = std::make_unique<ModelRows>(*model);
  }

  // Random rows of so many tokens.
  Bytes random_rows(std::size_t tokens) {
    Bytes bytes(tokens * rows->row_bytes());
    std::ranges::generate(bytes, [this] { return static_cast<std::byte>(random() % 256); });
    return bytes;
  }

  Bytes saved(std::size_t bank, const std::vector<Cell>& cells) {
    Bytes bytes(cells.size() * rows->row_bytes());
    EXPECT_EQ(rows->save({bank, cells}, bytes), Status());
    return bytes;
  }

  // The rows of some tokens of `all`, which has those of `tokens`: [layers][K, V][tokens] rows.
  Bytes part(const Bytes& all, std::size_t tokens, std::size_t first, std::size_t count) {
    Bytes bytes;
    std::size_t offset = 0;
    for (std::size_t layer = 0; layer < model->bank(0).layers(); ++layer) {
      const std::size_t row = model->bank(0).row_bytes(layer);
      for (int k_and_v = 0; k_and_v < 2; ++k_and_v, offset += tokens * row) {
        const auto begin = all.begin() + static_cast<std::ptrdiff_t>(offset + first * row);
        bytes.insert(bytes.end(), begin, begin + static_cast<std::ptrdiff_t>(count * row));
      }
    }
    return bytes;
  }

  const std::vector<Cell> scattered{40, 41, 3, 7, 8, 9, 2};
  const std::vector<Cell> elsewhere{60, 50, 51, 52, 90, 91, 10};
  std::unique_ptr<ModelRows> rows;
  std::mt19937 random{3};
};

TEST_F(KvRowsTest, WhatIsLoadedIsSaved) {
  const Bytes all = random_rows(scattered.size());
  ASSERT_EQ(rows->load(all, 0, {0, scattered}), Status());
  EXPECT_EQ(saved(0, scattered), all);
}

TEST_F(KvRowsTest, APartOfATextIsLoadedFromItsMiddle) {
  const Bytes all = random_rows(12);
  ASSERT_EQ(rows->load(all, 4, {0, scattered}), Status());
  EXPECT_EQ(saved(0, scattered), part(all, 12, 4, scattered.size()));
}

TEST_F(KvRowsTest, CopiesGoToTheirCellsAndTouchNoOther) {
  const std::vector<Cell> others{0, 1, 4, 5, 6, 59, 61, 92};
  const Bytes kept = random_rows(others.size());
  const Bytes all = random_rows(scattered.size());
  ASSERT_EQ(rows->load(kept, 0, {0, others}), Status());
  ASSERT_EQ(rows->load(all, 0, {0, scattered}), Status());
  ASSERT_EQ(rows->copy({0, scattered}, {0, elsewhere}), Status());
  EXPECT_EQ(saved(0, elsewhere), all);
  EXPECT_EQ(saved(0, scattered), all);
  EXPECT_EQ(saved(0, others), kept);
}

TEST_F(KvRowsTest, CopiesGoFromBankToBank) {
  const std::uint64_t before = model->memory_bytes();
  ASSERT_EQ(*rows->add_bank(), true);
  EXPECT_EQ(model->memory_bytes(), before + model->bank(0).memory_bytes());
  const Bytes all = random_rows(scattered.size());
  ASSERT_EQ(rows->load(all, 0, {0, scattered}), Status());
  ASSERT_EQ(rows->copy({0, scattered}, {1, elsewhere}), Status());
  EXPECT_EQ(saved(1, elsewhere), all);
  rows->drop_bank();
  EXPECT_EQ(model->memory_bytes(), before);
}

TEST_F(KvRowsTest, ACardWithoutRoomGivesNoBank) {
  rows.reset();
  model.reset();
  card.reset();
  library.reset();
  play("[[card]]\nmemory_mib = 60\n");
  load(tiny());
  rows = std::make_unique<ModelRows>(*model);
  const Result<bool> added = rows->add_bank();
  ASSERT_TRUE(added.ok()) << added.status();
  EXPECT_FALSE(*added);
}

}  // namespace
}  // namespace axle::llm
