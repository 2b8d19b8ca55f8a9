// Prompts with CLIP's own vocabulary. The ids are those of `transformers` 4 (CLIPTokenizerFast).
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <string>
#include <vector>

#include "text/clip_tokenizer.h"
#include "text/clip_vocabulary.h"

namespace axle::text {
namespace {

// CLIP's list is longer than its vocabulary. Source: clip/simple_tokenizer.py.
constexpr std::size_t kMergesUsed = 49152 - 256 - 2;

const ClipTokenizer& clip() {
  static const ClipTokenizer tokenizer = [] {
    std::ifstream file(AXLE_CLIP_MERGES);
    std::string line;
    std::getline(file, line);  // Its version.
    std::vector<std::string> merges;
    while (merges.size() < kMergesUsed && std::getline(file, line)) merges.push_back(line);
    const ClipFiles files = clip_files(merges);
    Result<ClipTokenizer> made = ClipTokenizer::from_files(files.vocabulary, files.merges);
    EXPECT_TRUE(made.ok()) << made.status();
    return *std::move(made);
  }();
  return tokenizer;
}

struct Prompt {
  const char* text;
  std::vector<std::int32_t> ids;
};

TEST(ClipVocabularyTest, BeginAndEndAreTheLastTwoTokens) {
  EXPECT_EQ(clip().begin_id(), 49406);
  EXPECT_EQ(clip().end_id(), 49407);
}

TEST(ClipVocabularyTest, PromptsHaveTheIdsThatTheModelWasTrainedWith) {
  const Prompt prompts[] = {
      {"", {}},
      {"a cat", {320, 2368}},
      {"Self-portrait oil painting, a beautiful cyborg with golden hair, 8k",
       {1322, 268, 5352, 2870, 3086, 267, 320, 1215, 36650, 593, 3878, 2225, 267, 279, 330}},
      {"Kung Fu Panda", {22347, 9098, 12952}},
      {"it's the 1990s, don't!", {585, 568, 518, 272, 280, 280, 271, 338, 267, 847, 713, 256}},
      {"CAF\u00c9 r\u00e9sum\u00e9", {15304, 29106, 7054, 4166}},
      {"((masterpiece, best quality))", {13796, 12066, 267, 949, 3027, 5167}},
      {"\U0001F600!", {12832, 256}},
      {"a  \t b\n", {320, 321}},
  };
  for (const Prompt& prompt : prompts) {
    const Result<ClipPrompt> encoded = clip().encode(prompt.text);
    ASSERT_TRUE(encoded.ok()) << encoded.status();
    std::vector<std::int32_t> wanted = prompt.ids;
    wanted.insert(wanted.begin(), clip().begin_id());
    wanted.resize(ClipTokenizer::kLength, clip().end_id());
    EXPECT_EQ(encoded->ids, wanted) << prompt.text;
  }
  std::vector<std::int32_t> row_of_x(10, 32035);
  row_of_x.back() = 22819;
  const Result<ClipPrompt> encoded = clip().encode(std::string(40, 'x'));
  EXPECT_EQ(std::vector(encoded->ids.begin() + 1, encoded->ids.begin() + 11), row_of_x);
}

}  // namespace
}  // namespace axle::text
