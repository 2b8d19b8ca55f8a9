// Many clients of one model: they come and leave at random, share beginnings, guess, push each
// other out to other banks and to the host, and every text is the one that its request gets alone.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <vector>

#include "llm/generator.h"
#include "llm/testing/llm_fixture.h"

namespace axle::llm {
namespace {

using testing::Recorder;

struct Crowd {
  const char* name;
  int clients;
  GeneratorOptions options;
  bool prefixes_are_long = false;  // Then texts do not fit side by side.
  StepOptions step = {};
};
void PrintTo(const Crowd& crowd, std::ostream* out) { *out << crowd.name; }

class ManyClientsTest : public testing::LlmTest, public ::testing::WithParamInterface<Crowd> {
 protected:
  // One of a few beginnings, then tokens of its own; greedy, warm or hot.
  GenerateRequest random_request() {
    const unsigned seed = static_cast<unsigned>(random() % 1000);
    GenerateRequest request = random() % 3 == 0 ? this->request(1, seed) : sampled(1, seed);
    const std::size_t longest = GetParam().prefixes_are_long ? 70 : 24;
    request.prompt = prompt(1 + random() % longest, 1 + static_cast<unsigned>(random() % 3));
    const std::vector<TokenId> own = prompt(1 + random() % 12, seed);
    request.prompt.insert(request.prompt.end(), own.begin(), own.end());
    request.max_new_tokens = 1 + static_cast<std::int32_t>(random() % 16);
    request.priority = static_cast<std::int32_t>(random() % 2);
    return request;
  }

  std::mt19937 random{17 +
                      static_cast<unsigned>(::testing::UnitTest::GetInstance()->random_seed())};
};

TEST_P(ManyClientsTest, EveryTextIsTheOneItsRequestGetsAlone) {
  load(tiny("llama", {0, 16, 32, 64}), GetParam().step);
  const Crowd& crowd = GetParam();
  Generator generator(*model, crowd.options);
  Recorder recorder;
  std::map<int, GenerateRequest> requests;
  std::vector<int> here;
  std::vector<int> cancelled;
  std::size_t most_banks = 0;
  std::uint64_t most_host_bytes = 0;
  const int total = 2 * crowd.clients + 6;
  for (int next = 0; next < total || !here.empty();) {
    while (next < total && std::ssize(here) < crowd.clients && random() % 3 != 0) {
      requests[next] = random_request();
      ASSERT_EQ(generator.add(id(next), requests[next]), Status());
      here.push_back(next++);
    }
    if (!here.empty() && random() % 40 == 0) {
      const int leaves = here[random() % here.size()];
      generator.cancel(id(leaves));
      cancelled.push_back(leaves);
      std::erase(here, leaves);
    }
    const Result<bool> stepped = generator.step(recorder);
    ASSERT_TRUE(stepped.ok()) << stepped.status();
    most_banks = std::max(most_banks, generator.load().banks);
    most_host_bytes = std::max(most_host_bytes, generator.load().host_bytes);
    std::erase_if(here, [&](int it) { return recorder[it].ended(); });
  }
  EXPECT_EQ(generator.load().cells_used, generator.load().cells_cached);
  // Else it was not tried.
  EXPECT_EQ(most_banks > 1, crowd.options.max_banks > 1);
  EXPECT_EQ(most_host_bytes > 0, crowd.options.host_cache_bytes > 0);
  for (const auto& [number, request] : requests) {
    std::vector<TokenId> expected = truth(request);
    if (std::ranges::find(cancelled, number) != cancelled.end()) {
      ASSERT_LE(recorder[number].ids.size(), expected.size()) << number;
      expected.resize(recorder[number].ids.size());
    }
    EXPECT_EQ(recorder[number].ids, expected) << number;
  }
}

INSTANTIATE_TEST_SUITE_P(
    Crowds, ManyClientsTest,
    ::testing::Values(
        Crowd{"one", 1, {}}, Crowd{"three", 3, {}}, Crowd{"eight", 8, {}},
        Crowd{"eight_with_head_of_one_row", 8, {}, false, {.wide_head = false}},
        Crowd{"eight_without_guesses_or_cache", 8, {.prefix_cache = false, .max_drafts = 0}},
        Crowd{"eight_in_three_banks", 8, {.max_banks = 3}, true},
        Crowd{"eight_with_host_cache", 8, {.host_cache_bytes = 1u << 20}, true},
        Crowd{"seventeen_with_all", 17, {.max_banks = 2, .host_cache_bytes = 1u << 20}, true},
        Crowd{"sixty_four", 64, {.max_banks = 4, .host_cache_bytes = 1u << 18}}),
    [](const auto& it) { return it.param.name; });

}  // namespace
}  // namespace axle::llm
