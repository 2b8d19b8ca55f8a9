#include "llm/plan.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <vector>

namespace axle::llm {
namespace {

// Decode with 100 cells, chunks of 8 rows with 0, 16 and 64 cells, as a package's ladder has them.
package::LayerShape ladder() {
  package::LayerShape shape;
  shape.hidden = 4;
  shape.kv_width = 2;
  shape.groups = {{.index = 0, .rows = 1, .history = 100, .cache_rows = 100},
                  {.index = 1, .rows = 8, .history = 0, .cache_rows = 1},
                  {.index = 2, .rows = 8, .history = 16, .cache_rows = 16},
                  {.index = 3, .rows = 8, .history = 64, .cache_rows = 64}};
  return shape;
}

StepCosts flat(const std::vector<double>& costs) { return StepCosts(costs); }

const StepCosts kCosts = flat({1.0, 2.0, 2.2, 3.0});

TEST(ChooseGroupTest, OneRowGoesToTheDecodeGroup) {
  EXPECT_EQ(choose_group(ladder(), kCosts, {.count = 1, .history_end = 0}), (GroupChoice{0, 1}));
  EXPECT_EQ(choose_group(ladder(), kCosts, {.count = 1, .history_end = 99}), (GroupChoice{0, 1}));
}

TEST(ChooseGroupTest, TakesTheSmallestHistoryThatCoversTheCells) {
  EXPECT_EQ(choose_group(ladder(), kCosts, {.count = 20, .history_end = 0}), (GroupChoice{1, 8}));
  EXPECT_EQ(choose_group(ladder(), kCosts, {.count = 20, .history_end = 1}), (GroupChoice{2, 8}));
  EXPECT_EQ(choose_group(ladder(), kCosts, {.count = 20, .history_end = 16}), (GroupChoice{2, 8}));
  EXPECT_EQ(choose_group(ladder(), kCosts, {.count = 20, .history_end = 17}), (GroupChoice{3, 8}));
}

TEST(ChooseGroupTest, FallsBackToDecodeBeyondTheLadder) {
  EXPECT_EQ(choose_group(ladder(), kCosts, {.count = 20, .history_end = 65}), (GroupChoice{0, 1}));
}

TEST(ChooseGroupTest, TakesAChunkOnlyWhereItIsCheaperPerRow) {
  // A chunk costs as much as two decode steps: worth it from three rows on.
  EXPECT_EQ(choose_group(ladder(), kCosts, {.count = 2, .history_end = 0}), (GroupChoice{0, 1}));
  EXPECT_EQ(choose_group(ladder(), kCosts, {.count = 3, .history_end = 0}), (GroupChoice{1, 3}));
  const StepCosts slow_chunks = flat({1.0, 6.0, 6.0, 6.0});
  EXPECT_EQ(choose_group(ladder(), slow_chunks, {.count = 6, .history_end = 0}),
            (GroupChoice{0, 1}));
  EXPECT_EQ(choose_group(ladder(), slow_chunks, {.count = 7, .history_end = 0}),
            (GroupChoice{1, 7}));
}

TEST(ChooseGroupTest, PackageWithDecodeAloneRunsRowByRow) {
  package::LayerShape shape = ladder();
  shape.groups.resize(1);
  EXPECT_EQ(choose_group(shape, flat({1.0}), {.count = 20, .history_end = 3}), (GroupChoice{0, 1}));
}

TEST(PrefillCostTest, AddsUpTheStepsThatWouldBeTaken) {
  // 8 rows without history, 8 with 8 cells, 4 with 16 cells.
  EXPECT_DOUBLE_EQ(prefill_cost(ladder(), kCosts, {.count = 20, .history_end = 0}),
                   2.0 + 2.2 + 2.2);
  // Beyond the ladder: row by row.
  EXPECT_DOUBLE_EQ(prefill_cost(ladder(), kCosts, {.count = 5, .history_end = 70}), 5.0);
}

TEST(PrefillCostTest, ShowsThatAShortCachedBeginningCanCostMoreThanNone) {
  package::LayerShape shape = ladder();
  shape.groups.resize(2);  // Decode and one chunk without history.
  const StepCosts costs = flat({1.0, 2.0});
  EXPECT_GT(prefill_cost(shape, costs, {.count = 6, .history_end = 2}),
            prefill_cost(shape, costs, {.count = 8, .history_end = 0}));
}

TEST(PrefillHistoryTest, IsTheLongestHistoryOfAChunk) {
  EXPECT_EQ(prefill_history(ladder()), 64u);
  package::LayerShape decode_only = ladder();
  decode_only.groups.resize(1);
  EXPECT_EQ(prefill_history(decode_only), 0u);
}

// ---- Several conversations.

Candidate answering(std::size_t history_end) { return {{1, history_end}, true}; }
Candidate prompt(std::size_t count, std::size_t history_end = 0) {
  return {{count, history_end}, false};
}

TEST(PlanStepTest, OneTextGoesThroughTheDecodeGroup) {
  EXPECT_EQ(plan_step(ladder(), kCosts, std::vector{answering(30)}), (StepChoice{0, {{0, 1}}}));
}

TEST(PlanStepTest, TextsShareAChunkFromWhereItIsCheaper) {
  // A chunk with 64 cells of history costs three decode steps.
  const std::vector<Candidate> three(3, answering(30));
  EXPECT_EQ(plan_step(ladder(), kCosts, three), (StepChoice{0, {{0, 1}}}));
  const std::vector<Candidate> four(4, answering(30));
  EXPECT_EQ(plan_step(ladder(), kCosts, four), (StepChoice{3, {{0, 1}, {1, 1}, {2, 1}, {3, 1}}}));
}

TEST(PlanStepTest, TakesTheSmallestHistoryThatServesMost) {
  const std::vector<Candidate> low(5, answering(10));
  EXPECT_EQ(plan_step(ladder(), kCosts, low).group, 2u);
  std::vector<Candidate> mixed = low;
  mixed[4] = answering(60);  // Four of five rows for 2.2 beat five for 3.
  EXPECT_EQ(plan_step(ladder(), kCosts, mixed).group, 2u);
  EXPECT_EQ(plan_step(ladder(), kCosts, mixed).shares.size(), 4u);
}

TEST(PlanStepTest, AConversationWhoseTurnItIsIsServedWhateverItCosts) {
  std::vector<Candidate> candidates(6, answering(10));
  candidates[0] = answering(90);  // Only the decode group sees it.
  EXPECT_EQ(plan_step(ladder(), kCosts, candidates), (StepChoice{0, {{0, 1}}}));
}

TEST(PlanStepTest, PromptsFillTheRowsThatTextsLeave) {
  const std::vector<Candidate> candidates = {answering(10), answering(10), prompt(20), prompt(3)};
  EXPECT_EQ(plan_step(ladder(), kCosts, candidates), (StepChoice{2, {{0, 1}, {1, 1}, {2, 6}}}));
}

TEST(PlanStepTest, APromptWhoseTurnItIsSharesTheRoomWithTexts) {
  std::vector<Candidate> candidates(9, answering(10));
  candidates[0] = prompt(20);
  const StepChoice choice = plan_step(ladder(), kCosts, candidates);
  EXPECT_EQ(choice.shares.front(), (Share{0, 4}));
  EXPECT_EQ(choice.shares.size(), 5u);
}

TEST(PlanStepTest, ShortPromptsGoTogether) {
  const std::vector<Candidate> candidates = {prompt(3), prompt(3), prompt(5)};
  EXPECT_EQ(plan_step(ladder(), kCosts, candidates), (StepChoice{1, {{0, 3}, {1, 3}, {2, 2}}}));
}

// As a processor has it: every row of a chunk costs.
StepCosts by_rows() {
  StepCosts costs = flat({1.0, 0.0, 0.0, 0.0});
  for (std::size_t group = 1; group < 4; ++group) {
    for (std::size_t mark = 0; mark < StepCosts::kMarks; ++mark) {
      costs.marks(group)[mark] = 1.0 + 0.5 * StepCosts::rows_of(mark);
    }
  }
  return costs;
}

TEST(PlanStepTest, PromptsDoNotMakeAStepLongerThanItsLimit) {
  package::LayerShape shape = ladder();
  for (package::Group& group : shape.groups) group.rows *= group.decode() ? 1u : 16u;
  const std::vector<Candidate> candidates = {prompt(100), answering(0)};
  EXPECT_EQ(plan_step(shape, by_rows(), candidates).shares.front().rows, 100u);
  const StepChoice limited = plan_step(shape, by_rows(), candidates, {.step_cost = 20.0});
  std::size_t rows = 0;
  for (const Share& share : limited.shares) rows += share.rows;
  EXPECT_LE(by_rows().of(limited.group, rows), 20.0);
  EXPECT_GT(rows, 16u);
  // Nobody reads: no limit.
  EXPECT_EQ(
      plan_step(shape, by_rows(), std::vector{prompt(100)}, {.step_cost = 20.0}).shares[0].rows,
      100u);
  // Where fewer rows are not cheaper, none are left out.
  const StepChoice card = plan_step(shape, kCosts, candidates, {.step_cost = 0.1});
  EXPECT_EQ(card.shares.front().rows, 100u);
}

Candidate guessing(std::size_t drafts, double chance) { return {{1, 10}, true, drafts, chance}; }

TEST(PlanStepTest, GuessesMakeAChunkWorthItsCost) {
  // A chunk costs 2.2: 1 + 0.8 + 0.64 + ... rows are worth more.
  EXPECT_EQ(plan_step(ladder(), kCosts, std::vector{guessing(5, 0.8)}),
            (StepChoice{2, {{0, 1, 5}}}));
  EXPECT_EQ(plan_step(ladder(), kCosts, std::vector{guessing(5, 0.5)}), (StepChoice{0, {{0, 1}}}));
}

TEST(PlanStepTest, GuessesTakeOnlyRowsThatNobodyElseWants) {
  const std::vector<Candidate> with_prompt = {guessing(5, 0.9), answering(10), prompt(50)};
  EXPECT_EQ(plan_step(ladder(), kCosts, with_prompt).shares,
            (std::vector<Share>{{0, 1}, {1, 1}, {2, 6}}));
  const std::vector<Candidate> texts = {guessing(5, 0.9), guessing(5, 0.5), answering(10)};
  EXPECT_EQ(plan_step(ladder(), kCosts, texts).shares,
            (std::vector<Share>{{0, 1, 5}, {1, 1}, {2, 1}}));
}

TEST(PlanStepTest, AGuessMustBeWorthItsRow) {
  const std::vector<Candidate> texts = {guessing(5, 0.6), answering(10), answering(10)};
  const StepChoice choice = plan_step(ladder(), by_rows(), texts);
  // A row costs half a decode step: chances of 0.6, then 0.36.
  EXPECT_EQ(choice.shares.front().drafts, 1u);
}

// Whatever wants to run: rows fit their group, groups see their histories, nobody has two shares or
// more rows than it wants, and the first one is always served.
TEST(PlanStepTest, EveryPlanCanBeRun) {
  const package::LayerShape shape = ladder();
  std::mt19937 random(7);
  const auto below = [&](std::size_t limit) { return static_cast<std::size_t>(random() % limit); };
  for (int round = 0; round < 5000; ++round) {
    std::vector<Candidate> candidates;
    const std::size_t count = 1 + below(12);
    for (std::size_t i = 0; i < count; ++i) {
      candidates.push_back(below(2) == 0 ? answering(below(101))
                                         : prompt(1 + below(40), below(101)));
      if (candidates.back().answering) {
        candidates.back().drafts = below(6);
        candidates.back().draft_chance = 0.01 * static_cast<double>(below(100));
      }
    }
    const StepCosts costs = below(2) == 0 ? kCosts : by_rows();
    const StepChoice choice =
        plan_step(shape, costs, candidates, {.step_cost = static_cast<double>(below(6))});
    const package::Group& group = shape.groups[choice.group];
    std::vector<bool> served(count, false);
    std::size_t rows = 0;
    for (const Share& share : choice.shares) {
      ASSERT_FALSE(served[share.candidate]);
      served[share.candidate] = true;
      const PendingRows& pending = candidates[share.candidate].pending;
      ASSERT_GT(share.rows, 0u);
      ASSERT_LE(share.rows, pending.count);
      ASSERT_LE(pending.history_end, group.history);
      ASSERT_LE(share.drafts, candidates[share.candidate].drafts);
      rows += share.rows + share.drafts;
    }
    ASSERT_TRUE(served[0]);
    ASSERT_LE(rows, group.rows);
  }
}

}  // namespace
}  // namespace axle::llm
