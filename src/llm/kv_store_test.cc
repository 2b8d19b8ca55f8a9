#include "llm/kv_store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <map>
#include <memory>
#include <random>
#include <set>
#include <vector>

#include "llm/plan.h"

namespace axle::llm {
namespace {

using ::testing::ElementsAre;
using ::testing::SizeIs;

using Content = std::uint64_t;

// What a computed row depends on: all tokens up to it.
Content content_of(std::span<const TokenId> prefix) {
  Content content{1469598103934665603};
  for (const TokenId token : prefix) {
    content = (content ^ static_cast<Content>(token)) * Content{1099511628211};
  }
  return content;
}

// Banks of cells that hold one number each.
class FakeRows : public RowMover {
 public:
  FakeRows(std::size_t cells, std::size_t max_banks) : cells_(cells), max_banks_(max_banks) {
    banks.emplace_back(cells, 0);
  }

  std::size_t row_bytes() const override { return sizeof(Content); }
  Status copy(Place from, Place to) override {
    std::vector<Content> carried;
    for (const Cell cell : from.cells) carried.push_back(banks[from.bank][cell]);
    for (std::size_t i = 0; i < to.cells.size(); ++i) banks[to.bank][to.cells[i]] = carried[i];
    copied += carried.size();
    return {};
  }
  Status save(Place from, std::span<std::byte> rows) override {
    for (std::size_t i = 0; i < from.cells.size(); ++i) {
      std::memcpy(&rows[i * sizeof(Content)], &banks[from.bank][from.cells[i]], sizeof(Content));
    }
    ++saves;
    return {};
  }
  Status load(std::span<const std::byte> rows, std::size_t first, Place to) override {
    for (std::size_t i = 0; i < to.cells.size(); ++i) {
      std::memcpy(&banks[to.bank][to.cells[i]], &rows[(first + i) * sizeof(Content)],
                  sizeof(Content));
    }
    ++loads;
    return {};
  }
  Result<bool> add_bank() override {
    if (banks.size() == max_banks_) return false;
    banks.emplace_back(cells_, 0);
    return true;
  }
  void drop_bank() override { banks.pop_back(); }

  std::vector<std::vector<Content>> banks;
  std::size_t copied = 0;  // Cells.
  int saves = 0;
  int loads = 0;

 private:
  std::size_t cells_;
  std::size_t max_banks_;
};

package::LayerShape shape(std::size_t cells, std::size_t chunk,
                          const std::vector<std::size_t>& ladder) {
  package::LayerShape shape;
  shape.groups.push_back({.index = 0, .rows = 1, .history = cells, .cache_rows = cells});
  for (const std::size_t history : ladder) {
    shape.groups.push_back({.index = shape.groups.size(),
                            .rows = chunk,
                            .history = history,
                            .cache_rows = std::max<std::size_t>(history, 1)});
  }
  return shape;
}

class KvStoreTest : public ::testing::Test {
 protected:
  // 96 cells, of which prefill groups see the first 32; chunks of 8.
  static constexpr std::size_t kCells = 96;
  static constexpr std::size_t kVisible = 32;

  void open(const KvStoreOptions& options, std::size_t room = 4) {
    rows = std::make_unique<FakeRows>(kCells, room);
    store = std::make_unique<KvStore>(layers, *rows, options);
  }

  static std::vector<TokenId> text(std::size_t length, TokenId first) {
    std::vector<TokenId> tokens(length);
    for (std::size_t i = 0; i < length; ++i) tokens[i] = first + static_cast<TokenId>(i);
    return tokens;
  }

  std::unique_ptr<Conversation> conversation(const std::vector<TokenId>& prompt) {
    GenerateRequest request;
    request.prompt = prompt;
    request.max_new_tokens = 1000;
    ++arrivals;
    return std::make_unique<Conversation>(RequestId(arrivals), std::move(request), arrivals);
  }

  bool admit(Conversation& one) {
    const Result<bool> admitted = store->admit(one, running, costs);
    EXPECT_TRUE(admitted.ok());
    if (*admitted) running.push_back(&one);
    return *admitted;
  }

  // Computes all that is pending.
  void compute(Conversation& one) {
    while (one.pending() > 0) {
      if (one.reserved.empty()) {
        const auto taken = store->take(one.bank, 1, one.sequence.cells_end());
        ASSERT_TRUE(taken.ok());
        one.reserved.push_back(taken->front());
      }
      const std::size_t at = one.sequence.size();
      rows->banks[one.bank][one.reserved.front()] = content_of(one.tokens().first(at + 1));
      one.sequence.append(one.tokens()[at], static_cast<std::uint32_t>(at), one.reserved.front());
      one.reserved.pop_front();
    }
  }

