// What the probe finds out on software cards with quirks, and that texts are right on each.
#include "llm/probe.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "llm/prepare.h"
#include "llm/testing/llm_fixture.h"

namespace axle::llm {
namespace {

using ::testing::HasSubstr;
using testing::Recorder;

class ProbeTest : public testing::LlmTest {
 protected:
  // Rows of the tiny packages are smaller than what is written in place by itself.
  static constexpr StepOptions kWanted{.cell_writes = CellWrites::kInPlace};

  // A card with these quirks ("\"in_place\"") and the tiny model on it.
  void load_on(const std::string& quirks) {
    reference.reset();
    model.reset();
    card.reset();
    library.reset();
    play("threads = 1\nquirks = [" + quirks + "]\n");
    open();
    load(tiny());
  }

  ProbeReport probed() {
    Result<ProbeReport> report = probe(*model, {.wanted = kWanted});
    EXPECT_TRUE(report.ok()) << report.status();
    return report.ok() ? *report : ProbeReport();
  }

  // As a card process makes it ready, without a cache.
  Prepared prepared() {
    Result<Prepared> ready = prepare(*model, {.step = kWanted});
    EXPECT_TRUE(ready.ok()) << ready.status();
    return ready.ok() ? *std::move(ready) : Prepared();
  }

  bool all_cells_are_zero() {
    const KvCache& cache = model->bank(0);
    for (std::size_t layer = 0; layer < model->engines().layers.size(); ++layer) {
      for (const card::DeviceSpan span : {cache.k(layer), cache.v(layer)}) {
        std::vector<std::byte> bytes(span.size_bytes);
        EXPECT_EQ(card::read(*card, span, bytes), Status());
        if (std::ranges::any_of(bytes, [](std::byte it) { return it != std::byte{0}; }))
          return false;
      }
    }
    return true;
  }

