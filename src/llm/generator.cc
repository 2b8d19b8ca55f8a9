#include "llm/generator.h"

#include <fmt/format.h>

#include <algorithm>
#include <deque>
#include <numeric>
#include <optional>
#include <utility>

#include "llm/batch.h"
#include "llm/conversation.h"
#include "llm/cost.h"
#include "llm/kv_rows.h"
#include "llm/kv_store.h"
#include "llm/logprobs.h"
#include "llm/model.h"
#include "llm/plan.h"
#include "llm/request_check.h"
#include "llm/sampler.h"

namespace axle::llm {
namespace {

// Common tokens of a running prompt that are worth waiting for instead of computing them again.
constexpr std::size_t kWorthWaiting = 32;
// A step in which a text goes on is not made longer than this by others' prompts, where their rows
// are what makes it long.
constexpr double kStepLimitNs = 250e6;

}  // namespace

class Generator::Impl {
 public:
  Impl(Model& model, const GeneratorOptions& options)
      : model_(model),
        options_(options),
        limits_{model.vocab_size(), model.context_tokens()},
        rows_(model),
        store_(model.package().info().shape, rows_,
               {.prefix_cache = options.prefix_cache,
                .max_banks = options.max_banks,
                .host_cache_bytes = options.host_cache_bytes}),
        sampler_(model.vocab_size()),
        costs_(model.package().info().shape) {
    costs_.seed(options.costs);
    for (const std::size_t group : options.refused_groups) costs_.refuse(group);
  }

  Status add(RequestId id, GenerateRequest request);
  void cancel(RequestId id);
  Result<bool> step(EventSink& sink);
  const Status& status() const { return status_; }
  GeneratorLoad load() const;
  Result<bool> give_memory_back();

 private:
  using ConversationPtr = std::unique_ptr<Conversation>;
  using Queue = std::deque<ConversationPtr>;

  const package::LayerShape& shape() const { return model_.package().info().shape; }
  bool knows(RequestId id) const;
  void wait(ConversationPtr conversation);
  Status start_waiting(EventSink& sink);
  bool will_share_more(const Conversation& conversation) const;
  bool ensure_cell(const Conversation& conversation);
  std::vector<Conversation*> running() const;

  std::vector<Conversation*> ready() const;
  void guess(Conversation& conversation);
  Result<Batch> make_batch();
  Status take_cells(const StepChoice& choice, std::span<Conversation* const> conversations);
  Status run(const Batch& batch);
  void pass_turns(const Batch& batch);
  static void report_progress(Conversation& conversation, EventSink& sink);
  Status answer(Conversation& turn, std::size_t row, EventSink& sink);
  Result<std::optional<jobs::Finish>> choose_token(Conversation& turn, std::size_t row,
                                                   EventSink& sink);
  void accept_draft(Conversation& turn);
  void finish(const Conversation& turn, jobs::Finish finish, EventSink& sink);
  Status poison(const Status& status, EventSink& sink);

