#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <span>
#include <vector>

#include "llm/draft.h"
#include "llm/generator.h"
#include "llm/sequence.h"

namespace axle::llm {

// One request of a Generator, from add() to its last event.
//
// Threading: not synchronised.
class Conversation {
 public:
  using Clock = std::chrono::steady_clock;

  // `arrival`: rising with every request.
  Conversation(RequestId id, GenerateRequest request, std::uint64_t arrival);

  RequestId id() const { return id_; }
  const GenerateRequest& request() const { return request_; }
  // Is this one to be served before `other`?
  bool goes_before(const Conversation& other) const;

  // Prompt and answer so far, in one.
  std::span<const TokenId> tokens() const { return tokens_; }
  std::span<const TokenId> answer() const { return tokens().subspan(request_.prompt.size()); }
  bool ends_with(TokenId token) const;  // Is `token` one that ends the text?
  void append_answer(TokenId token);

  // Tokens whose K and V are not computed yet.
  std::size_t pending() const { return tokens_.size() - sequence.size(); }
  // What it needs of the card before the next token: everything but that token itself.
  std::size_t bank = 0;         // That its cells are of.
  Sequence sequence;            // Computed tokens; owns one reference of each of its cells.
  std::deque<Cell> reserved;    // Cells for pending tokens, to be used from the front.
  std::vector<TokenId> drafts;  // Guesses after the pending token, for the next step.
  DraftRecord record;           // How earlier ones fared.

  // Marks in time; each counts once.
  void mark_cached(std::size_t tokens);
  void mark_started(Clock::time_point now);
  // True where this is more of the prompt than was ever told: one that was pushed out begins again.
  bool mark_progress(std::size_t tokens);
  void mark_row_by_row(std::size_t tokens) { row_by_row_ += tokens; }
  bool answered() const { return first_token_.has_value(); }
  jobs::Done done(jobs::Finish finish, Clock::time_point now) const;

 private:
  RequestId id_;
  GenerateRequest request_;  // `generated` is empty: it is in tokens_.
  std::uint64_t arrival_;
  std::vector<TokenId> tokens_;
  std::optional<std::size_t> cached_;
  std::size_t row_by_row_ = 0;
  std::size_t told_ = 0;  // Of the prompt, in progress events.
  Clock::time_point added_;
  std::optional<Clock::time_point> started_;
  std::optional<Clock::time_point> first_token_;
  std::optional<Clock::time_point> last_token_;
};

}  // namespace axle::llm
