#include "text/clip_tokenizer.h"

#include <algorithm>
#include <cctype>
#include <string>
#include <utility>

namespace axle::text {
namespace {

constexpr std::string_view kBegin = "<|startoftext|>";
constexpr std::string_view kEnd = "<|endoftext|>";
constexpr std::size_t kBody = ClipTokenizer::kLength - 2;

bool same_letters(char left, char right) {
  const auto lower = [](char c) { return std::tolower(static_cast<unsigned char>(c)); };
  return lower(left) == lower(right);
}

bool ends_with(std::string_view text, std::string_view name) {
  return text.size() >= name.size() &&
         std::ranges::equal(text.substr(text.size() - name.size()), name, same_letters);
}

// `text` without begin and end tokens, those too that come about when others are taken out.
std::string without_names(std::string_view text) {
  std::string kept;
  for (const char c : text) {
    kept.push_back(c);
    for (const std::string_view name : {kBegin, kEnd}) {
      if (ends_with(kept, name)) kept.resize(kept.size() - name.size());
    }
  }
  return kept;
}

}  // namespace

bool ClipPrompt::truncated() const { return tokens > kBody; }

ClipTokenizer::ClipTokenizer(Tokenizer tokenizer, std::int32_t begin, std::int32_t end)
    : tokenizer_(std::move(tokenizer)), begin_(begin), end_(end) {}

Result<ClipTokenizer> ClipTokenizer::from_files(std::string_view vocab_json,
                                                std::string_view merges_txt) {
  AXLE_TRY_ASSIGN(Tokenizer tokenizer, Tokenizer::from_clip(vocab_json, merges_txt));
  const auto begin = tokenizer.token_id(kBegin);
  const auto end = tokenizer.token_id(kEnd);
  AXLE_CHECK(begin && end);  // from_clip() wants both.
  return ClipTokenizer(std::move(tokenizer), *begin, *end);
}

Result<ClipPrompt> ClipTokenizer::encode(std::string_view text) const {
  AXLE_TRY_ASSIGN(const std::vector<std::int32_t> body,
                  tokenizer_.encode(without_names(text), SpecialTokens::kPlain));
  ClipPrompt prompt;
  prompt.tokens = body.size();
  prompt.ids.reserve(kLength);
  prompt.ids.push_back(begin_);
  const std::size_t kept = std::min(body.size(), kBody);
  prompt.ids.insert(prompt.ids.end(), body.begin(),
                    body.begin() + static_cast<std::ptrdiff_t>(kept));
  prompt.ids.resize(kLength, end_);
  return prompt;
}

}  // namespace axle::text
