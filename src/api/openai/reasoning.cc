#include "api/openai/reasoning.h"

#include <algorithm>
#include <utility>

namespace axle::api {
namespace {

constexpr std::string_view kOpen = "<think>";
constexpr std::string_view kClose = "</think>";
constexpr std::string_view kBlanks = " \t\r\n";

// How many of the last bytes of `text` could be the beginning of `tag`.
std::size_t begun_tag(std::string_view text, std::string_view tag) {
  for (std::size_t size = std::min(text.size(), tag.size() - 1); size > 0; --size) {
    if (text.ends_with(tag.substr(0, size))) return size;
  }
  return 0;
}

void drop_leading_blanks(std::string& text) {
  text.erase(0, std::min(text.find_first_not_of(kBlanks), text.size()));
}

}  // namespace

ReasoningSplitter::ReasoningSplitter(Start start)
    : state_(start == Start::kAnswer     ? State::kAnswer
             : start == Start::kMayThink ? State::kUndecided
                                         : State::kThinking) {}

AnswerText ReasoningSplitter::push(std::string_view text) {
  held_ += text;
  AnswerText out;
  while (step(out)) {
  }
  return out;
}

AnswerText ReasoningSplitter::finish() {
  AnswerText out;
  if (state_ == State::kThinking) {
    out.reasoning = std::move(held_);
  } else if (state_ != State::kGap) {
    out.content = std::move(held_);
  }
  held_.clear();
  return out;
}

// One change of state at most; false when the rest must wait for more text.
bool ReasoningSplitter::step(AnswerText& out) {
  switch (state_) {
    case State::kUndecided:
      return decide();
    case State::kThinking:
      return think(out);
    case State::kGap:
      drop_leading_blanks(held_);
      if (held_.empty()) return false;
      state_ = State::kAnswer;
      return true;
    case State::kAnswer:
      out.content += held_;
      held_.clear();
      return false;
  }
  return false;
}

bool ReasoningSplitter::decide() {
  const std::size_t begin = std::min(held_.find_first_not_of(kBlanks), held_.size());
  const std::string_view text = std::string_view(held_).substr(begin);
  if (text.starts_with(kOpen)) {
    held_.erase(0, begin + kOpen.size());
    state_ = State::kThinking;
    return true;
  }
  if (kOpen.starts_with(text)) return false;  // Also while there are only blanks.
  state_ = State::kAnswer;
  return true;
}

bool ReasoningSplitter::think(AnswerText& out) {
  if (!thought_) drop_leading_blanks(held_);
  const std::size_t close = held_.find(kClose);
  std::size_t end = close;
  if (close == std::string::npos) end = held_.size() - begun_tag(held_, kClose);
  // Blanks wait too: those before the closing tag are not shown.
  const std::size_t last = std::string_view(held_).substr(0, end).find_last_not_of(kBlanks);
  const std::size_t shown = last == std::string::npos ? 0 : last + 1;
  out.reasoning.append(held_, 0, shown);
  thought_ = thought_ || shown > 0;
  if (close == std::string::npos) {
    held_.erase(0, shown);
    return false;
  }
  held_.erase(0, close + kClose.size());
  state_ = State::kGap;
  return true;
}

}  // namespace axle::api
