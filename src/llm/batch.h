#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "llm/conversation.h"
#include "llm/plan.h"
#include "llm/speed.h"
#include "llm/step.h"

namespace axle::llm {

// A conversation's part in a step.
struct Served {
  Conversation* conversation = nullptr;
  std::size_t rows = 0;      // Of pending tokens.
  std::size_t last_row = 0;  // Of the plan; guesses follow it.
};

// A step of several conversations of one bank.
struct Batch {
  Plan plan;
  std::vector<Served> served;  // In the order of the plan's rows.
};

// What the planner is told of a conversation: its pending tokens, those with reserved cells if
// there are any, and its guesses.
Candidate candidate_of(const Conversation& conversation);

// The rows of `choice`; guesses that it has no row for are forgotten. `wide_head`: ask for the
// logits of guesses at once, not only as far as they hold.
// REQUIRES: the conversations that the choice was made for, each with reserved cells for its rows.
Batch assemble(const StepChoice& choice, std::span<Conversation* const> conversations,
               bool wide_head);

// Its rows, before they have run.
StepWork work_of(const Batch& batch);

}  // namespace axle::llm
