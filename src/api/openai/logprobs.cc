#include "api/openai/logprobs.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "http/message.h"
#include "text/utf8.h"

namespace axle::api {
namespace {

// "token", "logprob" and "bytes" of one token.
std::string fields_of(const text::Tokenizer& tokenizer, const jobs::TokenLogprob& entry) {
  const std::string_view bytes = tokenizer.token_bytes(entry.first);
  std::string text;
  text::Utf8Stream whole;
  whole.push(bytes, text);
  whole.finish(text);
  std::string list = "null";
  if (!tokenizer.is_special(entry.first)) {
    list = "[";
    for (const char byte : bytes) {
      fmt::format_to(std::back_inserter(list), "{}{}", list.size() == 1 ? "" : ",",
                     static_cast<unsigned char>(byte));
    }
    list += ']';
  }
  return fmt::format(R"("token":{},"logprob":{},"bytes":{})", http::json_quote(text), entry.second,
                     list);
}

}  // namespace

std::string logprob_json(const text::Tokenizer& tokenizer,
                         std::span<const jobs::TokenLogprob> entries) {
  std::string top;
  for (const jobs::TokenLogprob& entry : entries.subspan(1)) {
    if (!top.empty()) top += ',';
    top += '{' + fields_of(tokenizer, entry) + '}';
  }
  return fmt::format(R"({{{},"top_logprobs":[{}]}})", fields_of(tokenizer, entries.front()), top);
}

std::string logprobs_json(std::string_view entries) {
  return fmt::format(R"({{"content":[{}],"refusal":null}})", entries);
}

void LogprobQueue::push(std::span<const jobs::TokenLogprob> entries, std::size_t text_bytes) {
  waiting_.push_back({logprob_json(*tokenizer_, entries), text_bytes_, std::nullopt});
  text_bytes_ += text_bytes;
  if (text_bytes == 0) return;
  for (Waiting& it : waiting_) {
    if (!it.end) it.end = text_bytes_;
  }
}

std::string LogprobQueue::take_shown(std::size_t shown_bytes) {
  const auto first = std::ranges::find_if(
      waiting_, [&](const Waiting& it) { return !it.end || *it.end > shown_bytes; });
  return take_first(static_cast<std::size_t>(first - waiting_.begin()));
}

std::string LogprobQueue::take_until_stop(std::size_t shown_bytes) {
  const auto first =
      std::ranges::find_if(waiting_, [&](const Waiting& it) { return it.begin >= shown_bytes; });
  std::string entries = take_first(static_cast<std::size_t>(first - waiting_.begin()));
  waiting_.clear();
  return entries;
}

std::string LogprobQueue::take_rest() { return take_first(waiting_.size()); }

std::string LogprobQueue::take_first(std::size_t count) {
  const auto end = waiting_.begin() + static_cast<std::ptrdiff_t>(count);
  std::string entries;
  for (auto it = waiting_.begin(); it != end; ++it) {
    if (!entries.empty()) entries += ',';
    entries += it->json;
  }
  waiting_.erase(waiting_.begin(), end);
  return entries;
}

}  // namespace axle::api