  Model& model_;
  GeneratorOptions options_;
  ModelLimits limits_;
  ModelRows rows_;
  KvStore store_;
  Sampler sampler_;
  CostModel costs_;
  SpeedMeter speed_;
  std::uint64_t tokens_written_ = 0;  // After the first one of their text.
  Queue waiting_;                     // In the order of service.
  Queue running_;                     // The front one has the turn.
  std::uint64_t arrivals_ = 0;
  Status status_;  // Not ok: poisoned.
};

// ---- Requests come and go.

Status Generator::Impl::add(RequestId id, GenerateRequest request) {
  AXLE_TRY(status_);
  AXLE_TRY(check_request(request, limits_));
  if (knows(id)) {
    return invalid_argument(
        fmt::format("request {} is here already", static_cast<std::uint64_t>(id)));
  }
  if (running_.size() + waiting_.size() >= options_.max_requests) {
    return exhausted(
        fmt::format("{} requests are running or waiting, which is the limit; try later",
                    options_.max_requests));
  }
  wait(std::make_unique<Conversation>(id, std::move(request), arrivals_++));
  return {};
}

bool Generator::Impl::knows(RequestId id) const {
  const auto is_it = [id](const ConversationPtr& it) { return it->id() == id; };
  return std::any_of(running_.begin(), running_.end(), is_it) ||
         std::any_of(waiting_.begin(), waiting_.end(), is_it);
}

void Generator::Impl::wait(ConversationPtr conversation) {
  const auto place =
      std::find_if(waiting_.begin(), waiting_.end(),
                   [&](const ConversationPtr& other) { return conversation->goes_before(*other); });
  waiting_.insert(place, std::move(conversation));
}

void Generator::Impl::cancel(RequestId id) {
  for (Queue* queue : {&running_, &waiting_}) {
    for (auto it = queue->begin(); it != queue->end(); ++it) {
      if ((*it)->id() != id) continue;
      store_.release(**it);
      queue->erase(it);
      return;
    }
  }
}

GeneratorLoad Generator::Impl::load() const {
  return {.running = running_.size(),
          .waiting = waiting_.size(),
          .cells_used = store_.cells_used(),
          .cells_cached = store_.cells_cached(),
          .cells_total = store_.cells_total(),
          .banks = store_.banks(),
          .host_bytes = store_.host_bytes(),
          .speed = speed_.speed()};
}

Result<bool> Generator::Impl::give_memory_back() {
  AXLE_TRY_ASSIGN(const std::size_t banks, store_.drop_idle_banks());
  return banks > 0;
}

std::vector<Conversation*> Generator::Impl::running() const {
  std::vector<Conversation*> running;
  for (const ConversationPtr& it : running_) running.push_back(it.get());
  return running;
}

// ---- Cells.

// First come, first served: the first that finds no room keeps the others waiting too. Only those
// that wait for another's computed beginning are passed over.
Status Generator::Impl::start_waiting(EventSink& sink) {
  for (auto next = waiting_.begin();
       next != waiting_.end() && running_.size() < options_.max_running;) {
    if (is_complete((*next)->request(), (*next)->answer().size(), limits_)) {
      sink.done((*next)->id(), (*next)->done(jobs::Finish::kLength, Conversation::Clock::now()));
      next = waiting_.erase(next);
      continue;
    }
    if (will_share_more(**next)) {
      ++next;
      continue;
    }
    AXLE_TRY_ASSIGN(const bool admitted, store_.admit(**next, running(), costs_.guesses()));
    if (!admitted) return {};
    running_.push_back(std::move(*next));
    next = waiting_.erase(next);
  }
  return {};
}

// Is a prompt being computed that begins alike for longer than what is there already?
bool Generator::Impl::will_share_more(const Conversation& conversation) const {
  if (!options_.prefix_cache) return false;
  const auto tokens = conversation.tokens().first(conversation.tokens().size() - 1);
  const std::size_t known = store_.known(tokens);
  return std::ranges::any_of(running_, [&](const ConversationPtr& it) {
    if (it->answered()) return false;
    return common_length(tokens, it->tokens()) >= known + kWorthWaiting;
  });
}

// Is there a cell for the conversation's next token? If need be, the running request of its bank
// that goes last gives its cells back. False: it was this one, and it waits again.
bool Generator::Impl::ensure_cell(const Conversation& conversation) {
  while (conversation.reserved.empty() && store_.spare(conversation.bank) == 0) {
    auto last = running_.end();
    for (auto it = running_.begin(); it != running_.end(); ++it) {
      if ((*it)->bank != conversation.bank) continue;
      if (last == running_.end() || (*last)->goes_before(**it)) last = it;
    }
    const bool itself = last->get() == &conversation;
    ConversationPtr loser = std::move(*last);
    running_.erase(last);
    store_.release(*loser);
    wait(std::move(loser));
    if (itself) return false;
  }
  return true;
}

// ---- Steps.

Result<bool> Generator::Impl::step(EventSink& sink) {
  AXLE_TRY(status_);
  if (const Status started = start_waiting(sink); !started.ok()) return poison(started, sink);
  if (running_.empty()) return !waiting_.empty();
  if (!ensure_cell(*running_.front())) return true;
  if (options_.clear_cells && running_.front()->sequence.empty()) {
    if (const Status cleared = model_.clear_cells(); !cleared.ok()) return poison(cleared, sink);
  }

  const auto begin = Conversation::Clock::now();
  const Result<Batch> batch = make_batch();
  if (!batch.ok()) return poison(batch.status(), sink);
  StepWork work = work_of(*batch);
  const std::uint64_t written = tokens_written_;
  if (const Status ran = run(*batch); !ran.ok()) return poison(ran, sink);
  pass_turns(*batch);
  for (const Served& served : batch->served) {
    report_progress(*served.conversation, sink);
    if (served.conversation->pending() > 0) continue;
    const Status answered = answer(*served.conversation, served.last_row, sink);
    if (!answered.ok()) return poison(answered, sink);
  }
  work.time = Conversation::Clock::now() - begin;
  work.new_tokens = static_cast<std::size_t>(tokens_written_ - written);
  costs_.measured(batch->plan.group, batch->plan.rows.size(), work.time);
  speed_.add(work);
  return !running_.empty() || !waiting_.empty();
}

// Running conversations with room for their next token, in the order of their turns: those of the
// bank whose turn it is. Nobody but the first one takes cells from others for it.
std::vector<Conversation*> Generator::Impl::ready() const {
  const std::size_t bank = running_.front()->bank;
  std::size_t spare = store_.spare(bank);
  std::vector<Conversation*> ready;
  for (const ConversationPtr& it : running_) {
    if (it->bank != bank) continue;
    if (it->reserved.empty()) {
      if (spare == 0) continue;
      --spare;
    }
    ready.push_back(it.get());
  }
  return ready;
}

Result<Batch> Generator::Impl::make_batch() {
  std::vector<Conversation*> conversations = ready();
  if (!options_.mixed_steps) conversations.resize(1);
  AXLE_TRY(store_.settle(conversations.front()->bank, running()));
  for (Conversation* it : conversations) guess(*it);
  std::vector<Candidate> candidates;
  for (const Conversation* it : conversations) candidates.push_back(candidate_of(*it));
  const PlanLimits limits{.step_cost = costs_.knows_time() ? kStepLimitNs : 0.0};
  const StepChoice choice = plan_step(shape(), costs_.costs(), candidates, limits);
  AXLE_TRY(take_cells(choice, conversations));
  return assemble(choice, conversations, model_.step().has_wide_head());
}

// Cells for the rows that have none: neighbours, if possible, since rows that go to neighbouring
// cells are one copy.
Status Generator::Impl::take_cells(const StepChoice& choice,
                                   std::span<Conversation* const> conversations) {
  std::vector<std::size_t> wanted;
  std::size_t history_end = 0;
  for (const Share& share : choice.shares) {
    const Conversation& conversation = *conversations[share.candidate];
    const std::size_t rows = share.rows + share.drafts;
    wanted.push_back(rows - std::min(rows, conversation.reserved.size()));
    history_end = std::max(history_end, conversation.sequence.cells_end());
  }
  AXLE_TRY_ASSIGN(const std::vector<Cell> cells,
                  store_.take(conversations.front()->bank,
                              std::reduce(wanted.begin(), wanted.end()), history_end));
  auto next = cells.begin();
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    std::deque<Cell>& reserved = conversations[choice.shares[i].candidate]->reserved;
    reserved.insert(reserved.end(), next, next + static_cast<std::ptrdiff_t>(wanted[i]));
    next += static_cast<std::ptrdiff_t>(wanted[i]);
  }
  return {};
}

