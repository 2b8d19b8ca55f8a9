// What is remembered of a probe, and when it is not believed.
#include "llm/prepare.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "base/file.h"
#include "llm/measure.h"
#include "llm/probe_cache.h"
#include "llm/testing/llm_fixture.h"

namespace axle::llm {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using ::testing::StartsWith;

constexpr const char* kBefore = "probed before; ";
constexpr const char* kNow = "probed in ";

class PrepareTest : public testing::LlmTest {
 protected:
  void SetUp() override {
    LlmTest::SetUp();
    fs::copy(tiny().info().folder, folder.path() / "model", fs::copy_options::recursive);
  }

  package::Package package() const {
    Result<package::Package> opened = package::Package::open(folder.path() / "model");
    EXPECT_TRUE(opened.ok()) << opened.status();
    return *std::move(opened);
  }

  fs::path cache_folder() const { return folder.path() / "cache"; }

  PrepareOptions options() const { return {.cache_folder = cache_folder()}; }

  // A card that plays `profile`, its model made ready.
  Prepared ready(const PrepareOptions& options, const std::string& profile = "threads = 1\n") {
    model.reset();
    card.reset();
    library.reset();
    play(profile);
    open();
    load(package());
    Result<Prepared> prepared = prepare(*model, options);
    EXPECT_TRUE(prepared.ok()) << prepared.status();
    return prepared.ok() ? *std::move(prepared) : Prepared();
  }

  fs::path record() const {
    for (const auto& entry : fs::directory_iterator(cache_folder())) return entry.path();
    ADD_FAILURE() << "no file in " << cache_folder();
    return {};
  }

  void rewrite(const std::string& content) const { std::ofstream(record()) << content; }

