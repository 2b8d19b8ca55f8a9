#include "api/openai/completion.h"

#include <utility>
#include <variant>

#include "api/openai/errors.h"
#include "base/log.h"
#include "http/sse.h"

namespace axle::api {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point begin) {
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

std::int64_t unix_seconds() {
  return std::chrono::duration_cast<std::chrono::seconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

// Choices of one request differ, and the first is the one that the seed alone would give.
std::uint64_t seed_of_choice(std::uint64_t seed, std::size_t index) {
  return seed + static_cast<std::uint64_t>(index) * 0x9e3779b97f4a7c15u;
}

}  // namespace

// Takes one choice's events to its completion.
class Completion::Sink : public fleet::JobSink {
 public:
  Sink(std::shared_ptr<Completion> completion, std::size_t index)
      : completion_(std::move(completion)), index_(index) {}
  void on_event(jobs::JobId id, const jobs::JobEvent& event) override {
    completion_->on_event(index_, id, event);
  }

 private:
  const std::shared_ptr<Completion> completion_;  // Keeps the answer alive while its job runs.
  const std::size_t index_;
};

Completion::Completion(ChatContext context, std::shared_ptr<http::Exchange> exchange,
                       std::shared_ptr<const ServedModel> model, ChatRequest request,
                       const PromptFacts& prompt)
    : context_(context),
      exchange_(std::move(exchange)),
      model_(std::move(model)),
      request_(std::move(request)),
      prompt_tokens_(prompt.tokens),
      begun_(Clock::now()),
      head_{"chatcmpl-" + exchange_->request().request_id, unix_seconds(), model_->name},
      writer_(head_, request_.include_usage),
      last_write_(begun_) {
  const MutexLock lock(mutex_);
  for (std::int32_t i = 0; i < request_.choices; ++i) {
    jobs_.push_back(Job{{}, Choice(model_->tokenizer, request_.stop, prompt.start), {}, {}});
  }
}

void Completion::start(const jobs::GenerateJob& job) {
  context_.metrics.prompt_tokens.add(job.prompt.size());
  const std::weak_ptr<Completion> self = weak_from_this();
  exchange_->on_disconnect([self] {
    if (const auto completion = self.lock()) completion->client_left();
  });
  exchange_->on_stop([self] {
    const auto completion = self.lock();
    if (!completion) return;
    std::vector<jobs::JobId> useless;
    {
      const MutexLock lock(completion->mutex_);
      completion->fail(unavailable("the server is being stopped; try again when it is back"));
      useless = completion->take_useless_jobs();
    }
    completion->cancel(useless);
  });
  if (!submit_all(job)) return;
  const MutexLock lock(mutex_);
  if (request_.stream && !over_) begin_stream();
}

bool Completion::submit_all(const jobs::GenerateJob& job) {
  for (std::size_t i = 0; i < static_cast<std::size_t>(request_.choices); ++i) {
    jobs::GenerateJob own = job;
    own.sampling.seed = seed_of_choice(job.sampling.seed, i);
    const Result<jobs::JobId> id = context_.fleet.submit(
        std::move(own), std::make_shared<Sink>(shared_from_this(), i), deadline());
    std::vector<jobs::JobId> useless;
    {
      const MutexLock lock(mutex_);
      if (!id.ok()) {
        fail(id.status());
      } else if (!jobs_[i].choice.finished()) {
        jobs_[i].id = *id;
      }
      if (!over_) continue;
      useless = take_useless_jobs();  // It failed, or the client left meanwhile.
    }
    cancel(useless);
    return false;
  }
  return true;
}

std::optional<fleet::Fleet::Time> Completion::deadline() const {
  if (!request_.deadline) return std::nullopt;
  return begun_ + *request_.deadline;
}

void Completion::on_event(std::size_t index, jobs::JobId id, const jobs::JobEvent& event) {
  std::vector<jobs::JobId> useless;
  {
    const MutexLock lock(mutex_);
    if (over_ || jobs_[index].choice.finished()) return;
    jobs_[index].id = id;
    handle(index, event);
    useless = take_useless_jobs();
  }
  cancel(useless);
}

void Completion::handle(std::size_t index, const jobs::JobEvent& event) {
  if (const auto* tokens = std::get_if<jobs::Tokens>(&event)) {
    take_tokens(index, *tokens);
  } else if (const auto* done = std::get_if<jobs::Done>(&event)) {
    take_done(index, *done);
  } else if (const auto* failed = std::get_if<jobs::Failed>(&event)) {
    jobs_[index].id = {};
    fail(failed->status);
  }
}

void Completion::take_tokens(std::size_t index, const jobs::Tokens& tokens) {
  Job& job = jobs_[index];
  observe_tokens(job, tokens.ids.size());
  const Result<AnswerText> text = job.choice.take(tokens);
  if (!text.ok()) return fail(internal(text.status().message()));
  show(index, *text);
  if (job.choice.stopped()) finish_choice(index);
}

void Completion::take_done(std::size_t index, const jobs::Done& done) {
  Job& job = jobs_[index];
  job.id = {};
  show(index, job.choice.finish(done));
  finish_choice(index);
}

void Completion::observe_tokens(Job& job, std::size_t count) {
  const auto now = Clock::now();
  context_.metrics.generated_tokens.add(count);
  if (job.last_token == Clock::time_point{}) {
    context_.metrics.first_token_seconds.observe(seconds_since(begun_));
  } else {
    const std::chrono::duration<double> gap = now - job.last_token;
    context_.metrics.between_tokens_seconds.observe(gap.count());
  }
  job.last_token = now;
}

void Completion::show(std::size_t index, const AnswerText& text) {
  Job& job = jobs_[index];
  job.text.reasoning += text.reasoning;
  job.text.content += text.content;
  append_entries(job.logprobs, job.choice.take_logprobs());
  if (request_.stream && !full_) flush(index);
}

void Completion::flush(std::size_t index) {
  Job& job = jobs_[index];
  const auto choice = static_cast<std::int32_t>(index);
  const AnswerText text = std::exchange(job.text, {});
  if (!text.reasoning.empty()) {
    send(writer_.reasoning(choice, text.reasoning, std::exchange(job.logprobs, {})));
  }
  if (!text.content.empty()) {
    send(writer_.content(choice, text.content, std::exchange(job.logprobs, {})));
  }
}

void Completion::finish_choice(std::size_t index) {
  Job& job = jobs_[index];
  if (request_.stream) {
    flush(index);
    // Entries that are left belong to tokens without text, such as special ones at the end.
    send(writer_.finish(static_cast<std::int32_t>(index), job.choice.finish_reason(),
                        std::exchange(job.logprobs, {})));
  }
  (job.choice.finish_reason() == jobs::Finish::kStop ? context_.metrics.finished_stop
                                                     : context_.metrics.finished_length)
      .add();
  if (++finished_ == jobs_.size()) finish_answer();
}

void Completion::finish_answer() {
  over_ = true;
  context_.metrics.request_seconds.observe(seconds_since(begun_));
  if (request_.stream) {
    if (request_.include_usage) send(writer_.usage(usage(), timings()));
    send("[DONE]");
    stream_->finish();
    return;
  }
  std::vector<ChatChoice> choices;
  for (Job& job : jobs_) {
    ChatChoice choice{std::move(job.text), job.choice.finish_reason()};
    if (request_.top_logprobs) choice.logprobs = std::move(job.logprobs);
    choices.push_back(std::move(choice));
  }
  exchange_->respond(http::json_response(200, completion_json(head_, choices, usage(), timings())));
}

jobs::Usage Completion::usage() const {
  jobs::Usage usage{.prompt_tokens = prompt_tokens_};
  for (const Job& job : jobs_) {
    usage.completion_tokens += job.choice.tokens();
    usage.cached_tokens = std::max(usage.cached_tokens, job.choice.cached_tokens());
  }
  return usage;
}

// Of several choices, which run side by side, the longest times.
jobs::Timings Completion::timings() const {
  jobs::Timings longest;
  for (const Job& job : jobs_) {
    const jobs::Timings& one = job.choice.timings();
    longest.queued = std::max(longest.queued, one.queued);
    longest.prefill = std::max(longest.prefill, one.prefill);
    longest.decode = std::max(longest.decode, one.decode);
    longest.row_by_row = std::max(longest.row_by_row, one.row_by_row);
  }
  return longest;
}

void Completion::fail(const Status& status) {
  if (over_) return;
  over_ = true;
  context_.metrics.failed.add();
  const RequestError error{status, "", ""};
  if (stream_ == nullptr) {
    exchange_->respond(error_response(error, context_.fleet.retry_after()));
    return;
  }
  // A stream that ends with an error has no [DONE] (docs/api.md).
  stream_->write(http::sse_event(error_object(error)));
  stream_->finish();
}

void Completion::begin_stream() {
  if (stream_ != nullptr) return;
  stream_ = exchange_->start_stream(http::sse_head());
  stream_->on_drain([self = weak_from_this()] {
    if (const auto completion = self.lock()) completion->drained();
  });
  for (std::size_t i = 0; i < jobs_.size(); ++i) {
    send(writer_.role(static_cast<std::int32_t>(i)));
  }
}

void Completion::send(std::string event) {
  begin_stream();
  last_write_ = Clock::now();
  full_ = stream_->write(http::sse_event(event)) == http::WriteResult::kFull;
}

void Completion::drained() {
  const MutexLock lock(mutex_);
  full_ = false;
  if (over_) return;
  for (std::size_t i = 0; i < jobs_.size() && !full_; ++i) flush(i);
}

void Completion::client_left() {
  std::vector<jobs::JobId> useless;
  {
    const MutexLock lock(mutex_);
    if (over_) return;
    over_ = true;
    context_.metrics.disconnected.add();
    useless = take_useless_jobs();
  }
  AXLE_LOG_DEBUG("api", "request {}: the client has left", exchange_->request().request_id);
  cancel(useless);
}

bool Completion::keep_alive(std::chrono::milliseconds silence) {
  const MutexLock lock(mutex_);
  if (over_) return false;
  if (stream_ == nullptr || full_) return true;
  std::string news = news_of_queue();
  if (news.empty() && Clock::now() - last_write_ >= silence) news = "ping";
  if (news.empty()) return true;
  last_write_ = Clock::now();
  full_ = stream_->write(http::sse_comment(news)) == http::WriteResult::kFull;
  return true;
}

std::string Completion::news_of_queue() {
  const Job& job = jobs_.front();
  if (job.last_token != Clock::time_point{}) return {};
  return queue_news_.tell(context_.fleet.queue_place(job.id));
}

std::vector<jobs::JobId> Completion::take_useless_jobs() {
  std::vector<jobs::JobId> ids;
  for (Job& job : jobs_) {
    if (job.id == jobs::JobId{} || !(over_ || job.choice.stopped())) continue;
    ids.push_back(std::exchange(job.id, jobs::JobId{}));
  }
  return ids;
}

void Completion::cancel(const std::vector<jobs::JobId>& ids) {
  for (const jobs::JobId id : ids) context_.fleet.cancel(id);
}

}  // namespace axle::api
