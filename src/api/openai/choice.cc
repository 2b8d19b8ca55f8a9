#include "api/openai/choice.h"

namespace axle::api {
namespace {

void add(AnswerText& parts, const AnswerText& more) {
  parts.reasoning += more.reasoning;
  parts.content += more.content;
}

}  // namespace

Choice::Choice(const text::Tokenizer& tokenizer, const std::vector<std::string>& stop,
               ReasoningSplitter::Start start)
    : stream_(tokenizer), stop_(stop), reasoning_(start) {}

Result<AnswerText> Choice::take(const jobs::Tokens& tokens) {
  std::string shown;
  for (const jobs::TokenId id : tokens.ids) {
    if (stop_.stopped()) break;
    AXLE_TRY_ASSIGN(const std::string text, stream_.push(id));
    ++tokens_;
    shown += stop_.push(text).emit;
  }
  AnswerText parts = reasoning_.push(shown);
  if (stop_.stopped()) add(parts, reasoning_.finish());
  return parts;
}

AnswerText Choice::finish(const jobs::Done& done) {
  finish_ = done.finish;
  cached_tokens_ = done.usage.cached_tokens;
  text::StopMatcher::Step last = stop_.push(stream_.finish());
  AnswerText parts = reasoning_.push(last.emit + stop_.finish());
  add(parts, reasoning_.finish());
  return parts;
}

}  // namespace axle::api
