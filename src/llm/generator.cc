#include "llm/generator.h"

#include <fmt/format.h>

#include <algorithm>
#include <deque>
#include <optional>
#include <utility>

#include "llm/cells.h"
#include "llm/conversation.h"
#include "llm/cost.h"
#include "llm/logprobs.h"
#include "llm/model.h"
#include "llm/plan.h"
#include "llm/prefix_cache.h"
#include "llm/request_check.h"
#include "llm/sampler.h"

namespace axle::llm {
namespace {

// Free cells that must be left for growing texts before another request may start beside them; with
// fewer, requests would push each other out all the time.
constexpr std::size_t kGrowthCells = 32;
constexpr std::size_t kCachedTexts = 64;
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
        cells_(model.cells()),
        cache_(cells_, kCachedTexts),
        sampler_(model.vocab_size()),
        costs_(model.package().info().shape) {}

  Status add(RequestId id, GenerateRequest request);
  void cancel(RequestId id);
  Result<bool> step(EventSink& sink);
  const Status& status() const { return status_; }
  GeneratorLoad load() const;

 private:
  using ConversationPtr = std::unique_ptr<Conversation>;
  using Queue = std::deque<ConversationPtr>;

  const package::LayerShape& shape() const { return model_.package().info().shape; }
  bool knows(RequestId id) const;
  void wait(ConversationPtr conversation);
  void start_waiting(EventSink& sink);
  enum class Start : std::uint8_t { kStarted, kNoRoom, kLater };
  Start start(Conversation& conversation);
  bool will_share_more(const Conversation& conversation, std::size_t cached) const;
  std::vector<Cell> cached_beginning(const Conversation& conversation);
  Cell take_prompt_cell();
  bool ensure_cell(Conversation& conversation);
  void free_cells(Conversation& conversation);

  // A conversation's part in a step.
  struct Served {
    Conversation* conversation = nullptr;
    std::size_t rows = 0;      // Of pending tokens.
    std::size_t last_row = 0;  // Of the plan; guesses follow it.
  };
  struct Batch {
    Plan plan;
    std::vector<Served> served;  // In the order of the plan's rows.
  };
  std::vector<Conversation*> ready();
  void guess(Conversation& conversation);
  Candidate candidate(const Conversation& conversation) const;
  Batch make_batch();
  static void add_rows(const Conversation& conversation, std::size_t count, Plan& plan);
  void add_drafts(Conversation& conversation, std::size_t count, Plan& plan);
  Status run(const Batch& batch);
  void pass_turns(const Batch& batch);
  void report_progress(const Conversation& conversation, EventSink& sink) const;
  Status answer(Conversation& turn, std::size_t row, EventSink& sink);
  Result<std::optional<jobs::Finish>> choose_token(Conversation& turn, std::size_t row,
                                                   EventSink& sink);
  void accept_draft(Conversation& turn);
  void finish(const Conversation& turn, jobs::Finish finish, EventSink& sink);
  Status poison(const Status& status, EventSink& sink);

  Model& model_;
  GeneratorOptions options_;
  ModelLimits limits_;
  Cells cells_;
  PrefixCache cache_;
  Sampler sampler_;
  CostModel costs_;
  Queue waiting_;  // In the order of service.
  Queue running_;  // The front one has the turn.
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
      free_cells(**it);
      queue->erase(it);
      return;
    }
  }
}

GeneratorLoad Generator::Impl::load() const {
  return {.running = running_.size(),
          .waiting = waiting_.size(),
          .cells_used = cells_.count() - cells_.free_count(),
          .cells_cached = cache_.evictable(),
          .cells_total = cells_.count()};
}

// ---- Cells.

// First come, first served: the first that finds no room keeps the others waiting too. Only those
// that wait for another's computed beginning are passed over.
void Generator::Impl::start_waiting(EventSink& sink) {
  for (auto next = waiting_.begin();
       next != waiting_.end() && running_.size() < options_.max_running;) {
    if (is_complete((*next)->request(), (*next)->answer().size(), limits_)) {
      sink.done((*next)->id(), (*next)->done(jobs::Finish::kLength, Conversation::Clock::now()));
      next = waiting_.erase(next);
      continue;
    }
    switch (start(**next)) {
      case Start::kNoRoom:
        return;
      case Start::kLater:
        ++next;
        break;
      case Start::kStarted:
        running_.push_back(std::move(*next));
        next = waiting_.erase(next);
        break;
    }
  }
}

// Takes all cells that the tokens known so far need, or none.
Generator::Impl::Start Generator::Impl::start(Conversation& conversation) {
  const std::vector<Cell> cached = cached_beginning(conversation);
  const std::size_t wanted = conversation.tokens().size() - cached.size();
  const std::size_t growth = running_.empty() ? 0 : kGrowthCells;
  const bool later = will_share_more(conversation, cached.size());
  if (later || wanted + growth > cells_.free_count() + cache_.evictable()) {
    for (const Cell cell : cached) cells_.release(cell);
    return later ? Start::kLater : Start::kNoRoom;
  }
  for (std::size_t i = 0; i < cached.size(); ++i) {
    conversation.sequence.append(conversation.tokens()[i], static_cast<std::uint32_t>(i),
                                 cached[i]);
  }
  conversation.mark_cached(cached.size());
  for (std::size_t i = 0; i < wanted; ++i) conversation.reserved.push_back(take_prompt_cell());
  return Start::kStarted;
}

