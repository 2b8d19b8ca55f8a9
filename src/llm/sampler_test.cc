#include "llm/sampler.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <numeric>
#include <random>
#include <set>
#include <vector>

#include "llm/random.h"

namespace axle::llm {
namespace {

std::vector<Bf16> bf16(const std::vector<float>& values) {
  std::vector<Bf16> result(values.size());
  to_bf16(values, result);
  return result;
}

// Logits as a language model gives them: a few tokens stand out, and bf16 makes many equal.
std::vector<Bf16> random_logits(std::size_t count, unsigned seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal(0.0f, 3.0f);
  std::vector<float> values(count);
  for (float& value : values) value = normal(random);
  return bf16(values);
}

// What DRY takes off each token, by comparing every earlier place with the end of the text.
std::map<TokenId, double> plain_dry(const DryOptions& options, std::vector<TokenId> tokens) {
  if (options.multiplier == 0.0f || options.window == 0) return {};
  if (options.window > 0 && tokens.size() > static_cast<std::size_t>(options.window)) {
    tokens.erase(tokens.begin(), tokens.end() - options.window);
  }
  const std::set<TokenId> breakers(options.breakers.begin(), options.breakers.end());
  const std::size_t size = tokens.size();
  std::map<TokenId, double> off;
  for (std::size_t next = 1; next < size; ++next) {
    std::size_t length = 0;
    while (length < next && tokens[next - 1 - length] == tokens[size - 1 - length] &&
           !breakers.contains(tokens[size - 1 - length])) {
      ++length;
    }
    if (length < static_cast<std::size_t>(options.allowed_length)) continue;
    if (breakers.contains(tokens[next])) continue;
    const double exponent = static_cast<double>(length) - options.allowed_length;
    const double penalty = static_cast<double>(options.multiplier) *
                           std::pow(static_cast<double>(options.base), exponent);
    off[tokens[next]] = std::max(off[tokens[next]], penalty);
  }
  return off;
}

struct Plain {
  TokenId id;
  double logit;
};

// Leaves the most typical of `all`, which is and stays sorted by falling logits.
void keep_typical(std::vector<Plain>& all, double share) {
  double mass = 0.0;
  for (const Plain& it : all) mass += std::exp(it.logit - all.front().logit);
  const auto logprob = [&, best = all.front().logit](const Plain& it) {
    return it.logit - best - std::log(mass);
  };
  double entropy = 0.0;
  for (const Plain& it : all) entropy -= std::exp(logprob(it)) * logprob(it);
  std::vector<std::pair<double, std::size_t>> order;
  for (std::size_t i = 0; i < all.size(); ++i) {
    order.emplace_back(std::abs(-logprob(all[i]) - entropy), i);
  }
  std::sort(order.begin(), order.end());
  std::set<std::size_t> kept;
  double sum = 0.0;
  for (std::size_t i = 0; i < order.size() && (i == 0 || sum < share); ++i) {
    kept.insert(order[i].second);
    sum += std::exp(logprob(all[order[i].second]));
  }
  std::vector<Plain> left;
  for (const std::size_t i : kept) left.push_back(all[i]);
  all = left;
}

// A plain choice, and whether the random number fell so near to the border of two tokens that
// rounding decides.
struct PlainChoice {
  TokenId id;
  bool on_the_border;
};

// What the options ask for, by the book: everything sorted, all sums in double precision.
PlainChoice plain_sample(std::span<const Bf16> logits, const SamplingOptions& options,
                         const Sampler::Context& context) {
  std::vector<Plain> all;
  for (std::size_t id = 0; id < logits.size(); ++id) {
    all.push_back({static_cast<TokenId>(id), static_cast<double>(to_float(logits[id]))});
  }
  const auto at = [&](TokenId id) -> double& { return all[static_cast<std::size_t>(id)].logit; };
  for (const auto& [id, bias] : options.logit_bias) at(id) += static_cast<double>(bias);
  std::vector<TokenId> tokens(context.prompt.begin(), context.prompt.end());
  tokens.insert(tokens.end(), context.answer.begin(), context.answer.end());
  const std::size_t window =
      options.penalty_window < 0
          ? tokens.size()
          : std::min(tokens.size(), static_cast<std::size_t>(options.penalty_window));
  const std::set<TokenId> recent(tokens.end() - static_cast<std::ptrdiff_t>(window), tokens.end());
  const double repetition = static_cast<double>(options.repetition_penalty);
  for (const TokenId id : recent) at(id) = at(id) > 0 ? at(id) / repetition : at(id) * repetition;
  for (const TokenId id : context.answer) at(id) -= static_cast<double>(options.frequency_penalty);
  for (const TokenId id : std::set<TokenId>(context.answer.begin(), context.answer.end())) {
    at(id) -= static_cast<double>(options.presence_penalty);
  }
  for (const auto& [id, off] : plain_dry(options.dry, tokens)) at(id) -= off;

  std::stable_sort(all.begin(), all.end(),
                   [](const Plain& left, const Plain& right) { return left.logit > right.logit; });
  if (options.top_k > 0 && static_cast<std::size_t>(options.top_k) < all.size()) {
    all.resize(static_cast<std::size_t>(options.top_k));
  }
  if (options.typical_p < 1.0f) keep_typical(all, static_cast<double>(options.typical_p));
  if (options.temperature == 0.0f) return {all.front().id, false};
  const double best = all.front().logit;
  const auto weight = [&](const Plain& it, double t) { return std::exp((it.logit - best) / t); };
  double total = 0.0;
  for (const Plain& it : all) total += weight(it, 1.0);
  double sum = 0.0;
  std::size_t kept = 0;
  while (kept < all.size() && (kept == 0 || sum < static_cast<double>(options.top_p) * total)) {
    sum += weight(all[kept++], 1.0);
  }
  if (options.top_p < 1.0f) all.resize(kept);
  std::erase_if(
      all, [&](const Plain& it) { return weight(it, 1.0) < static_cast<double>(options.min_p); });
  std::sort(all.begin(), all.end(),
            [](const Plain& left, const Plain& right) { return left.id < right.id; });
  const double temperature = static_cast<double>(options.temperature);
  total = 0.0;
  for (const Plain& it : all) total += weight(it, temperature);
  const double wanted = uniform_for_token(options.seed, context.answer.size()) * total;
  sum = 0.0;
  constexpr double kRounding = 1e-6;
  for (const Plain& it : all) {
    const double before = sum;
    sum += weight(it, temperature);
    if (sum > wanted) {
      return {it.id, std::min(wanted - before, sum - wanted) < kRounding * total};
    }
  }
  return {all.back().id, true};
}

TokenId sample(std::span<const Bf16> logits, const SamplingOptions& options,
               const Sampler::Context& context = {}) {
  Sampler sampler(logits.size());
  EXPECT_EQ(check_sampling(options, logits.size()), Status());
  const Result<TokenId> token = sampler.sample(logits, options, context);
  EXPECT_TRUE(token.ok()) << token.status();
  return token.ok() ? *token : -1;
}

struct Case {
  const char* name;
  SamplingOptions options;
};

void PrintTo(const Case& it, std::ostream* out) { *out << it.name; }

class SamplerAgainstPlainTest : public ::testing::TestWithParam<Case> {};

TEST_P(SamplerAgainstPlainTest, ChoosesTheSameTokenEveryTime) {
  constexpr std::size_t kVocab = 1500;
  std::mt19937 random(11);
  std::vector<TokenId> prompt(40);
  std::vector<TokenId> answer;
  for (TokenId& id : prompt) id = static_cast<TokenId>(random() % kVocab);
  Sampler sampler(kVocab);
  int on_the_border = 0;
  for (unsigned round = 0; round < 150; ++round) {
    const std::vector<Bf16> logits = random_logits(kVocab, round);
    SamplingOptions options = GetParam().options;
    options.seed = round / 10;
    const Sampler::Context context{.prompt = prompt, .answer = answer};
    const Result<TokenId> token = sampler.sample(logits, options, context);
    ASSERT_TRUE(token.ok()) << token.status();
    const PlainChoice plain = plain_sample(logits, options, context);
    if (plain.on_the_border) {
      ++on_the_border;
    } else {
      ASSERT_EQ(*token, plain.id) << "round " << round;
    }
    answer.push_back(round % 3 == 0 ? *token : static_cast<TokenId>(random() % kVocab));
  }
  EXPECT_LE(on_the_border, 2);
}

INSTANTIATE_TEST_SUITE_P(
    Options, SamplerAgainstPlainTest,
    ::testing::Values(
        Case{"defaults", {}}, Case{"greedy", {.temperature = 0.0f}},
        Case{"cool", {.temperature = 0.3f}}, Case{"hot", {.temperature = 2.0f}},
        Case{"top_k_1", {.top_k = 1}}, Case{"top_k_40", {.top_k = 40}},
        Case{"top_k_almost_all", {.top_k = 1499}}, Case{"top_k_beyond_vocab", {.top_k = 5000}},
        Case{"top_p_0", {.top_p = 0.0f}}, Case{"top_p_half", {.top_p = 0.5f}},
        Case{"top_p_most", {.top_p = 0.999f}}, Case{"min_p_small", {.min_p = 0.05f}},
        Case{"min_p_1", {.min_p = 1.0f}},
        Case{"all_filters", {.temperature = 0.8f, .top_p = 0.9f, .top_k = 60, .min_p = 0.02f}},
        Case{"repetition", {.temperature = 0.0f, .repetition_penalty = 1.5f}},
        Case{"repetition_of_all", {.repetition_penalty = 2.0f, .penalty_window = -1}},
        Case{"repetition_rewarded", {.repetition_penalty = 0.5f, .penalty_window = 8}},
        Case{"frequency", {.frequency_penalty = 1.5f}},
        Case{"presence", {.temperature = 0.0f, .presence_penalty = 2.0f}},
        Case{"negative_penalties", {.frequency_penalty = -0.7f, .presence_penalty = -1.0f}},
        Case{"bias", {.temperature = 0.0f, .logit_bias = {{3, 20.0f}, {4, 20.5f}, {3, 1.0f}}}},
        Case{"typical_little", {.typical_p = 0.05f}}, Case{"typical_half", {.typical_p = 0.5f}},
        Case{"typical_most", {.typical_p = 0.999f}},
        Case{"typical_cold", {.temperature = 0.05f, .typical_p = 0.3f}},
        Case{"typical_greedy", {.temperature = 0.0f, .typical_p = 0.1f}},
        Case{"typical_of_top_k", {.top_k = 30, .typical_p = 0.4f}},
        Case{"typical_then_the_others",
             {.temperature = 1.3f, .top_p = 0.8f, .top_k = 400, .min_p = 0.05f, .typical_p = 0.7f}},
        Case{"dry", {.temperature = 0.0f, .dry = {.multiplier = 2.0f, .allowed_length = 0}}},
        Case{"dry_with_breakers",
             {.temperature = 0.5f,
              .dry = {.multiplier = 3.0f, .allowed_length = 1, .breakers = {0, 1, 2, 700}}}},
        Case{"everything",
             {.temperature = 0.7f,
              .top_p = 0.95f,
              .top_k = 100,
              .min_p = 0.01f,
              .repetition_penalty = 1.1f,
              .frequency_penalty = 0.3f,
              .presence_penalty = 0.2f,
              .penalty_window = 30,
              .logit_bias = {{3, 4.0f}, {7, -100.0f}},
              .typical_p = 0.9f,
              .dry = {.multiplier = 0.8f, .allowed_length = 1, .window = 90}}}),
    [](const auto& it) { return it.param.name; });

TEST(SamplerTest, LowestIdWinsAmongEqualLogits) {
  const std::vector<Bf16> logits = bf16({1.0f, 5.0f, 5.0f, 5.0f});
  EXPECT_EQ(sample(logits, {.temperature = 0.0f}), 1);
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    EXPECT_EQ(sample(logits, {.top_k = 1, .seed = seed}), 1);
    EXPECT_LE(sample(logits, {.top_k = 2, .seed = seed}), 2);
    EXPECT_EQ(sample(logits, {.top_p = 0.0f, .seed = seed}), 1);
  }
}

TEST(SamplerTest, ForbiddenTokenIsNeverChosen) {
  const std::vector<Bf16> logits = bf16({20.0f, 1.0f, 0.5f});
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    EXPECT_NE(sample(logits, {.logit_bias = {{0, -100.0f}}, .seed = seed}), 0);
  }
}