  // Texts that push each other around: prompts longer than a chunk, guesses, a shared beginning.
  std::vector<GenerateRequest> requests() {
    std::vector<GenerateRequest> all;
    for (const unsigned seed : {1u, 2u, 3u}) {
      all.push_back(sampled(10 + 12 * seed, seed));
      all.back().max_new_tokens = 10;
    }
    all.push_back(request(30, 4));  // Greedy: it repeats itself, and is guessed.
    all.push_back(all[2]);
    all.back().prompt.push_back(5);
    return all;
  }
};

TEST_F(ProbeTest, HealthyCardDoesEverythingToTheBit) {
  load_on("");
  const ProbeReport report = probed();
  for (std::size_t i = 0; i < kProbePoints; ++i) {
    EXPECT_NE(report.findings[i].verdict, Verdict::kUntested) << describe(report);
    EXPECT_NE(report.findings[i].verdict, Verdict::kRefused) << describe(report);
    if (i < kDecidingPoints) {
      EXPECT_EQ(report.findings[i].verdict, Verdict::kExact) << describe(report);
    }
  }
  EXPECT_TRUE(all_cells_are_zero());
}

TEST_F(ProbeTest, PackageWithoutPrefillGroupsThatSeeCellsIsProbedToo) {
  load(tiny("qwen3", {0}));
  const ProbeReport report = probed();
  for (std::size_t i = 0; i < kDecidingPoints; ++i) {
    EXPECT_EQ(report.findings[i].verdict, Verdict::kExact) << describe(report);
  }
}

TEST_F(ProbeTest, WhatIsNotWantedIsNotTried) {
  load_on("");
  StepOptions vendor;
  vendor.order = StepOrder::kVendor;
  vendor.wide_head = false;
  const Result<ProbeReport> report = probe(*model, {.wanted = vendor});
  ASSERT_TRUE(report.ok()) << report.status();
  for (const ProbePoint point :
       {ProbePoint::kChained, ProbePoint::kQueued, ProbePoint::kInPlace, ProbePoint::kWideHead}) {
    EXPECT_EQ((*report)[point].verdict, Verdict::kUntested) << point_name(point);
  }
  EXPECT_EQ((*report)[ProbePoint::kSharedCells].verdict, Verdict::kExact);
}

TEST_F(ProbeTest, PointsThatLostTheCardAreRefusedUnseen) {
  load_on("");
  ProbeOptions options{.wanted = kWanted};
  options.skip[static_cast<std::size_t>(ProbePoint::kQueued)] = true;
  std::vector<ProbePoint> tried;
  options.trying = [&](ProbePoint point) { tried.push_back(point); };
  const Result<ProbeReport> report = probe(*model, options);
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_TRUE(report->refuses(ProbePoint::kQueued));
  EXPECT_FALSE(report->refuses(ProbePoint::kInPlace));
  EXPECT_THAT(tried, ::testing::Not(::testing::Contains(ProbePoint::kQueued)));
  EXPECT_THAT(tried, ::testing::Contains(ProbePoint::kInPlace));
}

TEST_F(ProbeTest, CallsThatTheCardRefusesAreFindings) {
  // The first run of the second runner: those before are plain ones, 3 layers and a head each.
  play("threads = 1\n[[fault]]\ncall = \"EngineExecute\"\naction = \"error\"\nat = 29\n");
  load(tiny());
  const ProbeReport report = probed();
  EXPECT_TRUE(report.refuses(ProbePoint::kSharedCells)) << describe(report);
  EXPECT_FALSE(report.refuses(ProbePoint::kPermutedCells)) << describe(report);
}

TEST_F(ProbeTest, NumbersThatAreNoneFailTheProbeAndLeaveThePlainestWay) {
  play("threads = 1\n[[fault]]\ncall = \"EngineExecute\"\naction = \"nan\"\nat = 5\n");
  load(tiny());
  const Result<ProbeReport> report = probe(*model, {.wanted = {}});
  EXPECT_EQ(report.status().code(), Code::kInternal);
  model.reset();
  card.reset();
  library.reset();
  open();
  load(tiny());
  const Prepared ready = prepared();
  EXPECT_THAT(ready.summary, HasSubstr("probe failed"));
  EXPECT_EQ(ready.generator.max_running, 1u);
  EXPECT_FALSE(model->step().queued());
}

TEST_F(ProbeTest, LossOfTheCardIsAnError) {
  play(
      "threads = 1\n[[fault]]\ncall = \"EngineExecute\"\naction = \"error\"\ncode = 0x8030040c\n"
      "at = 40\n");
  load(tiny());
  EXPECT_EQ(probe(*model, {.wanted = {}}).status().code(), Code::kCardLost);
}

// ---- Quirks.

struct QuirkCase {
  const char* quirk;
  ProbePoint point;
};
void PrintTo(const QuirkCase& it, std::ostream* out) { *out << it.quirk; }

class QuirkTest : public ProbeTest, public ::testing::WithParamInterface<QuirkCase> {
 protected:
  void load_quirky() { load_on("\"" + std::string(GetParam().quirk) + "\""); }
};

TEST_P(QuirkTest, ProbeNamesThePointAndNoOther) {
  load_quirky();
  const ProbeReport report = probed();
  for (std::size_t i = 0; i < kProbePoints; ++i) {
    const auto point = static_cast<ProbePoint>(i);
    EXPECT_EQ(report.refuses(point), point == GetParam().point) << describe(report);
  }
  EXPECT_TRUE(all_cells_are_zero());
}

TEST_P(QuirkTest, TextsAreThoseOfAHealthyCard) {
  load_on("");
  std::vector<std::vector<TokenId>> expected;
  for (const GenerateRequest& it : requests()) expected.push_back(truth(it));
  load_quirky();
  Generator generator(*model, prepared().generator);
  Recorder recorder;
  const std::vector<GenerateRequest> all = requests();
  // Twice: what the first ones left behind must not disturb the second.
  for (int round = 0; round < 2; ++round) {
    const int first = round * static_cast<int>(all.size());
    for (std::size_t i = 0; i < all.size(); ++i) {
      ASSERT_EQ(generator.add(id(first + static_cast<int>(i)), all[i]), Status());
    }
    run(generator, recorder);
    for (std::size_t i = 0; i < all.size(); ++i) {
      EXPECT_EQ(recorder[first + static_cast<int>(i)].ids, expected[i]) << round << " " << i;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Quirks, QuirkTest,
                         ::testing::Values(QuirkCase{"hidden_cells", ProbePoint::kSharedCells},
                                           QuirkCase{"cell_order", ProbePoint::kPermutedCells},
                                           QuirkCase{"chunk_output", ProbePoint::kChunkRows},
                                           QuirkCase{"mixed_chunks", ProbePoint::kMixedChunks},
                                           QuirkCase{"wide_head", ProbePoint::kWideHead},
                                           QuirkCase{"chained_output", ProbePoint::kChained},
                                           QuirkCase{"queued_inputs", ProbePoint::kQueued},
                                           QuirkCase{"in_place", ProbePoint::kInPlace},
                                           QuirkCase{"nan_cells", ProbePoint::kNanCells},
                                           QuirkCase{"above_diagonal", ProbePoint::kAboveDiagonal},
                                           QuirkCase{"far_positions", ProbePoint::kFarPositions}),
                         [](const auto& it) { return std::string(it.param.quirk); });

// Each quirk does harm where nobody asks: else the tests above would test nothing.
TEST_F(ProbeTest, WithoutAProbeTextsWouldBeWrong) {
  load_on("");
  std::vector<std::vector<TokenId>> expected;
  for (const GenerateRequest& it : requests()) expected.push_back(truth(it));
  for (const char* quirk : {"hidden_cells", "cell_order", "chunk_output", "mixed_chunks",
                            "wide_head", "chained_output", "queued_inputs", "in_place"}) {
    load_on("\"" + std::string(quirk) + "\"");
    ASSERT_EQ(model->use(kWanted), Status());
    Generator generator(*model, {});
    Recorder recorder;
    const std::vector<GenerateRequest> all = requests();
    // The first one alone, the others together.
    for (std::size_t i = 0; i < all.size(); ++i) {
      ASSERT_EQ(generator.add(id(static_cast<int>(i)), all[i]), Status());
      if (i == 0) run(generator, recorder);
    }
    run(generator, recorder);
    bool right = true;
    for (std::size_t i = 0; i < all.size(); ++i) {
      right = right && recorder[static_cast<int>(i)].ids == expected[i];
    }
    EXPECT_FALSE(right) << quirk;
  }
}

TEST_F(ProbeTest, AllQuirksAtOnceStillGiveTheTexts) {
  load_on("");
  const std::vector<TokenId> expected = truth(requests()[2]);
  load_on(
      "\"hidden_cells\", \"cell_order\", \"chunk_output\", \"mixed_chunks\", \"wide_head\", "
      "\"chained_output\", \"queued_inputs\", \"in_place\", \"nan_cells\"");
  const Prepared ready = prepared();
  Generator generator(*model, ready.generator);
  Recorder recorder;
  ASSERT_EQ(generator.add(id(1), requests()[0]), Status());
  ASSERT_EQ(generator.add(id(2), requests()[2]), Status());
  run(generator, recorder);
  EXPECT_EQ(recorder[2].ids, expected) << ready.summary;
}

}  // namespace
}  // namespace axle::llm
