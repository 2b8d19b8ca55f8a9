#include "api/openai/choice.h"

namespace axle::api {

Choice::Choice(const text::Tokenizer& tokenizer, const std::vector<std::string>& stop)
    : stream_(tokenizer), stop_(stop) {}

Result<std::string> Choice::take(const jobs::Tokens& tokens) {
  std::string shown;
  for (const jobs::TokenId id : tokens.ids) {
    if (stop_.stopped()) break;
    AXLE_TRY_ASSIGN(const std::string text, stream_.push(id));
    ++tokens_;
    shown += stop_.push(text).emit;
  }
  return shown;
}

std::string Choice::finish(const jobs::Done& done) {
  finish_ = done.finish;
  cached_tokens_ = done.usage.cached_tokens;
  text::StopMatcher::Step last = stop_.push(stream_.finish());
  return last.emit + stop_.finish();
}

}  // namespace axle::api
