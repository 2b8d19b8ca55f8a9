#include "fleet/job_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <string_view>
#include <utility>
#include <variant>

namespace axle::fleet {
namespace {

using std::chrono::duration_cast;
using std::chrono::microseconds;

// How much the newest interval counts in the moving average.
constexpr double kNewestShare = 0.2;

std::int32_t count(const std::vector<jobs::TokenId>& tokens) {
  return static_cast<std::int32_t>(tokens.size());
}

std::int32_t generated(const jobs::Job& job) {
  const auto* text = std::get_if<jobs::GenerateJob>(&job);
  return text == nullptr ? 0 : count(text->generated);
}

// A text that has all the tokens it may have.
bool is_full(const jobs::Job& job) {
  const auto* text = std::get_if<jobs::GenerateJob>(&job);
  return text != nullptr && count(text->generated) >= text->max_new_tokens;
}

Status wrong_kind(jobs::JobId id, std::string_view what) {
  return corrupt(
      fmt::format("job {} is of another kind: found {}", static_cast<std::uint64_t>(id), what));
}

}  // namespace

void Ticket::deliver(const jobs::JobEvent& event) {
  State expected = State::kIdle;
  if (!state_.compare_exchange_strong(expected, State::kDelivering)) return;
  sink_->on_event(id_, event);
  expected = State::kDelivering;
  state_.compare_exchange_strong(expected, State::kIdle);  // Stays cancelled if it became so.
}

Result<jobs::JobId> JobTable::add(Time now, jobs::Job job, std::shared_ptr<JobSink> sink,
                                  std::optional<Time> deadline) {
  if (queue_is_full())
    return exhausted(
        fmt::format("the queue is full: {} requests run and {} wait, at most {} and {} may",
                    running(), waiting_.size(), limits_.running, limits_.queue));
  const jobs::JobId id{++last_id_};
  if (entries_.empty()) last_end_ = now;  // Idle time is no measure of the rate.
  Entry entry;
  entry.job = std::move(job);
  entry.ticket = std::make_shared<Ticket>(id, std::move(sink));
  entry.submitted = now;
  entry.deadline = deadline;
  if (deadline) deadlines_.emplace(*deadline, id);
  waiting_.insert(key_of(id, entry));
  deliver(entry, jobs::Accepted{ahead(id, entry)});
  ++counters_.submitted;
  if (const auto* text = std::get_if<jobs::GenerateJob>(&entry.job))
    counters_.prompt_tokens += count(text->prompt);
  entries_.emplace(id, std::move(entry));
  return id;
}

bool JobTable::cancel(jobs::JobId id) {
  const auto found = entries_.find(id);
  if (found == entries_.end()) return false;
  const bool running = found->second.running;
  found->second.ticket->cancel();
  // Nothing is delivered; the fleet's thread lets go of the sink.
  deliver(found->second, jobs::Accepted{});
  remove(found);
  ++counters_.cancelled;
  return running;
}

bool JobTable::interrupt(jobs::JobId id) {
  const auto found = entries_.find(id);
  if (found == entries_.end()) return false;
  found->second.interrupted = true;
  return found->second.running;
}

std::int32_t JobTable::ahead(jobs::JobId id, const Entry& entry) const {
  return static_cast<std::int32_t>(
      std::distance(waiting_.begin(), waiting_.find(key_of(id, entry))));
}

bool JobTable::suspect(const Entry& entry) const {
  return entry.strikes > 0 && entry.strikes >= limits_.strikes - 1 && !entry.progressed;
}

std::vector<JobTable::Send> JobTable::take_sendable(Time now, const ModelPredicate& ready) {
  std::vector<Send> sends;
  bool unproven = false;  // Does a job run that has got no token in this process?
  for (const auto& [id, entry] : entries_) {
    if (!entry.running) continue;
    if (suspect(entry)) return sends;
    unproven = unproven || !entry.progressed;
  }
  for (auto next = waiting_.begin(); next != waiting_.end() && running() < limits_.running;) {
    Entry& entry = entries_.at(next->second);
    if (!ready(jobs::model_of(entry.job))) {
      ++next;
      continue;
    }
    const bool alone = suspect(entry);
    if (alone && unproven) break;
    entry.running = true;
    entry.progressed = false;
    if (!entry.sent) entry.sent = now;
    if (entry.replayed) ++counters_.replayed;
    sends.push_back({next->second, entry.job, entry.interrupted});
    next = waiting_.erase(next);
    unproven = true;
    if (alone) break;
  }
  return sends;
}

Status JobTable::on_event(Time now, jobs::JobId id, jobs::JobEvent event) {
  const auto found = entries_.find(id);
  if (found == entries_.end() || !found->second.running) return Status();
  Entry& entry = found->second;
  if (auto* tokens = std::get_if<jobs::Tokens>(&event))
    return on_tokens(now, entry, std::move(*tokens));
  if (auto* step = std::get_if<jobs::PictureStep>(&event))
    return on_step(now, entry, std::move(*step));
  if (const auto* done = std::get_if<jobs::Done>(&event)) return on_done(now, found, *done);
  if (auto* picture = std::get_if<jobs::PictureDone>(&event))
    return on_picture(now, found, std::move(*picture));
  if (const auto* progress = std::get_if<jobs::Progress>(&event)) {
    on_progress(entry, *progress);
  } else if (const auto* failed = std::get_if<jobs::Failed>(&event)) {
    const bool given_up = failed->status.code() == Code::kCancelled;
    ++(given_up ? counters_.cancelled : counters_.failed);
    end(now, found, std::move(event));
  }
  return Status();
}

void JobTable::on_progress(Entry& entry, const jobs::Progress& progress) {
  if (entry.first_token || progress.prefill_done <= entry.prefill_done) return;
  entry.prefill_done = progress.prefill_done;
  deliver(entry, progress);
}

Status JobTable::on_tokens(Time now, Entry& entry, jobs::Tokens tokens) {
  auto* text = std::get_if<jobs::GenerateJob>(&entry.job);
  if (text == nullptr) return wrong_kind(entry.ticket->id(), "tokens");
  std::vector<jobs::TokenId>& have = text->generated;
  const std::int64_t first = tokens.first_index;
  const std::int64_t end = first + count(tokens.ids);
  if (first < 0 || first > count(have) || end > text->max_new_tokens)
    return corrupt(fmt::format(
        "tokens {} to {} of job {}: wanted them to follow {} tokens and to be at most {}", first,
        end, static_cast<std::uint64_t>(entry.ticket->id()), have.size(), text->max_new_tokens));
  if (tokens.ids.empty()) return Status();
  if (tokens.logprobs.size() % tokens.ids.size() != 0)
    return corrupt(fmt::format(
        "{} log probabilities of job {}: wanted as many for each of {} tokens",
        tokens.logprobs.size(), static_cast<std::uint64_t>(entry.ticket->id()), tokens.ids.size()));
  const auto each = static_cast<std::int64_t>(tokens.logprobs.size() / tokens.ids.size());
  const std::int64_t known = std::min<std::int64_t>(count(have) - first, count(tokens.ids));
  tokens.ids.erase(tokens.ids.begin(), tokens.ids.begin() + known);
  tokens.logprobs.erase(tokens.logprobs.begin(), tokens.logprobs.begin() + known * each);
  if (tokens.ids.empty()) return Status();
  tokens.first_index = count(have);
  have.insert(have.end(), tokens.ids.begin(), tokens.ids.end());
  advanced(now, entry);
  counters_.generated_tokens += count(tokens.ids);
  deliver(entry, std::move(tokens));
  return Status();
}

void JobTable::advanced(Time now, Entry& entry) {
  if (!entry.first_token) entry.first_token = now;
  entry.last_token = now;
  entry.progressed = true;
  entry.strikes = 0;
}

Status JobTable::on_step(Time now, Entry& entry, jobs::PictureStep step) {
  auto* picture = std::get_if<jobs::PictureJob>(&entry.job);
  if (picture == nullptr) return wrong_kind(entry.ticket->id(), "a step of a picture");
  const auto total = static_cast<std::int32_t>(picture->timesteps.size());
  if (step.steps_done < 1 || step.steps_done > total || step.steps_total != total)
    return corrupt(fmt::format("step {} of {} of job {}: wanted one of {}", step.steps_done,
                               step.steps_total, static_cast<std::uint64_t>(entry.ticket->id()),
                               total));
  if (step.steps_done <= picture->steps_done) return Status();
  picture->steps_done = step.steps_done;
  picture->latents = step.latents;
  advanced(now, entry);
  deliver(entry, std::move(step));
  return Status();
}

Status JobTable::on_picture(Time now, Entries::iterator found, jobs::PictureDone done) {
  const Entry& entry = found->second;
  const auto* picture = std::get_if<jobs::PictureJob>(&entry.job);
  if (picture == nullptr) return wrong_kind(found->first, "a picture");
  const auto bytes = std::int64_t{3} * picture->width * picture->height;
  if (done.width != picture->width || done.height != picture->height ||
      std::cmp_not_equal(done.pixels.size(), bytes))
    return corrupt(
        fmt::format("the picture of job {}: wanted {}x{} pixels, found {}x{} in {} bytes",
                    static_cast<std::uint64_t>(found->first), picture->width, picture->height,
                    done.width, done.height, done.pixels.size()));
  const auto waited = duration_cast<microseconds>(entry.sent.value_or(now) - entry.submitted);
  // What several card processes measured does not add up.
  done.timings.queued = entry.replayed ? waited : done.timings.queued + waited;
  ++counters_.done;
  end(now, found, std::move(done));
  return Status();
}

Status JobTable::on_done(Time now, Entries::iterator found, jobs::Done done) {
  const Entry& entry = found->second;
  if (!std::holds_alternative<jobs::GenerateJob>(entry.job))
    return wrong_kind(found->first, "the end of a text");
  // What several card processes measured does not add up.
  if (entry.replayed) {
    finish_here(now, found, done);
    return Status();
  }
  done.timings.queued += duration_cast<microseconds>(entry.sent.value_or(now) - entry.submitted);
  complete(now, found, done);
  return Status();
}

void JobTable::finish_here(Time now, Entries::iterator found, jobs::Done done) {
  const Entry& entry = found->second;
  const Time sent = entry.sent.value_or(now);
  const Time first_token = entry.first_token.value_or(now);
  done.timings = {.queued = duration_cast<microseconds>(sent - entry.submitted),
                  .prefill = duration_cast<microseconds>(first_token - sent),
                  .decode = entry.first_token
                                ? duration_cast<microseconds>(entry.last_token - first_token)
                                : microseconds(0)};
  complete(now, found, done);
}

void JobTable::complete(Time now, Entries::iterator found, jobs::Done done) {
  const auto& text = std::get<jobs::GenerateJob>(found->second.job);
  done.usage.prompt_tokens = count(text.prompt);
  done.usage.cached_tokens = std::clamp(done.usage.cached_tokens, 0, done.usage.prompt_tokens);
  done.usage.completion_tokens = count(text.generated);
  const double used =
      static_cast<double>(count(text.generated)) / static_cast<double>(text.max_new_tokens);
  rates_.share_used += kNewestShare * (used - rates_.share_used);
  ++counters_.done;
  end(now, found, done);
}

std::vector<jobs::JobId> JobTable::expire(Time now) {
  std::vector<jobs::JobId> running;
  while (!deadlines_.empty() && deadlines_.begin()->first <= now) {
    const jobs::JobId id = deadlines_.begin()->second;
    const auto found = entries_.find(id);
    if (found->second.running) running.push_back(id);
    if (generated(found->second.job) == 0) {
      fail(id, now, missed(id, found->second));
    } else {
      finish_here(now, found, {.finish = jobs::Finish::kLength, .usage = {}, .timings = {}});
    }
  }
  return running;
}

std::optional<JobTable::Time> JobTable::next_deadline() const {
  if (deadlines_.empty()) return std::nullopt;
  return deadlines_.begin()->first;
}

Status JobTable::missed(jobs::JobId id, const Entry& entry) const {
  const std::chrono::duration<double> allowed = *entry.deadline - entry.submitted;
  const std::string_view where = entry.running ? "before its first token" : "while it waited";
  const std::string others =
      entry.running ? "" : fmt::format(" with {} ahead of it in the queue", ahead(id, entry));
  return deadline_exceeded(
      fmt::format("the request's deadline of {:.1f} s passed {}{}; allow more time, give it a "
                  "higher priority, or try again later",
                  allowed.count(), where, others));
}

void JobTable::on_process_lost(Time now, const Status& why) {
  for (auto next = entries_.begin(); next != entries_.end();) {
    const auto found = next++;
    Entry& entry = found->second;
    if (!entry.running) continue;
    if (!entry.progressed) ++entry.strikes;
    entry.running = false;
    entry.progressed = false;
    entry.replayed = true;
    if (entry.strikes >= limits_.strikes) {
      fail(found->first, now,
           internal(fmt::format("{} card processes in a row ended while they ran this request and "
                                "before it got a token; the last: {}",
                                entry.strikes, why.message())));
    } else if (is_full(entry.job)) {
      finish_here(now, found, {.finish = jobs::Finish::kLength, .usage = {}, .timings = {}});
    } else {
      waiting_.insert(key_of(found->first, entry));
    }
  }
}

void JobTable::fail(jobs::JobId id, Time now, const Status& status) {
  const auto found = entries_.find(id);
  if (found == entries_.end()) return;
  ++counters_.failed;
  end(now, found, jobs::Failed{status, status.code() == Code::kUnavailable});
}

void JobTable::fail_model(const std::string& model, Time now, const Status& status) {
  for (auto next = entries_.begin(); next != entries_.end();) {
    const auto found = next++;
    if (jobs::model_of(found->second.job) == model) fail(found->first, now, status);
  }
}

void JobTable::fail_all(Time now, const Status& status) {
  while (!entries_.empty()) fail(entries_.begin()->first, now, status);
}

void JobTable::deliver(const Entry& entry, jobs::JobEvent event) {
  outbox_.push_back({entry.ticket, std::move(event)});
}

void JobTable::end(Time now, Entries::iterator found, jobs::JobEvent last) {
  deliver(found->second, std::move(last));
  remove(found);
  const double seconds = std::chrono::duration<double>(now - last_end_.value_or(now)).count();
  last_end_ = now;
  seconds_per_end_ = seconds_per_end_ == 0.0
                         ? seconds
                         : seconds_per_end_ + kNewestShare * (seconds - seconds_per_end_);
}

void JobTable::remove(Entries::iterator found) {
  const auto& [id, entry] = *found;
  waiting_.erase(key_of(id, entry));
  if (entry.deadline) deadlines_.erase({*entry.deadline, id});
  entries_.erase(found);
}

void JobTable::set_rates(const jobs::Heartbeat& heartbeat) {
  const auto keep = [](double& rate, double newest) {
    if (newest > 0.0) rate = newest;
  };
  keep(rates_.prompt_token_s, heartbeat.prompt_token_s);
  keep(rates_.new_token_s, heartbeat.new_token_s);
  keep(rates_.picture_step_s, heartbeat.picture_step_s);
  keep(rates_.picture_rest_s, heartbeat.picture_rest_s);
}

JobCount JobTable::count_of(const std::string& model) const {
  JobCount count;
  for (const auto& [id, entry] : entries_) {
    if (jobs::model_of(entry.job) == model) ++(entry.running ? count.running : count.queued);
  }
  return count;
}

double JobTable::seconds_left(const Entry& entry) const {
  if (const auto* picture = std::get_if<jobs::PictureJob>(&entry.job)) {
    const auto steps = std::ssize(picture->timesteps) - picture->steps_done;
    return seconds_of_picture(picture->negative.empty() ? steps : 2 * steps, rates_);
  }
  const auto& text = std::get<jobs::GenerateJob>(entry.job);
  const std::int32_t prompt = entry.first_token ? 0 : count(text.prompt) - entry.prefill_done;
  return seconds_of_work(prompt, text.max_new_tokens - count(text.generated), rates_);
}

std::chrono::milliseconds JobTable::wait_behind(std::size_t ahead) const {
  double seconds = 0.0;
  if (rates_.known()) {
    std::vector<double> work;
    for (const auto& [id, entry] : entries_) {
      if (entry.running) work.push_back(seconds_left(entry));
    }
    std::vector<double> before;
    for (auto next = waiting_.begin(); before.size() < ahead; ++next) {
      before.push_back(seconds_left(entries_.at(next->second)));
    }
    seconds = seconds_until_begin(work, before, limits_.running);
  } else if (running() + ahead >= limits_.running) {
    seconds = seconds_per_end_ * static_cast<double>(ahead + 1);
  }
  return std::chrono::ceil<std::chrono::milliseconds>(std::chrono::duration<double>(seconds));
}

std::chrono::milliseconds JobTable::wait_for_room() const {
  // Room in the queue comes when the first of those that wait begins.
  return queue_is_full() ? wait_behind(0) : std::chrono::milliseconds(0);
}

std::optional<QueuePlace> JobTable::queue_place(jobs::JobId id) const {
  const auto found = entries_.find(id);
  if (found == entries_.end() || found->second.running) return std::nullopt;
  const std::int32_t before = ahead(id, found->second);
  return QueuePlace{before, wait_behind(static_cast<std::size_t>(before))};
}

}  // namespace axle::fleet
