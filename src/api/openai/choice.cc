#include "api/openai/choice.h"

#include <span>

namespace axle::api {
namespace {

void add(AnswerText& parts, const AnswerText& more) {
  parts.reasoning += more.reasoning;
  parts.content += more.content;
}

}  // namespace

void append_entries(std::string& entries, std::string_view more) {
  if (!entries.empty() && !more.empty()) entries += ',';
  entries += more;
}

Choice::Choice(const text::Tokenizer& tokenizer, const std::vector<std::string>& stop,
               ReasoningSplitter::Start start)
    : stream_(tokenizer), stop_(stop), reasoning_(start), logprobs_(tokenizer) {}

Result<AnswerText> Choice::take(const jobs::Tokens& tokens) {
  std::string shown;
  const std::size_t each = tokens.ids.empty() ? 0 : tokens.logprobs.size() / tokens.ids.size();
  auto logprobs = std::span(tokens.logprobs);
  for (const jobs::TokenId id : tokens.ids) {
    if (stop_.stopped()) break;
    AXLE_TRY_ASSIGN(const std::string text, stream_.push(id));
    ++tokens_;
    if (each > 0) logprobs_.push(logprobs.first(each), text.size());
    logprobs = logprobs.subspan(each);
    shown += stop_.push(text).emit;
  }
  shown_bytes_ += shown.size();
  append_entries(shown_logprobs_, stop_.stopped() ? logprobs_.take_until_stop(shown_bytes_)
                                                  : logprobs_.take_shown(shown_bytes_));
  AnswerText parts = reasoning_.push(shown);
  if (stop_.stopped()) add(parts, reasoning_.finish());
  return parts;
}

AnswerText Choice::finish(const jobs::Done& done) {
  finish_ = done.finish;
  cached_tokens_ = done.usage.cached_tokens;
  timings_ = done.timings;
  std::string last = stop_.push(stream_.finish()).emit;
  last += stop_.finish();
  shown_bytes_ += last.size();
  append_entries(shown_logprobs_,
                 stop_.stopped() ? logprobs_.take_until_stop(shown_bytes_) : logprobs_.take_rest());
  AnswerText parts = reasoning_.push(last);
  add(parts, reasoning_.finish());
  return parts;
}

}  // namespace axle::api
