// Steps on the software card: rows of any conversations, in any cells, in any group give the bits
// that each row gives alone.
#include "llm/step.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "llm/testing/llm_fixture.h"

namespace axle::llm {
namespace {

class StepTest : public testing::LlmTest {
 protected:
  std::size_t group_of(std::size_t rows, std::size_t history) const {
    const auto& groups = model->package().groups();
    for (std::size_t group = 0; group < groups.size(); ++group) {
      if (groups[group].rows == rows && groups[group].history >= history) return group;
    }
    ADD_FAILURE() << "no group of " << rows << " rows that sees " << history << " cells";
    return 0;
  }

  static Row row(const Sequence& sequence, TokenId token, std::size_t ahead, Cell cell) {
    return {.sequence = &sequence,
            .token = token,
            .position = sequence.next_position() + static_cast<std::uint32_t>(ahead),
            .cell = cell,
            .wants_logits = true};
  }

  // Computes `tokens` one by one in the decode group; the logits of the last.
  std::vector<Bf16> compute(Sequence& sequence, std::span<const TokenId> tokens,
                            std::span<const Cell> cells) {
    for (std::size_t i = 0; i < tokens.size(); ++i) {
      const Plan plan{.group = group_of(1, 0), .rows = {row(sequence, tokens[i], 0, cells[i])}};
      const Status ran = model->step().run(plan);
      EXPECT_TRUE(ran.ok()) << ran;
      sequence.append(tokens[i], plan.rows[0].position, cells[i]);
    }
    return logits(0);
  }