TEST(SamplerTest, ExtremeOptionsChooseTheBestAndNothingElse) {
  std::vector<float> values(300, -3e38f);
  values[123] = 3e38f;
  const std::vector<Bf16> logits = bf16(values);
  const std::vector<TokenId> answer = {123, 123, 5};
  const SamplingOptions extremes[] = {
      {.temperature = 1e-6f},
      {.temperature = std::numeric_limits<float>::denorm_min()},
      {.temperature = 2.0f},
      {.top_p = 1e-30f},
      {.top_k = 300},
      {.min_p = 1e-38f},
      {.top_p = 0.999999f},
      {.logit_bias = {{0, 3e38f}, {5, -3e38f}}},
      {.typical_p = 1e-30f},
      {.typical_p = 0.5f},
      {.typical_p = 0.9f, .dry = {.multiplier = 1000.0f, .base = 1000.0f}}};
  for (const SamplingOptions& options : extremes) EXPECT_EQ(sample(logits, options), 123);
  // Huge penalties push a logit to the end of the range, not out of it.
  EXPECT_NE(sample(logits, {.repetition_penalty = 1e38f}, {.answer = answer}), 5);
  EXPECT_NE(sample(logits, {.repetition_penalty = 1e-38f}, {.answer = answer}), 5);
}

