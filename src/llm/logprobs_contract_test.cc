#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "llm/testing/llm_fixture.h"

// Log probabilities of a generator's tokens, on the software card.
namespace axle::llm::testing {
namespace {

// Keeps all that is said of tokens, by request.
class TokenSink : public EventSink {
 public:
  void progress(RequestId /*id*/, const jobs::Progress& /*progress*/) override {}
  void tokens(RequestId id, const jobs::Tokens& tokens) override {
    EXPECT_EQ(tokens.logprobs.size() % tokens.ids.size(), 0u);
    jobs::Tokens& all = heard[id];
    all.ids.insert(all.ids.end(), tokens.ids.begin(), tokens.ids.end());
    all.logprobs.insert(all.logprobs.end(), tokens.logprobs.begin(), tokens.logprobs.end());
  }
  void done(RequestId /*id*/, const jobs::Done& /*done*/) override {}
  void failed(RequestId /*id*/, const jobs::Failed& failed) override {
    ADD_FAILURE() << failed.status;
  }
  std::map<RequestId, jobs::Tokens> heard;
};

class LogprobsContractTest : public LlmTest {
 protected:
  std::map<RequestId, jobs::Tokens> answers(const std::vector<GenerateRequest>& requests) {
    Generator generator(*model, {});
    TokenSink sink;
    for (const GenerateRequest& request : requests) {
      EXPECT_EQ(generator.add(id(++added_), request), Status());
    }
    for (Result<bool> more = true; more.ok() && *more;) more = generator.step(sink);
    return sink.heard;
  }
  int added_ = 0;
};

TEST_F(LogprobsContractTest, EachTokenHasItsOwnAndTheBestAndGreedyTakesTheBest) {
  load(tiny());
  ASSERT_FALSE(HasFatalFailure());
  GenerateRequest greedy = request(20);
  greedy.top_logprobs = 3;
  const jobs::Tokens heard = answers({greedy}).at(id(1));
  ASSERT_EQ(heard.logprobs.size(), heard.ids.size() * 4);
  for (std::size_t i = 0; i < heard.ids.size(); ++i) {
    const auto entry = [&](std::size_t of) { return heard.logprobs[i * 4 + of]; };
    EXPECT_EQ(entry(0).first, heard.ids[i]);
    EXPECT_EQ(entry(0), entry(1)) << "greedy takes the best";
    double sum = 0.0;
    for (std::size_t of = 1; of < 4; ++of) {
      sum += std::exp(static_cast<double>(entry(of).second));
      EXPECT_LE(entry(of).second, entry(of == 1 ? 0 : of - 1).second);
    }
    EXPECT_LE(sum, 1.0 + 1e-5);
  }
}

TEST_F(LogprobsContractTest, TheyChangeNoTextAndDependOnTheRequestAlone) {
  load(tiny());
  ASSERT_FALSE(HasFatalFailure());
  GenerateRequest asked = sampled(20, 3);
  asked.top_logprobs = 2;
  const auto alone = answers({asked});
  const auto together = answers({sampled(30, 4), asked, sampled(20, 3)});
  EXPECT_EQ(together.at(id(3)), alone.at(id(1)));
  EXPECT_EQ(together.at(id(4)).ids, alone.at(id(1)).ids);
  EXPECT_TRUE(together.at(id(4)).logprobs.empty()) << "nobody asked";
}

TEST_F(LogprobsContractTest, TheyAreThoseOfTheModelWhateverIsSampled) {
  load(tiny());
  ASSERT_FALSE(HasFatalFailure());
  GenerateRequest plain = request(20);
  plain.top_logprobs = 1;
  plain.max_new_tokens = 1;
  const jobs::Tokens best = answers({plain}).at(id(1));
  GenerateRequest biased = plain;
  biased.sampling.logit_bias = {{best.ids[0], -100.0f}};
  biased.sampling.temperature = 0.5f;
  const jobs::Tokens other = answers({biased}).at(id(2));
  EXPECT_NE(other.ids[0], best.ids[0]);
  EXPECT_EQ(other.logprobs[0].first, other.ids[0]);
  EXPECT_LE(other.logprobs[0].second, other.logprobs[1].second);
  EXPECT_EQ(other.logprobs[1], best.logprobs[1]) << "the bias is not in them";
}

}  // namespace
}  // namespace axle::llm::testing