  std::vector<Bf16> logits(std::size_t r) const {
    const Result<std::span<const Bf16>> row = model->step().logits(r);
    EXPECT_TRUE(row.ok()) << row.status();
    return row.ok() ? std::vector<Bf16>(row->begin(), row->end()) : std::vector<Bf16>();
  }
};

TEST_F(StepTest, RowGivesTheSameLogitsWhateverCellsHoldItsHistory) {
  load(tiny());
  const std::vector<TokenId> tokens = prompt(6);
  Sequence in_order;
  const std::vector<Bf16> expected = compute(in_order, tokens, std::vector<Cell>{0, 1, 2, 3, 4, 5});
  Sequence scattered;
  EXPECT_EQ(compute(scattered, tokens, std::vector<Cell>{90, 7, 126, 33, 64, 12}), expected);
}

TEST_F(StepTest, ChunkGivesTheLogitsOfEachOfItsRowsAsOneByOne) {
  load(tiny());
  const std::vector<TokenId> tokens = prompt(10);
  std::vector<std::vector<Bf16>> expected;
  Sequence one_by_one;
  for (Cell i = 0; i < 10; ++i) {
    expected.push_back(compute(one_by_one, std::span(tokens).subspan(i, 1), std::vector<Cell>{i}));
  }
  Sequence whole;
  Plan plan{.group = group_of(kChunk, 0), .rows = {}};
  for (std::size_t i = 0; i < 10; ++i) {
    plan.rows.push_back(row(whole, tokens[i], i, static_cast<Cell>(100 - i)));
  }
  ASSERT_EQ(model->step().run(plan), Status());
  for (std::size_t i = 0; i < 10; ++i) EXPECT_EQ(logits(i), expected[i]) << "row " << i;
}

TEST_F(StepTest, LogitsAreRightInWhateverOrderAndHoweverFewAreAsked) {
  const std::vector<std::vector<std::size_t>> orders = {
      {0, 1, 2, 3, 4, 5}, {5, 4, 3, 2, 1, 0}, {2}, {1, 5, 0, 3}, {}, {4, 4, 0, 2}};
  const StepOptions ways[] = {{.submission = Submission::kQueued},
                              {.submission = Submission::kQueued, .wide_head = false},
                              {.submission = Submission::kBlocking, .wide_head = false}};
  for (const StepOptions& way : ways) {
    load(tiny(), way);
    const std::vector<TokenId> tokens = prompt(6);
    std::vector<std::vector<Bf16>> expected;
    Sequence one_by_one;
    for (Cell i = 0; i < 6; ++i) {
      expected.push_back(
          compute(one_by_one, std::span(tokens).subspan(i, 1), std::vector<Cell>{i}));
    }
    for (const std::vector<std::size_t>& order : orders) {
      const Sequence whole;
      Plan plan{.group = group_of(kChunk, 0), .rows = {}};
      for (std::size_t i = 0; i < 6; ++i) {
        plan.rows.push_back(row(whole, tokens[i], i, static_cast<Cell>(i)));
        plan.rows.back().wants_logits = i % 2 == 0;  // The others are scored when asked.
      }
      ASSERT_EQ(model->step().run(plan), Status());
      for (const std::size_t r : order) EXPECT_EQ(logits(r), expected[r]) << "row " << r;
    }
    model.reset();
  }
}

TEST_F(StepTest, RowsOfSeveralConversationsInOneChunkDoNotDisturbEachOther) {
  load(tiny());
  const std::vector<std::vector<TokenId>> texts = {prompt(9, 1), prompt(5, 2), prompt(12, 3)};
  // What each gives alone; the last two tokens are those of the chunk.
  std::vector<std::vector<Bf16>> expected;
  for (const auto& text : texts) {
    Sequence alone;
    std::vector<Cell> cells(text.size());
    for (Cell i = 0; i < cells.size(); ++i) cells[i] = i;
    const auto split = text.size() - 1;
    expected.push_back(compute(alone, std::span(text).first(split), cells));
    expected.push_back(
        compute(alone, std::span(text).subspan(split), std::span(cells).subspan(split)));
  }
  // All together, their histories interleaved.
  std::vector<Sequence> together(3);
  for (std::size_t c = 0; c < 3; ++c) {
    std::vector<Cell> cells;
    for (std::size_t i = 0; i + 2 < texts[c].size(); ++i)
      cells.push_back(static_cast<Cell>(3 * i + c));
    (void)compute(together[c], std::span(texts[c]).first(cells.size()), cells);
  }
  Plan plan{.group = group_of(kChunk, 40), .rows = {}};
  for (std::size_t ahead = 0; ahead < 2; ++ahead) {
    for (std::size_t c : {2u, 0u, 1u}) {
      const TokenId token = texts[c][texts[c].size() - 2 + ahead];
      plan.rows.push_back(row(together[c], token, ahead, static_cast<Cell>(60 + 7 * c + ahead)));
    }
  }
  ASSERT_EQ(model->step().run(plan), Status());
  for (std::size_t r = 0; r < 6; ++r) {
    const std::size_t conversation = std::vector<std::size_t>{2, 0, 1}[r % 3];
    EXPECT_EQ(logits(r), expected[2 * conversation + r / 3]) << "row " << r;
  }
}

TEST_F(StepTest, RowsWrittenByAPackedChunkServeAsHistory) {
  load(tiny());
  const std::vector<TokenId> left = prompt(7, 4);
  const std::vector<TokenId> right = prompt(7, 5);
  const std::vector<Cell> low = {0, 1, 2, 3, 4, 5, 6};
  Sequence alone_left, alone_right;
  const std::vector<Bf16> expected_left = compute(alone_left, left, low);
  const std::vector<Bf16> expected_right = compute(alone_right, right, low);

  Sequence a, b;
  Plan plan{.group = group_of(kChunk, 0), .rows = {}};
  for (std::size_t i = 0; i < 6; ++i) {
    plan.rows.push_back(row(a, left[i], i, static_cast<Cell>(20 + 2 * i)));
    plan.rows.push_back(row(b, right[i], i, static_cast<Cell>(50 - i)));
  }
  for (Row& it : plan.rows) it.wants_logits = false;
  ASSERT_EQ(model->step().run(plan), Status());
  for (const Row& it : plan.rows) {
    (it.sequence == &a ? a : b).append(it.token, it.position, it.cell);
  }
  EXPECT_EQ(compute(a, std::span(left).subspan(6), std::vector<Cell>{0}), expected_left);
  EXPECT_EQ(compute(b, std::span(right).subspan(6), std::vector<Cell>{1}), expected_right);
}

TEST_F(StepTest, ForkedConversationsShareTheCellsOfTheirBeginning) {
  load(tiny());
  const std::vector<TokenId> tokens = prompt(8);
  Sequence trunk;
  (void)compute(trunk, std::span(tokens).first(6), std::vector<Cell>{9, 8, 7, 6, 5, 4});
  Sequence left = trunk, right = trunk;
  const std::vector<Bf16> expected =
      compute(left, std::span(tokens).subspan(6, 1), std::vector<Cell>{10});
  Plan both{.group = group_of(kChunk, 40), .rows = {}};
  both.rows.push_back(row(right, tokens[7], 0, 11));
  Sequence again = trunk;
  both.rows.push_back(row(again, tokens[6], 0, 12));
  ASSERT_EQ(model->step().run(both), Status());
  EXPECT_EQ(logits(1), expected);
  EXPECT_NE(logits(0), expected);
}

TEST_F(StepTest, RefusesPlansThatCannotBe) {
  load(tiny());
  Sequence high;
  high.append(1, 0, 100);
  const Sequence none;
  const std::size_t chunk = group_of(kChunk, 0);
  const auto code = [&](const Plan& plan) { return model->step().run(plan).code(); };
  const auto vocab = static_cast<TokenId>(model->vocab_size());
  EXPECT_EQ(code({.group = chunk, .rows = {}}), Code::kInvalidArgument);
  EXPECT_EQ(code({.group = 99, .rows = {row(none, 1, 0, 0)}}), Code::kInvalidArgument);
  EXPECT_EQ(code({.group = chunk, .bank = 1, .rows = {row(none, 1, 0, 0)}}),
            Code::kInvalidArgument);
  EXPECT_EQ(code({.group = chunk, .rows = {row(high, 1, 0, 0)}}), Code::kInvalidArgument);
  EXPECT_EQ(code({.group = chunk, .rows = {row(none, vocab, 0, 0)}}), Code::kInvalidArgument);
  EXPECT_EQ(code({.group = chunk, .rows = {row(none, -1, 0, 0)}}), Code::kInvalidArgument);
  EXPECT_EQ(code({.group = chunk, .rows = {row(none, 1, 0, kCells)}}), Code::kInvalidArgument);
  EXPECT_EQ(code({.group = chunk, .rows = {row(none, 1, 0, 3), row(none, 2, 1, 3)}}),
            Code::kInvalidArgument);
  EXPECT_EQ(code({.group = chunk, .rows = {Row{}}}), Code::kInvalidArgument);
  Plan too_many{.group = chunk, .rows = {}};
  for (Cell i = 0; i <= kChunk; ++i) too_many.rows.push_back(row(none, 1, i, i));
  EXPECT_EQ(code(too_many), Code::kInvalidArgument);
}

TEST_F(StepTest, QueuesWhereTheLibraryCanAndBlocksWhereItCannot) {
  load(tiny());
  EXPECT_TRUE(model->step().queued());
  model.reset();
  card.reset();
  library.reset();
  open({"axclrtMemcpyAsync"});
  ASSERT_FALSE(card->features().async);
  load(tiny());
  EXPECT_FALSE(model->step().queued());
  LoadOptions queued;
  queued.step.submission = Submission::kQueued;
  EXPECT_EQ(Model::load(*card, tiny(), queued).status().code(), Code::kUnsupported);
}

}  // namespace
}  // namespace axle::llm