// Guesses for a text that goes on, as many as there are cells for beside those of running texts.
void Generator::Impl::guess(Conversation& conversation) {
  conversation.drafts.clear();
  if (options_.max_drafts == 0 || !conversation.answered() || conversation.pending() != 1) return;
  const std::size_t more =
      tokens_left(conversation.request(), conversation.answer().size(), limits_);
  const std::size_t share = store_.spare(conversation.bank) / running_.size();
  const std::size_t most =
      std::min({options_.max_drafts, more - 1, share - std::min(share, std::size_t{1})});
  if (most > 0) conversation.drafts = guess_continuation(conversation.tokens(), most);
}

Status Generator::Impl::run(const Batch& batch) {
  const auto begin = Conversation::Clock::now();
  for (const Served& served : batch.served) served.conversation->mark_started(begin);
  AXLE_TRY(model_.step().run(batch.plan));
  for (const Served& served : batch.served) {
    const bool seen = served.conversation->sequence.cells_end() <= prefill_history(shape());
    if (!seen && !served.conversation->answered())
      served.conversation->mark_row_by_row(served.rows);
    for (std::size_t i = served.last_row + 1 - served.rows; i <= served.last_row; ++i) {
      const Row& row = batch.plan.rows[i];
      served.conversation->sequence.append(row.token, row.position, row.cell);
      served.conversation->reserved.pop_front();
    }
  }
  return {};
}

// Who was served goes behind those who were not.
void Generator::Impl::pass_turns(const Batch& batch) {
  std::stable_partition(running_.begin(), running_.end(), [&](const ConversationPtr& it) {
    return std::ranges::none_of(
        batch.served, [&](const Served& served) { return served.conversation == it.get(); });
  });
}

