#include "text/token_stream.h"

#include <fmt/format.h>

namespace axle::text {

TokenStream::TokenStream(const Tokenizer& tokenizer, SpecialText special)
    : tokenizer_(&tokenizer), special_(special) {}

Result<std::string> TokenStream::push(std::int32_t id) {
  if (id < 0 || static_cast<std::uint32_t>(id) >= tokenizer_->vocab_size()) {
    return invalid_argument(fmt::format("token id {}: the vocabulary has ids 0 to {}", id,
                                        tokenizer_->vocab_size() - 1));
  }
  std::string text;
  if (special_ == SpecialText::kSkip && tokenizer_->is_special(id)) return text;
  std::string_view bytes = tokenizer_->token_bytes(id);
  if (bytes.empty()) return text;
  if (at_start_ && tokenizer_->strips_first_blank() && bytes.front() == ' ') bytes.remove_prefix(1);
  at_start_ = false;
  utf8_.push(bytes, text);
  return text;
}

std::string TokenStream::finish() {
  std::string text;
  utf8_.finish(text);
  at_start_ = true;
  return text;
}

}  // namespace axle::text
