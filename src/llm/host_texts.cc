#include "llm/host_texts.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "llm/sequence.h"

namespace axle::llm {

HostTexts::HostTexts(std::size_t row_bytes, std::uint64_t capacity_bytes)
    : row_bytes_(row_bytes), capacity_(capacity_bytes) {}

bool HostTexts::wants(std::span<const TokenId> tokens) const {
  return !tokens.empty() && tokens.size() * row_bytes_ <= capacity_ &&
         find(tokens).length < tokens.size();
}

void HostTexts::keep(std::span<const TokenId> tokens, std::vector<std::byte> rows) {
  AXLE_CHECK(rows.size() == tokens.size() * row_bytes_);
  for (auto text = texts_.begin(); text != texts_.end();) {
    const auto next = std::next(text);
    if (common_length(text->tokens, tokens) == text->tokens.size()) drop(text);
    text = next;
  }
  while (bytes_ + rows.size() > capacity_) drop(texts_.begin());
  bytes_ += rows.size();
  texts_.push_back({{tokens.begin(), tokens.end()}, std::move(rows)});
}

HostTexts::Match HostTexts::find(std::span<const TokenId> tokens) const {
  Match best;
  for (const Text& text : texts_) {
    const std::size_t length = common_length(text.tokens, tokens);
    if (length > best.length) best = {&text, length};
  }
  return best;
}

HostTexts::Match HostTexts::use(std::span<const TokenId> tokens) {
  const Match match = find(tokens);
  const auto place =
      std::ranges::find_if(texts_, [&](const Text& text) { return &text == match.text; });
  if (place != texts_.end()) texts_.splice(texts_.end(), texts_, place);
  return match;
}

void HostTexts::drop(std::list<Text>::iterator text) {
  bytes_ -= text->rows.size();
  texts_.erase(text);
}

}  // namespace axle::llm
