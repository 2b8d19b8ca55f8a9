#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <boost/json.hpp>
#include <chrono>
#include <cstdio>
#include <random>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "app/bench_figures.h"
#include "app/bench_plan.h"
#include "app/bench_report.h"
#include "app/chat_session.h"
#include "app/commands.h"
#include "app/progress.h"
#include "base/mutex.h"
#include "http/client.h"
#include "http/sse.h"

namespace axle::app {
namespace {

namespace json = boost::json;
using Clock = std::chrono::steady_clock;

std::string body_of(const std::string& model, const BenchAsk& ask) {
  json::array messages;
  if (!ask.system.empty()) {
    messages.push_back(json::object{{"role", "system"}, {"content", ask.system}});
  }
  messages.push_back(json::object{{"role", "user"}, {"content", ask.user}});
  return json::serialize(json::object{{"model", model},
                                      {"stream", true},
                                      {"stream_options", {{"include_usage", true}}},
                                      {"temperature", 0},
                                      {"max_tokens", ask.new_tokens},
                                      {"ignore_eos", true},
                                      {"messages", std::move(messages)}});
}

// Reads `usage` of an event where there is one.
void read_usage(std::string_view data, AnswerTimes& times) {
  boost::system::error_code error;
  const json::value event = json::parse(data, error);
  if (error) return;
  const auto read = [&event](const char* pointer, int& target) {
    boost::system::error_code missing;
    const json::value* value = event.find_pointer(pointer, missing);
    if (!missing && value != nullptr && value->is_int64())
      target = static_cast<int>(value->get_int64());
  };
  read("/usage/prompt_tokens", times.prompt_tokens);
  read("/usage/completion_tokens", times.completion_tokens);
  read("/usage/prompt_tokens_details/cached_tokens", times.cached_tokens);
}

// How far a whole run is, shown on standard error.
class RunProgress {
 public:
  explicit RunProgress(std::uint64_t asks) : bar_("bench"), asks_(asks) {}

  void begin(std::string scenario) AXLE_EXCLUDES(mutex_) {
    const MutexLock lock(mutex_);
    scenario_ = std::move(scenario);
    show();
  }
  void token() AXLE_EXCLUDES(mutex_) {
    const MutexLock lock(mutex_);
    ++tokens_;
    show();
  }
  void answered() AXLE_EXCLUDES(mutex_) {
    const MutexLock lock(mutex_);
    ++answers_;
    show();
  }

 private:
  void show() AXLE_REQUIRES(mutex_) {
    bar_.update(
        answers_, asks_,
        fmt::format("{}: {} of {} answers, {} tokens", scenario_, answers_, asks_, tokens_));
  }

  Mutex mutex_;
  ProgressBar bar_ AXLE_GUARDED_BY(mutex_);
  const std::uint64_t asks_;
  std::string scenario_ AXLE_GUARDED_BY(mutex_);
  std::uint64_t answers_ AXLE_GUARDED_BY(mutex_) = 0;
  std::uint64_t tokens_ AXLE_GUARDED_BY(mutex_) = 0;
};

// One case with all its clients at once.
class CaseRun {
 public:
  CaseRun(const BenchArguments& arguments, RunProgress& progress)
      : arguments_(arguments), progress_(progress) {}

  // Errors: the first one of a request; 429 and 503 are counted instead.
  Result<BenchRow> run(const BenchCase& bench_case) AXLE_EXCLUDES(mutex_) {
    const auto begin = Clock::now();
    {
      std::vector<std::jthread> clients;
      for (const std::vector<BenchAsk>& asks : bench_case.clients) {
        clients.emplace_back([this, &asks, begin] { serve(asks, begin); });
      }
    }
    const MutexLock lock(mutex_);
    AXLE_TRY(failure_);
    BenchRow row = summarise(answers_, Clock::now() - begin);
    row.name = bench_case.name;
    row.refused = refused_;
    return row;
  }

 private:
  void serve(const std::vector<BenchAsk>& asks, Clock::time_point begin) AXLE_EXCLUDES(mutex_) {
    for (const BenchAsk& ask : asks) {
      std::this_thread::sleep_until(begin + std::chrono::duration_cast<Clock::duration>(ask.at));
      if (failed_) return;
      AnswerTimes times;
      const Result<bool> taken = answer(ask, times);
      progress_.answered();
      const MutexLock lock(mutex_);
      if (!taken.ok()) {
        failed_ = true;
        failure_ = taken.status();
      } else if (*taken) {
        answers_.push_back(times);
      } else {
        ++refused_;
      }
    }
  }

  // False: the server is full.
  Result<bool> answer(const BenchAsk& ask, AnswerTimes& times) {
    AXLE_TRY_ASSIGN(http::Client client,
                    http::Client::create(arguments_.url, {.api_key = arguments_.api_key}));
    Status failure;
    http::SseParser parser;
    const std::string body = body_of(arguments_.model, ask);
    const auto begin = Clock::now();
    const auto on_chunk = [&](std::string_view bytes) {
      const Result<std::vector<http::SseEvent>> events = parser.feed(bytes);
      if (!events.ok()) failure = events.status();
      for (std::size_t i = 0; failure.ok() && i < events->size(); ++i) {
        failure = take_event((*events)[i].data, begin, times);
      }
      return failure.ok();
    };
    const Result<http::Response> response =
        client.post_stream("/v1/chat/completions", body, on_chunk);
    AXLE_TRY(failure);
    AXLE_TRY(response.status());
    if (response->status == 429 || response->status == 503) return false;
    if (response->status != 200) return answer_error(*response);
    times.whole = Clock::now() - begin;
    return true;
  }