  package::testing::TemporaryFolder folder;
};

TEST_F(PrepareTest, SecondLoadFindsWhatTheFirstOneLearnt) {
  const Prepared first = ready(options());
  EXPECT_THAT(first.summary, StartsWith(kNow));
  EXPECT_THAT(first.summary, HasSubstr("exact: shared cells, "));
  EXPECT_FALSE(first.generator.costs.empty());
  const Prepared second = ready(options());
  EXPECT_THAT(second.summary, StartsWith(kBefore));
  EXPECT_EQ(second.report, first.report);
  EXPECT_EQ(second.generator.costs, first.generator.costs);
}

TEST_F(PrepareTest, RefusalsAreRememberedAndObeyed) {
  const std::string quirky = "threads = 1\nquirks = [\"chained_output\", \"hidden_cells\"]\n";
  EXPECT_THAT(ready(options(), quirky).summary, StartsWith(kNow));
  const Prepared second = ready(options(), quirky);
  EXPECT_THAT(second.summary, StartsWith(kBefore));
  EXPECT_TRUE(second.report.refuses(ProbePoint::kChained));
  EXPECT_TRUE(second.generator.clear_cells);
  EXPECT_FALSE(model->step().queued());
}

TEST_F(PrepareTest, AnotherCardItsOtherSoftwareOrAnotherProfileIsProbed) {
  ready(options());
  EXPECT_THAT(ready(options(), "threads = 1\n[[card]]\nuid = \"0x1234\"\n").summary,
              StartsWith(kNow));
  EXPECT_THAT(ready(options(), "threads = 2\n").summary, StartsWith(kNow));
  // The record of the second card is kept beside that of the first.
  const auto files = std::distance(fs::directory_iterator(cache_folder()), {});
  EXPECT_EQ(files, 2);
}

TEST_F(PrepareTest, ChangedFirmwareIsProbedAgain) {
  ready(options());
  const Result<std::string> text = read_file(record());
  ASSERT_TRUE(text.ok()) << text.status();
  const std::size_t at = text->find("firmware ");
  ASSERT_NE(at, std::string::npos) << *text;
  std::string other = *text;
  other.replace(at, 9, "firmware V1.0.0 ");
  rewrite(other);
  EXPECT_THAT(ready(options()).summary, StartsWith(kNow));
  EXPECT_THAT(ready(options()).summary, StartsWith(kBefore));
}

TEST_F(PrepareTest, ChangedPackageIsProbedAgain) {
  ready(options());
  const fs::path layer = package().layer_path(1);
  fs::last_write_time(layer, fs::last_write_time(layer) + std::chrono::seconds(1));
  EXPECT_THAT(ready(options()).summary, StartsWith(kNow));
  EXPECT_THAT(ready(options()).summary, StartsWith(kBefore));
}

TEST_F(PrepareTest, BrokenOrOldFilesAreProbedAgain) {
  ready(options());
  const Result<std::string> good = read_file(record());
  ASSERT_TRUE(good.ok()) << good.status();
  std::string old = *good;
  old.replace(old.find("\"format\":1"), 10, "\"format\":0");
  std::string verdict = *good;
  verdict.replace(verdict.find("\"exact\""), 7, "\"great\"");
  const std::string half = good->substr(0, good->size() / 2);
  for (const std::string& content : {std::string(), std::string("[]"), std::string("{}"), half, old,
                                     verdict, std::string(2 << 20, ' ')}) {
    rewrite(content);
    EXPECT_THAT(ready(options()).summary, StartsWith(kNow)) << content.substr(0, 80);
    EXPECT_THAT(ready(options()).summary, StartsWith(kBefore));
  }
}

TEST_F(PrepareTest, FolderThatCannotBeWrittenOnlyMeansProbingAgain) {
  std::ofstream(cache_folder()) << "no folder";
  EXPECT_THAT(ready(options()).summary, StartsWith(kNow));
  EXPECT_THAT(ready(options()).summary, StartsWith(kNow));
}

TEST_F(PrepareTest, ChoicesOfTheOperatorHold) {
  PrepareOptions always = options();
  always.probe = ProbeChoice::kAlways;
  EXPECT_THAT(ready(always).summary, StartsWith(kNow));
  EXPECT_THAT(ready(always).summary, StartsWith(kNow));
  PrepareOptions off = options();
  off.probe = ProbeChoice::kOff;
  const Prepared unprobed = ready(off);
  EXPECT_EQ(unprobed.summary, "not probed");
  EXPECT_EQ(unprobed.report, ProbeReport());
  EXPECT_TRUE(model->step().queued());

  PrepareOptions vendor = options();
  vendor.order = OrderChoice::kVendor;
  const Prepared plain = ready(vendor);
  EXPECT_THAT(plain.summary, StartsWith(kNow));  // What was known was known of another order.
  EXPECT_FALSE(model->step().queued());
  EXPECT_EQ(plain.report[ProbePoint::kChained].verdict, Verdict::kUntested);
  EXPECT_THAT(ready(options()).summary, StartsWith(kNow));
}

TEST_F(PrepareTest, PointThatLosesTheCardTwiceIsNotTriedAgain) {
  model.reset();
  open();
  load(package());
  const Result<ProbeKey> key = probe_key(*card, model->package());
  ASSERT_TRUE(key.ok()) << key.status();
  const ProbeCache cache(cache_folder());
  ProbeCache::Losses losses{};
  losses[static_cast<std::size_t>(ProbePoint::kInPlace)] = 1;
  losses[static_cast<std::size_t>(ProbePoint::kQueued)] = 2;
  ASSERT_EQ(cache.keep_losses(*key, losses), Status());
  EXPECT_EQ(cache.losses(*key), losses);
  PrepareOptions in_place = options();
  in_place.step.cell_writes = CellWrites::kInPlace;
  const Prepared prepared = ready(in_place);
  EXPECT_TRUE(prepared.report.refuses(ProbePoint::kQueued));
  EXPECT_FALSE(prepared.report.refuses(ProbePoint::kInPlace));
  EXPECT_FALSE(model->step().queued());
  EXPECT_EQ(cache.losses(*key), ProbeCache::Losses{});  // It has come to an end.
}

TEST_F(PrepareTest, LostCardIsRememberedWithThePoint) {
  const std::string dying =
      "threads = 1\n[[fault]]\ncall = \"EngineExecute\"\naction = \"error\"\ncode = 0x8030040c\n"
      "at = 30\n";
  play(dying);
  open();
  load(package());
  const Result<ProbeKey> key = probe_key(*card, model->package());
  ASSERT_TRUE(key.ok()) << key.status();
  EXPECT_EQ(prepare(*model, options()).status().code(), Code::kCardLost);
  const ProbeCache::Losses losses = ProbeCache(cache_folder()).losses(*key);
  EXPECT_EQ(losses[static_cast<std::size_t>(ProbePoint::kSharedCells)], 1);
}

TEST_F(PrepareTest, StepsAreTimedWithinTheBudgetAndLeaveNothing) {
  open();
  load(package());
  const auto none = measure_costs(*model, std::chrono::nanoseconds(0));
  ASSERT_TRUE(none.ok()) << none.status();
  EXPECT_TRUE(none->empty());
  const auto costs = measure_costs(*model, std::chrono::minutes(1));
  ASSERT_TRUE(costs.ok()) << costs.status();
  const auto& groups = model->package().groups();
  for (std::size_t group = 0; group < groups.size(); ++group) {
    for (const std::size_t rows : {std::size_t{1}, std::size_t{8}, groups[group].rows}) {
      const auto is_it = [&](const CostSample& sample) {
        return sample.group == group && sample.rows == rows && sample.time.count() > 0;
      };
      EXPECT_EQ(std::ranges::count_if(*costs, is_it), rows <= groups[group].rows ? 1 : 0)
          << group << " " << rows;
    }
  }
  std::vector<std::byte> rows(model->bank(0).k(1).size_bytes);
  ASSERT_EQ(card::read(*card, model->bank(0).k(1), rows), Status());
  EXPECT_THAT(rows, ::testing::Each(std::byte{0}));
}

TEST_F(PrepareTest, RecordsOfAPackageAreFoundByItsFiles) {
  ready(options());
  const ProbeCache cache(cache_folder());
  const std::string path = package().info().folder.string();
  const std::vector<ProbeRecord> found = cache.of_files(path, hash_of_files(package()));
  ASSERT_EQ(found.size(), 1u);
  EXPECT_THAT(found[0].key.card, HasSubstr("AX650"));
  EXPECT_EQ(found[0].report[ProbePoint::kChained].verdict, Verdict::kExact);
  EXPECT_TRUE(cache.of_files(path, "other files").empty());
  EXPECT_TRUE(ProbeCache("/nonexistent").of_files(path, "").empty());
}

}  // namespace
}  // namespace axle::llm
