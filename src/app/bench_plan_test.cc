#include "app/bench_plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <set>

namespace axle::app {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

// The cases of a scenario's round.
std::vector<BenchCase> cases_of(const std::string& name, const BenchOptions& options = {},
                                int round = 0) {
  const Result<std::vector<Scenario>> chosen = choose_scenarios({name}, options);
  EXPECT_TRUE(chosen.ok()) << chosen.status();
  return chosen->front().cases(options, round);
}

std::vector<std::string> names_of(const std::vector<BenchCase>& cases) {
  std::vector<std::string> names;
  for (const BenchCase& one : cases) names.push_back(one.name);
  return names;
}

std::int64_t words(const std::string& text) {
  return text.empty() ? 0 : std::count(text.begin(), text.end(), ' ') + 1;
}

TEST(BenchPlanTest, PromptsAreRepeatableAndDifferByVariant) {
  EXPECT_EQ(prompt_of(8, 1), prompt_of(8, 1));
  EXPECT_NE(prompt_of(8, 1), prompt_of(8, 2));
  EXPECT_EQ(words(prompt_of(8, 1)), 8);
}

TEST(BenchPlanTest, NoPromptOfARunComesTwice) {
  std::set<std::string> prompts;
  std::size_t asks = 0;
  for (const Scenario& scenario : bench_scenarios()) {
    for (const int seed : {0, 1}) {
      for (int round = 0; round < 3; ++round) {
        for (const BenchCase& one : scenario.cases({.seed = seed}, round)) {
          for (const std::vector<BenchAsk>& client : one.clients) {
            asks += client.size();
            for (const BenchAsk& ask : client) prompts.insert(ask.system + ask.user);
          }
        }
      }
    }
  }
  EXPECT_EQ(prompts.size(), asks);
}

TEST(BenchPlanTest, TheSameOptionsGiveTheSameRequests) {
  for (const Scenario& scenario : bench_scenarios()) {
    const std::vector<BenchCase> once = scenario.cases({.seed = 7}, 1);
    const std::vector<BenchCase> again = scenario.cases({.seed = 7}, 1);
    ASSERT_EQ(once.size(), again.size());
    EXPECT_EQ(once.back().clients.back().back().user, again.back().clients.back().back().user);
    EXPECT_EQ(once.back().clients.back().back().at, again.back().clients.back().back().at);
  }
}

TEST(BenchPlanTest, LengthsAreThoseThatWereAskedFor) {
  const std::vector<BenchCase> cases =
      cases_of("lengths", {.prompt_tokens = {5, 50}, .new_tokens = 9, .clients = 2});
  EXPECT_THAT(names_of(cases), ElementsAre("5 tokens", "50 tokens"));
  ASSERT_EQ(cases[1].clients.size(), 2u);
  EXPECT_EQ(words(cases[1].clients[0][0].user), 50);
  EXPECT_EQ(cases[1].clients[0][0].new_tokens, 9);
}

TEST(BenchPlanTest, ClientsDoubleUpToTheirNumber) {
  EXPECT_THAT(names_of(cases_of("clients")),
              ElementsAre("1 client", "2 clients", "4 clients", "8 clients"));
  EXPECT_THAT(names_of(cases_of("clients", {.clients = 5})),
              ElementsAre("1 client", "2 clients", "4 clients", "5 clients"));
  EXPECT_THAT(names_of(cases_of("clients", {.clients = 1})), ElementsAre("1 client"));
}

TEST(BenchPlanTest, MixedRequestsAreDealtOutToTheClients) {
  const std::vector<BenchCase> cases = cases_of("mixed", {.clients = 2, .requests = 5});
  ASSERT_EQ(cases[0].clients.size(), 2u);
  EXPECT_EQ(cases[0].clients[0].size(), 3u);
  EXPECT_EQ(cases[0].clients[1].size(), 2u);
}

TEST(BenchPlanTest, SharedClientsHaveOneSystemMessageAndOwnQuestions) {
  const std::vector<BenchCase> cases = cases_of("shared");
  ASSERT_EQ(cases[0].clients.size(), 20u);
  const BenchAsk& first = cases[0].clients[0][0];
  EXPECT_EQ(words(first.system), 600);
  for (std::size_t i = 1; i < 20; ++i) {
    EXPECT_EQ(cases[0].clients[i][0].system, first.system);
    EXPECT_NE(cases[0].clients[i][0].user, first.user);
  }
  EXPECT_NE(cases_of("shared", {}, 1)[0].clients[0][0].system, first.system);
}

TEST(BenchPlanTest, ArrivalsComeAtTheirRateAndNeverBackwards) {
  const std::vector<BenchCase> cases = cases_of("arrivals", {.requests = 2000, .rate = 4.0});
  ASSERT_EQ(cases[0].clients.size(), 2000u);
  double last = 0;
  for (const std::vector<BenchAsk>& client : cases[0].clients) {
    EXPECT_GE(client[0].at.count(), last);
    last = client[0].at.count();
    EXPECT_GE(words(client[0].user), 16);
    EXPECT_LE(words(client[0].user), 768);
  }
  EXPECT_NEAR(last, 2000 / 4.0, 56);  // Five standard deviations.
}

TEST(BenchPlanTest, UnknownScenariosAndFlagsWithoutEffectAreRefused) {
  EXPECT_THAT(choose_scenarios({"speed"}, {}).status().message(),
              HasSubstr("there are all, lengths, prefill"));
  EXPECT_THAT(choose_scenarios({"decode"}, {.rate = 2.0}).status().message(),
              HasSubstr("--rate has no effect on decode; it goes with arrivals"));
  EXPECT_TRUE(choose_scenarios({"decode", "arrivals"}, {.rate = 2.0}).ok());
  EXPECT_EQ(choose_scenarios({"all"}, {})->size(), bench_scenarios().size());
  EXPECT_EQ(choose_scenarios({}, {})->front().name, "lengths");
}

}  // namespace
}  // namespace axle::app