  void end(Conversation& one) {
    store->release(one);
    std::erase(running, &one);
  }

  // A text that has begun, its next token not computed yet.
  std::unique_ptr<Conversation> answering(const std::vector<TokenId>& prompt) {
    auto one = conversation(prompt);
    EXPECT_TRUE(admit(*one));
    compute(*one);
    one->append_answer(7);
    return one;
  }
  void grow(Conversation& one) {
    compute(one);
    one.append_answer(7);
  }
  // How many of the texts all prefill groups see.
  static int seen(const auto& texts) {
    return static_cast<int>(std::ranges::count_if(
        texts, [](const auto& it) { return it->sequence.cells_end() <= kVisible; }));
  }

  // A finished text that is remembered.
  void remember(const std::vector<TokenId>& tokens) {
    const auto one = conversation(tokens);
    ASSERT_TRUE(admit(*one));
    compute(*one);
    end(*one);
  }

  // Is every computed row of it what it must be?
  bool intact(const Conversation& one) const {
    for (std::size_t i = 0; i < one.sequence.size(); ++i) {
      if (rows->banks[one.bank][one.sequence.cells()[i]] != content_of(one.tokens().first(i + 1))) {
        return false;
      }
    }
    return true;
  }

  package::LayerShape layers = shape(kCells, 8, {0, 8, 16, 32});
  StepCosts costs{std::vector<double>{1.0, 1.1, 1.1, 1.1, 1.1}};
  std::unique_ptr<FakeRows> rows;
  std::unique_ptr<KvStore> store;
  std::vector<Conversation*> running;
  std::uint64_t arrivals = 0;
};

TEST_F(KvStoreTest, APromptGetsTheLowestCellsInARow) {
  open({});
  const auto one = conversation(text(5, 100));
  ASSERT_TRUE(admit(*one));
  EXPECT_THAT(one->reserved, ElementsAre(0u, 1u, 2u, 3u, 4u));
}

TEST_F(KvStoreTest, RowsOfAStepAreNeighboursWhereThatCostsNoLargerHistory) {
  open({.prefix_cache = false});
  const auto first = conversation(text(3, 100));
  const auto second = conversation(text(3, 200));
  ASSERT_TRUE(admit(*first) && admit(*second));
  compute(*first);
  compute(*second);
  end(*first);  // Cells 0, 1 and 2 are free, and those from 6 on.
  EXPECT_THAT(*store->take(0, 4, 6), ElementsAre(0u, 1u, 2u, 6u)) << "8 cells are seen";
  for (const Cell cell : {0u, 1u, 2u, 6u}) store->give_back(0, cell);
  EXPECT_THAT(*store->take(0, 4, 9), ElementsAre(6u, 7u, 8u, 9u)) << "16 cells are seen anyway";
}

TEST_F(KvStoreTest, ABeginningThatIsThereIsSharedAndNotComputedAgain) {
  open({});
  remember(text(20, 100));
  const auto one = conversation(text(24, 100));
  EXPECT_EQ(store->known(one->tokens()), 20u);
  ASSERT_TRUE(admit(*one));
  EXPECT_EQ(one->pending(), 4u);
  EXPECT_TRUE(intact(*one));
}

TEST_F(KvStoreTest, ALongPromptSendsRememberedTextsUpInsteadOfGoingUpItself) {
  open({});
  remember(text(20, 100));
  const auto one = conversation(text(30, 500));
  ASSERT_TRUE(admit(*one));
  EXPECT_LT(*std::ranges::max_element(one->reserved), kVisible);
  const auto again = conversation(text(20, 100));
  ASSERT_TRUE(admit(*again));
  EXPECT_EQ(again->pending(), 1u) << "It is still remembered.";
  EXPECT_TRUE(intact(*again));
}

TEST_F(KvStoreTest, ALongPromptSendsRunningAnswersUpAndTheyComeDownAgain) {
  open({.prefix_cache = false});
  const std::array answers = {answering(text(6, 100)), answering(text(6, 200)),
                              answering(text(6, 300))};
  const auto prompt = conversation(text(30, 500));
  ASSERT_TRUE(admit(*prompt));
  const std::vector<Cell> cells(prompt->reserved.begin(), prompt->reserved.end());
  EXPECT_EQ(std::ranges::count_if(cells, [](Cell cell) { return cell < kVisible; }), 24)
      << "All but those of the last chunk, whose rows nothing follows.";
  EXPECT_EQ(seen(answers), 1) << "The youngest ones go up.";
  compute(*prompt);
  end(*prompt);
  ASSERT_TRUE(store->settle(0, running).ok());
  EXPECT_EQ(seen(answers), 3);
  for (const auto& answer : answers) EXPECT_TRUE(intact(*answer));
}

TEST_F(KvStoreTest, WhenLowCellsRunOutOneTextGoesUpInsteadOfEachWithItsNextToken) {
  open({.prefix_cache = false});
  const std::array answers = {answering(text(10, 100)), answering(text(10, 200)),
                              answering(text(10, 300))};
  ASSERT_TRUE(store->settle(0, running).ok());
  EXPECT_EQ(seen(answers), 2);
  for (int round = 0; round < 6; ++round) {
    ASSERT_TRUE(store->settle(0, running).ok());
    for (const auto& answer : answers) grow(*answer);
    EXPECT_EQ(seen(answers), 2) << round;
  }
  for (const auto& answer : answers) EXPECT_TRUE(intact(*answer));
}

TEST_F(KvStoreTest, ABeginningHighUpComesDownForThePromptThatNeedsIt) {
  open({});
  remember(text(20, 100));
  const auto one = conversation(text(30, 500));
  ASSERT_TRUE(admit(*one));  // Sends the remembered text up.
  compute(*one);
  end(*one);
  const auto next = conversation(text(28, 100));
  ASSERT_TRUE(admit(*next));
  EXPECT_EQ(next->pending(), 8u);
  EXPECT_LE(next->sequence.cells_end(), kVisible);
  EXPECT_TRUE(intact(*next));
}

TEST_F(KvStoreTest, AnotherBankIsTakenWhenTextsWaitForCells) {
  open({.max_banks = 2});
  const auto first = conversation(text(50, 100));
  const auto second = conversation(text(50, 500));
  const auto third = conversation(text(50, 900));
  ASSERT_TRUE(admit(*first) && admit(*second));
  EXPECT_EQ(second->bank, 1u);
  EXPECT_EQ(store->cells_total(), 2 * kCells);
  EXPECT_FALSE(admit(*third)) << "Two are allowed.";
}

TEST_F(KvStoreTest, ACardThatHasNoRoomForABankIsNotAskedAgainUntilATextEnds) {
  open({.max_banks = 3}, 1);
  const auto first = conversation(text(50, 100));
  const auto second = conversation(text(50, 500));
  ASSERT_TRUE(admit(*first));
  EXPECT_FALSE(admit(*second));
  end(*first);
  EXPECT_TRUE(admit(*second));
}

TEST_F(KvStoreTest, WhatAnotherBankHasIsCopiedAndNotComputedAgain) {
  open({.max_banks = 2});
  const auto first = conversation(text(40, 100));
  ASSERT_TRUE(admit(*first));
  compute(*first);
  store->keep(*first);
  std::vector<TokenId> tokens = text(30, 100);
  for (TokenId i = 0; i < 25; ++i) tokens.push_back(900 + i);
  const auto second = conversation(tokens);
  ASSERT_TRUE(admit(*second));
  EXPECT_EQ(second->bank, 1u);
  EXPECT_EQ(second->pending(), 25u);
  EXPECT_TRUE(intact(*second));
}

TEST_F(KvStoreTest, ATextGoesWhereOthersRunNotWhereItsBeginningIs) {
  open({.max_banks = 2});
  const auto first = conversation(text(40, 100));
  const auto second = conversation(text(60, 500));
  ASSERT_TRUE(admit(*first) && admit(*second));
  compute(*first);
  compute(*second);
  end(*second);  // Remembered in bank 1; the first one goes on in bank 0.
  std::vector<TokenId> tokens = text(20, 500);
  tokens.push_back(900);
  const auto third = conversation(tokens);
  ASSERT_TRUE(admit(*third));
  EXPECT_EQ(third->bank, first->bank);
  EXPECT_EQ(third->pending(), 1u) << "Its beginning is carried over.";
  EXPECT_TRUE(intact(*third));
}

TEST_F(KvStoreTest, WhatHadToLeaveTheCardComesBackFromTheHost) {
  open({.host_cache_bytes = 1000});
  remember(text(60, 100));
  remember(text(60, 500));
  EXPECT_EQ(rows->saves, 1);
  EXPECT_EQ(store->host_bytes(), 60 * sizeof(Content));
  const auto again = conversation(text(60, 100));
  EXPECT_EQ(store->known(again->tokens()), 60u);
  ASSERT_TRUE(admit(*again));
  EXPECT_EQ(rows->loads, 1);
  EXPECT_EQ(again->pending(), 1u);
  EXPECT_TRUE(intact(*again));
}

TEST_F(KvStoreTest, BanksThatNobodyRunsInAreGivenBackAndTheirTextsSaved) {
  open({.max_banks = 3, .host_cache_bytes = 10'000});
  const auto first = conversation(text(50, 100));
  const auto second = conversation(text(50, 500));
  ASSERT_TRUE(admit(*first) && admit(*second));
  compute(*second);
  EXPECT_EQ(*store->drop_idle_banks(), 0u);
  end(*second);
  EXPECT_EQ(*store->drop_idle_banks(), 1u);
  EXPECT_EQ(store->banks(), 1u);
  EXPECT_EQ(rows->banks.size(), 1u);
  EXPECT_EQ(store->known(text(50, 500)), 50u);
}

TEST_F(KvStoreTest, WithoutAPrefixCacheNothingIsRemembered) {
  open({.prefix_cache = false, .host_cache_bytes = 1000});
  remember(text(40, 100));
  EXPECT_EQ(store->known(text(40, 100)), 0u);
  EXPECT_EQ(store->cells_used(), 0u);
}

// Random texts that begin alike come, grow, are pushed out and end: every computed row stays what
// it must be, no cell is lost, and none has two uses.
class KvStorePropertyTest : public KvStoreTest, public ::testing::WithParamInterface<unsigned> {
 protected:
  void check() {
    for (std::size_t bank = 0; bank < store->banks(); ++bank) {
      std::map<Cell, Content> uses;
      for (const Conversation* one : running) {
        if (one->bank != bank) continue;
        ASSERT_TRUE(intact(*one));
        for (std::size_t i = 0; i < one->sequence.size(); ++i) {
          const Content content = content_of(one->tokens().first(i + 1));
          const auto [place, fresh] = uses.emplace(one->sequence.cells()[i], content);
          ASSERT_EQ(place->second, content);
        }
      }
      for (const Conversation* one : running) {
        for (const Cell cell : one->reserved) {
          ASSERT_TRUE(one->bank != bank || uses.emplace(cell, 0).second);
        }
      }
    }
  }

  std::vector<TokenId> random_text() {
    std::vector<TokenId> tokens(1 + random() % 55);
    // Few beginnings, so that many are shared.
    for (TokenId& token : tokens) token = static_cast<TokenId>(random() % 8 == 0 ? 1 : 0);
    return tokens;
  }

  std::mt19937 random{GetParam()};
};

TEST_P(KvStorePropertyTest, LosesDoublesAndMixesUpNothing) {
  open({.prefix_cache = GetParam() % 5 != 0,
        .max_banks = 1 + GetParam() % 3,
        .host_cache_bytes = GetParam() % 2 == 0 ? 0u : 60 * sizeof(Content)},
       2);
  std::vector<std::unique_ptr<Conversation>> texts;
  for (int round = 0; round < 600; ++round) {
    const std::size_t pick = running.empty() ? 0 : random() % running.size();
    switch (random() % 4) {
      case 0:
        texts.push_back(conversation(random_text()));
        (void)admit(*texts.back());
        break;
      case 1:
        if (!running.empty()) end(*running[pick]);
        break;
      case 2:
        if (!running.empty()) {
          ASSERT_TRUE(store->settle(running[pick]->bank, running).ok());
        }
        break;
      default:
        if (running.empty()) break;
        Conversation& one = *running[pick];
        if (one.reserved.empty() && store->spare(one.bank) == 0) break;
        compute(one);
        if (!one.answered()) store->keep(one);
        one.append_answer(static_cast<TokenId>(random() % 2));
    }
    ASSERT_NO_FATAL_FAILURE(check());
  }
  while (!running.empty()) end(*running.back());
  EXPECT_EQ(store->cells_used(), store->cells_cached());
}

INSTANTIATE_TEST_SUITE_P(Seeds, KvStorePropertyTest, ::testing::Range(0u, 24u));

}  // namespace
}  // namespace axle::llm
