#include "softcard/faults.h"

#include <gtest/gtest.h>

#include <set>

namespace axle::softcard {
namespace {

class FaultsTest : public testing::Test {
 protected:
  Faults make(FaultRule rule) {
    return Faults({rule}, "axle",
                  [this](std::uint64_t key) { return claimed_.insert(key).second; });
  }
  // Which of the next ten calls are hit, e.g. "..x.......".
  static std::string hits(Faults& faults, CallId call) {
    std::string text;
    for (int i = 0; i < 10; ++i) text += faults.on_call(call) != nullptr ? 'x' : '.';
    return text;
  }
  std::set<std::uint64_t> claimed_;
};

TEST_F(FaultsTest, ARuleHitsTheCallOfItsNumberOnly) {
  Faults faults = make({.call = CallId::kMalloc, .first = 3});
  EXPECT_EQ(hits(faults, CallId::kFree), "..........");
  EXPECT_EQ(hits(faults, CallId::kMalloc), "..x.......");
}

TEST_F(FaultsTest, ACountOfZeroHitsEveryLaterCall) {
  Faults all = make({.call = CallId::kInit, .first = 2, .count = 0});
  EXPECT_EQ(hits(all, CallId::kInit), ".xxxxxxxxx");
  Faults two = make({.call = CallId::kInit, .first = 2, .count = 2});
  EXPECT_EQ(hits(two, CallId::kInit), ".xx.......");
}

TEST_F(FaultsTest, AfterSoManyRunsTheNextCallIsHit) {
  Faults faults = make({.call = CallId::kMemcpy, .after_executes = 2});
  EXPECT_EQ(hits(faults, CallId::kMemcpy), "..........");
  faults.on_executed();
  EXPECT_EQ(hits(faults, CallId::kMemcpy), "..........");
  faults.on_executed();
  EXPECT_EQ(hits(faults, CallId::kMemcpy), "x.........");
}

TEST_F(FaultsTest, OncePerMachineMeansThatTheSecondProcessIsSpared) {
  const FaultRule rule{.call = CallId::kMalloc, .once = true, .key = 7};
  Faults first = make(rule);
  Faults second = make(rule);
  EXPECT_EQ(hits(first, CallId::kMalloc), "x.........");
  EXPECT_EQ(hits(second, CallId::kMalloc), "..........");
}

TEST_F(FaultsTest, RulesOfOtherProgramsDoNotCount) {
  Faults faults = make({.call = CallId::kMalloc, .process = "axcl-smi"});
  EXPECT_EQ(hits(faults, CallId::kMalloc), "..........");
}

}  // namespace
}  // namespace axle::softcard