// Is a prompt being computed that begins alike for longer than what is cached?
bool Generator::Impl::will_share_more(const Conversation& conversation, std::size_t cached) const {
  if (!options_.prefix_cache) return false;
  const auto tokens = conversation.tokens().first(conversation.tokens().size() - 1);
  return std::ranges::any_of(running_, [&](const ConversationPtr& it) {
    if (it->answered()) return false;
    const auto [end, other] = std::ranges::mismatch(tokens, it->tokens());
    return static_cast<std::size_t>(end - tokens.begin()) >= cached + kWorthWaiting;
  });
}

// Cells of a computed beginning, shared; none where starting afresh is faster, as with a package
// whose prefill groups cannot see those cells. At least one token is left: its row gives the
// logits.
std::vector<Cell> Generator::Impl::cached_beginning(const Conversation& conversation) {
  if (!options_.prefix_cache) return {};
  const auto tokens = conversation.tokens();
  std::vector<Cell> cached = cache_.acquire(tokens.first(tokens.size() - 1));
  if (cached.empty()) return cached;
  const std::size_t end = std::size_t{*std::max_element(cached.begin(), cached.end())} + 1;
  const double with = prefill_cost(shape(), costs_.guesses(), {tokens.size() - cached.size(), end});
  const double without = prefill_cost(shape(), costs_.guesses(), {tokens.size(), 0});
  if (with <= without) return cached;
  for (const Cell cell : cached) cells_.release(cell);
  return {};
}

// A cell that prefill groups can see, if need be in exchange for a cached text; else any.
Cell Generator::Impl::take_prompt_cell() {
  const std::size_t visible = prefill_history(shape());
  if (!cache_.evict(visible)) (void)cache_.evict(cells_.count());
  return *cells_.take();  // start() has counted: there is one.
}

// Has the conversation a cell for its next token? Takes one, if need be from the cache, then from
// the running request that goes last. False: it was this one, and it waits again.
bool Generator::Impl::ensure_cell(Conversation& conversation) {
  if (!conversation.reserved.empty()) return true;
  while (!cache_.evict(cells_.count())) {
    const auto last =
        std::max_element(running_.begin(), running_.end(),
                         [](const ConversationPtr& left, const ConversationPtr& right) {
                           return left->goes_before(*right);
                         });
    const bool itself = last->get() == &conversation;
    ConversationPtr loser = std::move(*last);
    running_.erase(last);
    free_cells(*loser);
    wait(std::move(loser));
    if (itself) return false;
  }
  conversation.reserved.push_back(*cells_.take());
  return true;
}

void Generator::Impl::free_cells(Conversation& conversation) {
  if (options_.prefix_cache) cache_.keep(conversation.sequence);
  for (const Cell cell : conversation.sequence.cells()) cells_.release(cell);
  for (const Cell cell : conversation.reserved) cells_.release(cell);
  conversation.sequence.clear();
  conversation.reserved.clear();
}

// ---- Steps.

Result<bool> Generator::Impl::step(EventSink& sink) {
  AXLE_TRY(status_);
  start_waiting(sink);
  if (running_.empty()) return !waiting_.empty();
  if (!ensure_cell(*running_.front())) return true;

  const Batch batch = make_batch();
  if (const Status ran = run(batch); !ran.ok()) return poison(ran, sink);
  pass_turns(batch);
  for (const Served& served : batch.served) {
    report_progress(*served.conversation, sink);
    if (served.conversation->pending() > 0) continue;
    const Status answered = answer(*served.conversation, served.last_row, sink);
    if (!answered.ok()) return poison(answered, sink);
  }
  return !running_.empty() || !waiting_.empty();
}

// Running conversations with a cell for their next token, in the order of their turns. Nobody but
// the first one takes cells from others for it.
std::vector<Conversation*> Generator::Impl::ready() {
  std::vector<Conversation*> ready;
  for (const ConversationPtr& it : running_) {
    if (it->reserved.empty()) {
      if (!cache_.evict(cells_.count())) continue;
      it->reserved.push_back(*cells_.take());
    }
    ready.push_back(it.get());
  }
  return ready;
}

Generator::Impl::Batch Generator::Impl::make_batch() {
  const std::vector<Conversation*> conversations = ready();
  for (Conversation* it : conversations) guess(*it);
  std::vector<Candidate> candidates;
  for (const Conversation* it : conversations) candidates.push_back(candidate(*it));
  const PlanLimits limits{.step_cost = costs_.knows_time() ? kStepLimitNs : 0.0};
  const StepChoice choice = plan_step(shape(), costs_.costs(), candidates, limits);
  Batch batch{.plan = {.group = choice.group, .rows = {}}, .served = {}};
  for (const Share& share : choice.shares) {
    Conversation& conversation = *conversations[share.candidate];
    add_rows(conversation, share.rows, batch.plan);
    batch.served.push_back({&conversation, share.rows, batch.plan.rows.size() - 1});
    add_drafts(conversation, share.drafts, batch.plan);
  }
  return batch;
}