  Status take_event(const std::string& data, Clock::time_point begin, AnswerTimes& times) {
    if (data == "[DONE]") return {};
    AXLE_TRY_ASSIGN(const std::string text, event_text(data));
    if (!text.empty()) {
      if (times.first_token.count() == 0) times.first_token = Clock::now() - begin;
      progress_.token();
    }
    read_usage(data, times);
    return {};
  }

  const BenchArguments& arguments_;
  RunProgress& progress_;
  std::atomic<bool> failed_{false};
  Mutex mutex_;
  std::vector<AnswerTimes> answers_ AXLE_GUARDED_BY(mutex_);
  int refused_ AXLE_GUARDED_BY(mutex_) = 0;
  Status failure_ AXLE_GUARDED_BY(mutex_);
};

int repeats_of(const Scenario& scenario, const BenchOptions& options) {
  return options.repeats.value_or(scenario.repeats);
}

// All rounds of a scenario: a row for each of its cases.
Result<std::vector<BenchRow>> run_scenario(const BenchArguments& arguments,
                                           const Scenario& scenario, RunProgress& progress) {
  progress.begin(std::string(scenario.name));
  std::vector<std::vector<BenchRow>> rounds_of_cases;
  for (int round = 0; round < repeats_of(scenario, arguments.options); ++round) {
    const std::vector<BenchCase> cases = scenario.cases(arguments.options, round);
    rounds_of_cases.resize(cases.size());
    for (std::size_t i = 0; i < cases.size(); ++i) {
      AXLE_TRY_ASSIGN(BenchRow row, CaseRun(arguments, progress).run(cases[i]));
      row.scenario = scenario.name;
      rounds_of_cases[i].push_back(std::move(row));
    }
  }
  std::vector<BenchRow> rows;
  for (const std::vector<BenchRow>& rounds : rounds_of_cases) rows.push_back(median_row(rounds));
  return rows;
}

std::uint64_t count_asks(const std::vector<Scenario>& scenarios, const BenchOptions& options) {
  std::uint64_t asks = 0;
  for (const Scenario& scenario : scenarios) {
    std::uint64_t round = 0;
    for (const BenchCase& bench_case : scenario.cases(options, 0)) {
      for (const std::vector<BenchAsk>& client : bench_case.clients) round += client.size();
    }
    asks += round * static_cast<std::uint64_t>(repeats_of(scenario, options));
  }
  return asks;
}

Result<std::string> model_of(const BenchArguments& arguments) {
  AXLE_TRY_ASSIGN(http::Client client,
                  http::Client::create(arguments.url, {.api_key = arguments.api_key}));
  const Result<http::Response> models = client.get("/v1/models");
  if (!models.ok()) {
    return models.status().with_context(
        fmt::format("no server at {} (start one with: axle serve)", arguments.url));
  }
  if (models->status != 200) return answer_error(*models);
  return first_model(models->body);
}

void print(const std::string& text) { std::fputs(text.c_str(), stdout); }

}  // namespace

Status run_bench(const BenchArguments& given) {
  BenchArguments arguments = given;
  AXLE_TRY_ASSIGN(const std::vector<Scenario> scenarios,
                  choose_scenarios(arguments.scenarios, arguments.options));
  if (arguments.model.empty()) {
    AXLE_TRY_ASSIGN(arguments.model, model_of(arguments));
  }
  // What the server has seen before it would not compute again.
  if (!arguments.options.seed) {
    arguments.options.seed = static_cast<int>(std::random_device()() % 1'000'000u);
  }
  std::vector<BenchRow> all;
  std::string tables =
      fmt::format("{} at {}, --seed {}\n", arguments.model, arguments.url, *arguments.options.seed);
  {
    RunProgress progress(count_asks(scenarios, arguments.options));
    for (const Scenario& scenario : scenarios) {
      AXLE_TRY_ASSIGN(const std::vector<BenchRow> rows,
                      run_scenario(arguments, scenario, progress));
      const int repeats = repeats_of(scenario, arguments.options);
      const std::string rounds = repeats == 1 ? "" : fmt::format("; median of {} rounds", repeats);
      tables +=
          "\n" + table_text(fmt::format("{}: {}{}", scenario.name, scenario.what, rounds), rows);
      all.insert(all.end(), rows.begin(), rows.end());
    }
  }
  if (arguments.format == BenchFormat::kJson) print(json_text(all));
  if (arguments.format == BenchFormat::kCsv) print(csv_text(all));
  if (arguments.format == BenchFormat::kTable) print(tables);
  return {};
}

}  // namespace axle::app