TEST(SamplerTest, TypicalTakesTheExpectedTokenNotTheLikeliest) {
  // One token has 40 %, sixty have 1 % each: what is expected is one of the sixty.
  std::vector<float> values(61, std::log(0.01f));
  values[0] = std::log(0.4f);
  const std::vector<Bf16> logits = bf16(values);
  EXPECT_EQ(sample(logits, {.temperature = 0.0f}), 0);
  EXPECT_EQ(sample(logits, {.temperature = 0.0f, .typical_p = 0.1f}), 1);
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    const TokenId token = sample(logits, {.temperature = 0.01f, .seed = seed, .typical_p = 0.1f});
    EXPECT_GT(token, 0);
    EXPECT_LE(token, 10);
  }
}

TEST(SamplerTest, DryTurnsARepetitionAway) {
  const std::vector<Bf16> logits = bf16({5.0f, 4.0f, 3.0f, 9.0f});
  const std::vector<TokenId> prompt = {0, 1, 2, 3, 0, 1};
  const std::vector<TokenId> answer = {2};
  const SamplingOptions off{.temperature = 0.0f};
  const SamplingOptions on{.temperature = 0.0f, .dry = {.multiplier = 3.0f}};
  EXPECT_EQ(sample(logits, off, {.prompt = prompt, .answer = answer}), 3);
  EXPECT_EQ(sample(logits, on, {.prompt = prompt, .answer = answer}), 0);  // 3 * 1.75 off.
}