Candidate Generator::Impl::candidate(const Conversation& conversation) const {
  const std::size_t count = std::min(conversation.pending(), conversation.reserved.size());
  return {.pending = {count, conversation.sequence.cells_end()},
          .answering = conversation.answered() && conversation.pending() == 1,
          .drafts = conversation.drafts.size(),
          .draft_chance = conversation.record.chance()};
}

// Guesses for a text that goes on, as many as there are cells for beside those of running texts.
void Generator::Impl::guess(Conversation& conversation) {
  conversation.drafts.clear();
  if (options_.max_drafts == 0 || !conversation.answered() || conversation.pending() != 1) return;
  const std::size_t more =
      tokens_left(conversation.request(), conversation.answer().size(), limits_);
  const std::size_t spare = (cells_.free_count() + cache_.evictable()) / running_.size();
  const std::size_t most = std::min({options_.max_drafts, more - 1, spare});
  if (most > 0) conversation.drafts = guess_continuation(conversation.tokens(), most);
}

// The rows after the conversation's pending one. Only the head of one row is asked row by row, as
// far as the guesses hold.
void Generator::Impl::add_drafts(Conversation& conversation, std::size_t count, Plan& plan) {
  conversation.drafts.resize(count);
  const std::size_t first = conversation.tokens().size();
  while (conversation.reserved.size() < count + 1) {
    (void)cache_.evict(cells_.count());  // guess() has counted: there is one.
    conversation.reserved.push_back(*cells_.take());
  }
  for (std::size_t i = 0; i < count; ++i) {
    plan.rows.push_back({.sequence = &conversation.sequence,
                         .token = conversation.drafts[i],
                         .position = static_cast<std::uint32_t>(first + i),
                         .cell = conversation.reserved[i + 1],
                         .wants_logits = model_.step().has_wide_head()});
  }
}

void Generator::Impl::add_rows(const Conversation& conversation, std::size_t count, Plan& plan) {
  const std::size_t first = conversation.sequence.size();
  for (std::size_t i = 0; i < count; ++i) {
    plan.rows.push_back({.sequence = &conversation.sequence,
                         .token = conversation.tokens()[first + i],
                         .position = static_cast<std::uint32_t>(first + i),
                         .cell = conversation.reserved[i],
                         .wants_logits = first + i + 1 == conversation.tokens().size()});
  }
}

Status Generator::Impl::run(const Batch& batch) {
  const auto begin = Conversation::Clock::now();
  for (const Served& served : batch.served) served.conversation->mark_started(begin);
  AXLE_TRY(model_.step().run(batch.plan));
  costs_.measured(batch.plan.group, batch.plan.rows.size(), Conversation::Clock::now() - begin);
  for (const Served& served : batch.served) {
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

void Generator::Impl::report_progress(const Conversation& conversation, EventSink& sink) const {
  if (conversation.answered()) return;
  sink.progress(conversation.id(),
                {.prefill_done = static_cast<std::int32_t>(conversation.sequence.size()),
                 .prefill_total = static_cast<std::int32_t>(conversation.tokens().size())});
}

// All that the conversation knows is computed: chooses its next token, from row `row` of the step,
// and further ones as long as they are those that were guessed.
Status Generator::Impl::answer(Conversation& turn, std::size_t row, EventSink& sink) {
  if (options_.prefix_cache && !turn.answered()) cache_.keep(turn.sequence);
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
  for (; turn.reserved.size() > 1; turn.reserved.pop_back()) cells_.release(turn.reserved.back());
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
  AXLE_TRY(model_.step().score(row));
  AXLE_TRY_ASSIGN(const TokenId token,
                  sampler_.sample(model_.step().logits(row), turn.request().sampling,
                                  {.prompt = turn.request().prompt, .answer = turn.answer()}));
  if (turn.ends_with(token)) return std::optional(jobs::Finish::kStop);
  const auto index = static_cast<std::int32_t>(turn.answer().size());
  turn.append_answer(token);
  sink.tokens(turn.id(), {.ids = {token},
                          .first_index = index,
                          .logprobs = logprobs_of(model_.step().logits(row), token,
                                                  turn.request().top_logprobs)});
  const bool complete = is_complete(turn.request(), turn.answer().size(), limits_);
  return complete ? std::optional(jobs::Finish::kLength) : std::nullopt;
}

void Generator::Impl::finish(const Conversation& turn, jobs::Finish finish, EventSink& sink) {
  const auto place = std::ranges::find(running_, &turn, &ConversationPtr::get);
  const ConversationPtr finished = std::move(*place);
  running_.erase(place);
  free_cells(*finished);
  sink.done(finished->id(), finished->done(finish, Conversation::Clock::now()));
}

Status Generator::Impl::poison(const Status& status, EventSink& sink) {
  status_ = status;
  for (Queue* queue : {&running_, &waiting_}) {
    for (const ConversationPtr& conversation : *queue) {
      free_cells(*conversation);
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

}  // namespace axle::llm
