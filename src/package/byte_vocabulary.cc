#include "package/byte_vocabulary.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "text/byte_level.h"

namespace axle::package {
namespace {

constexpr std::size_t kMaxSize = 450000;  // All words of up to four letters are a few more.
constexpr std::int32_t kNormal = 1;       // Kinds of token in GGUF files.
constexpr std::int32_t kControl = 3;
constexpr std::string_view kBlank = "\u0120";  // How byte-level BPE writes a blank.

std::vector<std::string> byte_tokens() {
  std::vector<std::string> tokens;
  for (int byte = 0; byte < 256; ++byte) {
    const char c = static_cast<char>(byte);
    tokens.push_back(text::byte_level({&c, 1}));
  }
  return tokens;
}

// Words that are one token each in a vocabulary large enough, so that prompts of plain English have
// about as many tokens as words; those of `axle bench` are among them.
constexpr std::string_view kLongWords =
    "about above across after again answer around because before between bread children cloud "
    "country different does done each earth every example explain find first follow found garden "
    "give good great green group hand have here house important into know large learn letter light "
    "line list little long look make many mirror more most mother move much music name never "
    "number "
    "often only open other paper people place plant please point question read river same sentence "
    "should show side small some sound spell still stone story street study such summary table "
    "take "
    "tell text than that their them there these they thing think this those three through time "
    "together train under until very want water well were what when where which while white will "
    "window winter with without word work world would write year your";
constexpr std::size_t kShortWords = 26 + 26 * 26 + 26 * 26 * 26;  // Of one to three letters.
constexpr std::size_t kLongWordTokens = 512;                      // At most so many are needed.

// Collects tokens and merges, each word letter by letter.
class WordList {
 public:
  WordList(std::vector<std::string>& tokens, std::vector<std::string>& merges)
      : tokens_(tokens), merges_(merges) {}

  // Adds `parent` and one letter more, unless it is there.
  void add(const std::string& parent, char letter) {
    if (!known_.insert(parent + letter).second) return;
    merges_.push_back(fmt::format("{} {}", parent, letter));
    tokens_.push_back(parent + letter);
  }
  // Adds what lies between the words of three letters and `word`.
  void add_long(std::string_view word) {
    for (std::size_t length = 3; length < word.size(); ++length) {
      add(std::string(kBlank) + std::string(word.substr(0, length)), word[length]);
    }
  }

 private:
  std::vector<std::string>& tokens_;
  std::vector<std::string>& merges_;
  std::unordered_set<std::string> known_;
};

void add_long_words(WordList& list) {
  for (std::string_view rest = kLongWords; !rest.empty();) {
    const std::size_t end = std::min(rest.find(' '), rest.size());
    list.add_long(rest.substr(0, end));
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
}

}  // namespace

Result<text::Tokenizer> make_byte_vocabulary(std::size_t size) {
  if (size < kMinByteVocabulary || size > kMaxSize) {
    return invalid_argument(fmt::format("the vocabulary has {} tokens, wanted {} to {}", size,
                                        kMinByteVocabulary, kMaxSize));
  }
  std::vector<std::string> tokens = byte_tokens();
  std::vector<std::int32_t> types(tokens.size(), kNormal);
  for (const std::string_view name : {"<|endoftext|>", "<|im_start|>", "<|im_end|>"}) {
    tokens.emplace_back(name);
    types.push_back(kControl);
  }
  std::vector<std::string> merges;
  const std::size_t words = tokens.size();
  WordList list(tokens, merges);
  for (std::size_t i = 0; tokens.size() < size; ++i) {
    if (i == kShortWords && size - tokens.size() >= kLongWordTokens) add_long_words(list);
    // Word i is its parent and one letter more; the parents are the blank and the words in order.
    const std::string parent(i < 26 ? std::string(kBlank) : tokens[words + i / 26 - 1]);
    list.add(parent, static_cast<char>('a' + i % 26));
  }
  types.resize(tokens.size(), kNormal);
  text::GgufVocab vocab;
  vocab.model = "gpt2";
  vocab.pre = "qwen2";
  vocab.tokens.assign(tokens.begin(), tokens.end());
  vocab.types = types;
  vocab.merges.assign(merges.begin(), merges.end());
  return text::Tokenizer::from_gguf_vocab(vocab);
}

}  // namespace axle::package