TEST(SamplerTest, AllLogitsEqualIsFine) {
  const std::vector<Bf16> logits(1000, to_bf16(4.0f));
  std::set<TokenId> chosen;
  for (std::uint64_t seed = 0; seed < 300; ++seed) {
    chosen.insert(sample(logits, {.top_p = 0.5f, .seed = seed}));
  }
  EXPECT_GT(chosen.size(), 100u);
  EXPECT_LT(*chosen.rbegin(), 500);  // Half of the mass: the lower half of the ids.
}

TEST(SamplerTest, VocabularyOfOneTokenHasOneAnswer) {
  EXPECT_EQ(sample(bf16({-7.0f}), {.top_p = 0.3f, .top_k = 1, .min_p = 0.9f}), 0);
}

TEST(SamplerTest, NaNOrInfinityIsAnErrorThatNamesTheToken) {
  for (const float broken :
       {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity(),
        -std::numeric_limits<float>::infinity()}) {
    std::vector<Bf16> logits = random_logits(100, 1);
    logits[57] = to_bf16(broken);
    Sampler sampler(100);
    for (const float temperature : {0.0f, 1.0f}) {
      const Result<TokenId> token = sampler.sample(logits, {.temperature = temperature}, {});
      ASSERT_FALSE(token.ok());
      EXPECT_EQ(token.status().code(), Code::kInternal);
      EXPECT_THAT(token.status().message(), ::testing::HasSubstr("token 57"));
    }
  }
}

TEST(SamplerTest, RowOfAnotherLengthIsAnError) {
  Sampler sampler(100);
  const std::vector<Bf16> logits = random_logits(99, 1);
  EXPECT_EQ(sampler.sample(logits, {}, {}).status().code(), Code::kInternal);
}

TEST(SamplerTest, DependsOnSeedAndIndexAloneNotOnEarlierCalls) {
  const std::vector<Bf16> logits = random_logits(500, 3);
  const std::vector<TokenId> answer = {1, 2, 3};
  const SamplingOptions options{.temperature = 1.5f, .frequency_penalty = 0.5f, .seed = 99};
  const TokenId fresh = sample(logits, options, {.answer = answer});
  Sampler used(500);
  for (unsigned i = 0; i < 20; ++i) {
    const std::vector<Bf16> other = random_logits(500, i);
    ASSERT_TRUE(
        used.sample(other, {.top_k = 5, .presence_penalty = 1.0f}, {.answer = answer}).ok());
  }
  const Result<TokenId> token = used.sample(logits, options, {.answer = answer});
  ASSERT_TRUE(token.ok());
  EXPECT_EQ(*token, fresh);
}

