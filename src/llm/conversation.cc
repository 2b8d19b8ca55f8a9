#include "llm/conversation.h"

#include <algorithm>
#include <utility>

namespace axle::llm {
namespace {

std::chrono::microseconds between(std::optional<Conversation::Clock::time_point> from,
                                  std::optional<Conversation::Clock::time_point> to) {
  if (!from || !to) return std::chrono::microseconds{0};
  return std::chrono::duration_cast<std::chrono::microseconds>(*to - *from);
}

}  // namespace

Conversation::Conversation(RequestId id, GenerateRequest request, std::uint64_t arrival)
    : id_(id), request_(std::move(request)), arrival_(arrival), added_(Clock::now()) {
  tokens_ = request_.prompt;
  tokens_.insert(tokens_.end(), request_.generated.begin(), request_.generated.end());
  request_.generated.clear();
}

bool Conversation::goes_before(const Conversation& other) const {
  if (request_.priority != other.request_.priority) {
    return request_.priority > other.request_.priority;
  }
  return arrival_ < other.arrival_;
}

bool Conversation::ends_with(TokenId token) const {
  return std::find(request_.end_tokens.begin(), request_.end_tokens.end(), token) !=
         request_.end_tokens.end();
}

void Conversation::append_answer(TokenId token) {
  tokens_.push_back(token);
  last_token_ = Clock::now();
  if (!first_token_) first_token_ = last_token_;
}

void Conversation::mark_cached(std::size_t tokens) {
  if (!cached_) cached_ = std::min(tokens, request_.prompt.size());
}

bool Conversation::mark_progress(std::size_t tokens) {
  const bool more = tokens > told_;
  told_ = std::max(told_, tokens);
  return more;
}

void Conversation::mark_started(Clock::time_point now) {
  if (!started_) started_ = now;
}

jobs::Done Conversation::done(jobs::Finish finish, Clock::time_point now) const {
  jobs::Done done;
  done.finish = finish;
  done.usage.prompt_tokens = static_cast<std::int32_t>(request_.prompt.size());
  done.usage.cached_tokens = static_cast<std::int32_t>(cached_.value_or(0));
  done.usage.completion_tokens = static_cast<std::int32_t>(answer().size());
  done.timings.row_by_row = static_cast<std::int32_t>(row_by_row_);
  done.timings.queued = between(added_, started_ ? *started_ : now);
  done.timings.prefill = between(started_, first_token_ ? *first_token_ : now);
  done.timings.decode = between(first_token_, last_token_);
  return done;
}

}  // namespace axle::llm
