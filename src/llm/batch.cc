#include "llm/batch.h"

#include <algorithm>

namespace axle::llm {
namespace {

void add_rows(const Conversation& conversation, std::size_t count, Plan& plan) {
  const std::size_t first = conversation.sequence.size();
  for (std::size_t i = 0; i < count; ++i) {
    plan.rows.push_back({.sequence = &conversation.sequence,
                         .token = conversation.tokens()[first + i],
                         .position = static_cast<std::uint32_t>(first + i),
                         .cell = conversation.reserved[i],
                         .wants_logits = first + i + 1 == conversation.tokens().size()});
  }
}

// The rows after the conversation's pending one.
void add_drafts(const Conversation& conversation, bool wide_head, Plan& plan) {
  const std::size_t first = conversation.tokens().size();
  for (std::size_t i = 0; i < conversation.drafts.size(); ++i) {
    plan.rows.push_back({.sequence = &conversation.sequence,
                         .token = conversation.drafts[i],
                         .position = static_cast<std::uint32_t>(first + i),
                         .cell = conversation.reserved[i + 1],
                         .wants_logits = wide_head});
  }
}

}  // namespace

Candidate candidate_of(const Conversation& conversation) {
  const std::size_t reserved = std::max<std::size_t>(conversation.reserved.size(), 1);
  return {
      .pending = {std::min(conversation.pending(), reserved), conversation.sequence.cells_end()},
      .answering = conversation.answered() && conversation.pending() == 1,
      .drafts = conversation.drafts.size(),
      .draft_chance = conversation.record.chance()};
}

Batch assemble(const StepChoice& choice, std::span<Conversation* const> conversations,
               bool wide_head) {
  Batch batch{.plan = {.group = choice.group, .bank = conversations.front()->bank, .rows = {}},
              .served = {}};
  for (const Share& share : choice.shares) {
    Conversation& conversation = *conversations[share.candidate];
    conversation.drafts.resize(share.drafts);
    add_rows(conversation, share.rows, batch.plan);
    batch.served.push_back({&conversation, share.rows, batch.plan.rows.size() - 1});
    add_drafts(conversation, wide_head, batch.plan);
  }
  return batch;
}

StepWork work_of(const Batch& batch) {
  StepWork work;
  for (const Served& served : batch.served) {
    // A text that had to give its cells back is read anew, as a prompt is.
    const bool reads = !served.conversation->answered() || served.conversation->pending() > 1;
    if (reads) work.prompt_rows += served.rows;
  }
  work.answer_rows = batch.plan.rows.size() - work.prompt_rows;
  return work;
}

}  // namespace axle::llm