// Many draws of a known distribution; the bound is that of 0.1 %, so a fixed set of seeds that
// passes once passes always.
TEST(SamplerTest, DrawsWithTheProbabilitiesOfTheSoftmax) {
  const std::vector<float> values = {2.0f, 1.0f, 0.0f, -1.0f, 1.5f, 0.5f};
  const std::vector<Bf16> logits = bf16(values);
  for (const float temperature : {0.5f, 1.0f, 2.0f}) {
    std::vector<double> expected;
    for (const float value : values)
      expected.push_back(std::exp(static_cast<double>(value / temperature)));
    const double total = std::accumulate(expected.begin(), expected.end(), 0.0);
    std::vector<double> counts(values.size(), 0.0);
    constexpr int kDraws = 40'000;
    Sampler sampler(values.size());
    for (std::uint64_t seed = 0; seed < kDraws; ++seed) {
      const auto token = sampler.sample(logits, {.temperature = temperature, .seed = seed}, {});
      counts[static_cast<std::size_t>(*token)] += 1.0;
    }
    double chi_square = 0.0;
    for (std::size_t id = 0; id < counts.size(); ++id) {
      const double wanted = expected[id] / total * kDraws;
      chi_square += (counts[id] - wanted) * (counts[id] - wanted) / wanted;
    }
    EXPECT_LT(chi_square, 20.5) << "temperature " << temperature;  // 5 degrees of freedom.
  }
}

TEST(CheckSamplingTest, AcceptsDefaultsAndTheEndsOfEveryRange) {
  EXPECT_EQ(check_sampling({}, 10), Status());
  EXPECT_EQ(check_sampling({.temperature = 0.0f, .top_p = 0.0f, .min_p = 0.0f}, 10), Status());
  EXPECT_EQ(check_sampling({.temperature = 2.0f,
                            .top_k = std::numeric_limits<std::int32_t>::max(),
                            .min_p = 1.0f,
                            .frequency_penalty = -2.0f,
                            .presence_penalty = 2.0f,
                            .penalty_window = -1,
                            .logit_bias = {{0, -100.0f}, {9, 100.0f}},
                            .typical_p = 1e-9f,
                            .dry = {1000.0f, 1.0f, 0, -1, {0, 9}}},
                           10),
            Status());
}

TEST(CheckSamplingTest, RefusesWhatIsOutOfRangeAndSaysWhich) {
  constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  const std::pair<const char*, SamplingOptions> bad[] = {
      {"temperature", {.temperature = -0.1f}},
      {"temperature", {.temperature = 2.1f}},
      {"temperature", {.temperature = kNaN}},
      {"top_p", {.top_p = -0.1f}},
      {"top_p", {.top_p = 1.1f}},
      {"top_p", {.top_p = kNaN}},
      {"top_k", {.top_k = -1}},
      {"min_p", {.min_p = 1.5f}},
      {"repetition_penalty", {.repetition_penalty = 0.0f}},
      {"repetition_penalty", {.repetition_penalty = kInfinity}},
      {"frequency_penalty", {.frequency_penalty = 2.5f}},
      {"presence_penalty", {.presence_penalty = kNaN}},
      {"penalty_window", {.penalty_window = -2}},
      {"typical_p", {.typical_p = 0.0f}},
      {"typical_p", {.typical_p = 1.1f}},
      {"typical_p", {.typical_p = kNaN}},
      {"dry_multiplier", {.dry = {.multiplier = -1.0f}}},
      {"dry_multiplier", {.dry = {.multiplier = kNaN}}},
      {"dry_base", {.dry = {.base = 0.5f}}},
      {"dry_base", {.dry = {.base = kInfinity}}},
      {"dry_allowed_length", {.dry = {.allowed_length = -1}}},
      {"dry_window", {.dry = {.window = -2}}},
      {"dry_breakers", {.dry = {.breakers = {10}}}},
      {"dry_breakers", {.dry = {.breakers = {-1}}}},
      {"dry_breakers", {.dry = {.breakers = {3, 2}}}},
      {"logit_bias", {.logit_bias = {{10, 1.0f}}}},
      {"logit_bias", {.logit_bias = {{-1, 1.0f}}}},
      {"logit_bias", {.logit_bias = {{1, kInfinity}}}}};
  for (const auto& [name, options] : bad) {
    const Status status = check_sampling(options, 10);
    EXPECT_EQ(status.code(), Code::kInvalidArgument) << name;
    EXPECT_THAT(status.message(), ::testing::StartsWith(name));
  }
}

}  // namespace
}  // namespace axle::llm