void Generator::Impl::report_progress(Conversation& conversation, EventSink& sink) {
  const bool answered = conversation.answered();
  if (answered || !conversation.mark_progress(conversation.sequence.size())) return;
  sink.progress(conversation.id(),
                {.prefill_done = static_cast<std::int32_t>(conversation.sequence.size()),
                 .prefill_total = static_cast<std::int32_t>(conversation.tokens().size())});
}

// All that the conversation knows is computed: chooses its next token, from row `row` of the step,
// and further ones as long as they are those that were guessed.
Status Generator::Impl::answer(Conversation& turn, std::size_t row, EventSink& sink) {
  if (!turn.answered()) store_.keep(turn);
  const std::vector<TokenId> drafts = std::move(turn.drafts);
  turn.drafts.clear();
  std::size_t right = 0;
  for (;;) {
    AXLE_TRY_ASSIGN(const std::optional<jobs::Finish> end, choose_token(turn, row + right, sink));
    if (end) {
      finish(turn, *end, sink);
      return {};
    }
    if (right == drafts.size() || turn.tokens().back() != drafts[right]) break;
    accept_draft(turn);
    ++right;
  }
  if (drafts.empty()) {
    turn.record.forget();
  } else {
    turn.record.tested(drafts.size(), right);
  }
  // Cells of guesses that did not hold are free again; what is in them nobody sees.
  for (const Cell cell : turn.reserved) store_.give_back(turn.bank, cell);
  turn.reserved.clear();
  return {};
}

// The token just chosen is the one that was guessed: its row is computed.
void Generator::Impl::accept_draft(Conversation& turn) {
  turn.sequence.append(turn.tokens().back(), static_cast<std::uint32_t>(turn.sequence.size()),
                       turn.reserved.front());
  turn.reserved.pop_front();
}

// The next token, from the logits of row `row`; how the text ended, if it did.
Result<std::optional<jobs::Finish>> Generator::Impl::choose_token(Conversation& turn,
                                                                  std::size_t row,
                                                                  EventSink& sink) {
  AXLE_TRY_ASSIGN(const std::span<const Bf16> logits, model_.step().logits(row));
  AXLE_TRY_ASSIGN(const TokenId token,
                  sampler_.sample(logits, turn.request().sampling,
                                  {.prompt = turn.request().prompt, .answer = turn.answer()}));
  if (turn.ends_with(token)) return std::optional(jobs::Finish::kStop);
  const auto index = static_cast<std::int32_t>(turn.answer().size());
  if (turn.answered()) ++tokens_written_;
  turn.append_answer(token);
  sink.tokens(turn.id(), {.ids = {token},
                          .first_index = index,
                          .logprobs = logprobs_of(logits, token, turn.request().top_logprobs)});
  const bool complete = is_complete(turn.request(), turn.answer().size(), limits_);
  return complete ? std::optional(jobs::Finish::kLength) : std::nullopt;
}

void Generator::Impl::finish(const Conversation& turn, jobs::Finish finish, EventSink& sink) {
  const auto place = std::ranges::find(running_, &turn, &ConversationPtr::get);
  const ConversationPtr finished = std::move(*place);
  running_.erase(place);
  store_.release(*finished);
  sink.done(finished->id(), finished->done(finish, Conversation::Clock::now()));
}

Status Generator::Impl::poison(const Status& status, EventSink& sink) {
  status_ = status;
  for (Queue* queue : {&running_, &waiting_}) {
    for (const ConversationPtr& conversation : *queue) {
      store_.release(*conversation);
      sink.failed(conversation->id(), {.status = status, .retry_may_help = true});
    }
    queue->clear();
  }
  return status;
}

// ----

Generator::Generator(Model& model, const GeneratorOptions& options)
    : impl_(std::make_unique<Impl>(model, options)) {}
Generator::~Generator() = default;

Status Generator::add(RequestId id, GenerateRequest request) {
  return impl_->add(id, std::move(request));
}
void Generator::cancel(RequestId id) { impl_->cancel(id); }
Result<bool> Generator::step(EventSink& sink) { return impl_->step(sink); }
const Status& Generator::status() const { return impl_->status(); }
GeneratorLoad Generator::load() const { return impl_->load(); }
Result<bool> Generator::give_memory_back() { return impl_->give_memory_back(); }

}  // namespace axle::llm
