#include "app/bench_plan.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <random>
#include <utility>

namespace axle::app {
namespace {

constexpr std::array<std::string_view, 16> kWords{
    "river", "stone", "light", "garden", "window", "paper",  "winter", "music",
    "train", "green", "table", "cloud",  "bread",  "mirror", "street", "boat"};

// The shortest and the longest of mixed lengths.
constexpr std::pair<int, int> kMixedPrompts{16, 768};
constexpr std::pair<int, int> kMixedAnswers{16, 128};
constexpr int kQuestionTokens = 24;  // After a shared system message.

// Chance that is the same on every machine: of the standard library's distributions only the
// generators are.
class Dice {
 public:
  // Each scenario, seed and round has its own.
  Dice(std::string_view scenario, const BenchOptions& options, int round)
      : generator_(mixed(scenario, options.seed.value_or(0), round)) {}

  std::uint32_t variant() { return static_cast<std::uint32_t>(generator_()); }
  // In [0, 1).
  double share() { return static_cast<double>(generator_() >> 11) * 0x1p-53; }
  // As many short ones as long ones, by their logarithm.
  int length(std::pair<int, int> range) {
    const double low = std::log(range.first);
    return static_cast<int>(std::lround(std::exp(low + share() * (std::log(range.second) - low))));
  }
  // To the next one of arrivals that do not know of each other.
  double gap(double rate) { return -std::log1p(-share()) / rate; }

 private:
  // FNV-1a. Source: Fowler, Noll, Vo, draft-eastlake-fnv-17, section 5.
  static std::uint64_t mixed(std::string_view scenario, int seed, int round) {
    std::uint64_t hash = 0xcbf29ce484222325u;
    for (const char byte : fmt::format("{} {} {}", scenario, seed, round)) {
      hash = (hash ^ static_cast<unsigned char>(byte)) * 0x100000001b3u;
    }
    return hash;
  }

  std::mt19937_64 generator_;
};

// Every client asks once, all at the same time, each something else.
BenchCase together(std::string name, int clients, std::pair<int, int> tokens, Dice& dice) {
  BenchCase made{std::move(name), {}};
  for (int client = 0; client < clients; ++client) {
    made.clients.push_back({{.at = {},
                             .system = {},
                             .user = prompt_of(tokens.first, dice.variant()),
                             .new_tokens = tokens.second}});
  }
  return made;
}

std::vector<BenchCase> by_length(Dice dice, const BenchOptions& options, std::vector<int> lengths,
                                 int new_tokens) {
  if (!options.prompt_tokens.empty()) lengths = options.prompt_tokens;
  std::vector<BenchCase> cases;
  for (const int length : lengths) {
    cases.push_back(together(fmt::format("{} tokens", length), options.clients.value_or(1),
                             {length, options.new_tokens.value_or(new_tokens)}, dice));
  }
  return cases;
}

std::vector<BenchCase> lengths(const BenchOptions& options, int round) {
  return by_length(Dice("lengths", options, round), options, {16, 128, 512}, 64);
}

std::vector<BenchCase> prefill(const BenchOptions& options, int round) {
  return by_length(Dice("prefill", options, round), options, {128, 512, 1024}, 1);
}

std::vector<BenchCase> decode(const BenchOptions& options, int round) {
  return by_length(Dice("decode", options, round), options, {32}, 256);
}

std::vector<BenchCase> clients(const BenchOptions& options, int round) {
  Dice dice("clients", options, round);
  const int prompt = options.prompt_tokens.empty() ? 128 : options.prompt_tokens.front();
  const int most = options.clients.value_or(8);
  std::vector<BenchCase> cases;
  for (int count = 1; count < 2 * most; count *= 2) {
    const int number = std::min(count, most);
    cases.push_back(together(fmt::format("{} client{}", number, number == 1 ? "" : "s"), number,
                             {prompt, options.new_tokens.value_or(64)}, dice));
  }
  return cases;
}

BenchAsk mixed_ask(const BenchOptions& options, Dice& dice) {
  const int prompt = dice.length(kMixedPrompts);
  const int answer = dice.length(kMixedAnswers);
  return {.at = {},
          .system = {},
          .user = prompt_of(prompt, dice.variant()),
          .new_tokens = options.new_tokens.value_or(answer)};
}

std::vector<BenchCase> mixed(const BenchOptions& options, int round) {
  Dice dice("mixed", options, round);
  const int count = options.clients.value_or(8);
  const int requests = options.requests.value_or(3 * count);
  BenchCase made{fmt::format("{} clients", count), {}};
  made.clients.resize(static_cast<std::size_t>(count));
  for (int i = 0; i < requests; ++i) {
    made.clients[static_cast<std::size_t>(i % count)].push_back(mixed_ask(options, dice));
  }
  return {made};
}

std::vector<BenchCase> shared(const BenchOptions& options, int round) {
  Dice dice("shared", options, round);
  const int count = options.clients.value_or(20);
  const int tokens = options.system_tokens.value_or(600);
  const std::string system = prompt_of(tokens, dice.variant());
  BenchCase made = together(fmt::format("{} clients, {} tokens", count, tokens), count,
                            {kQuestionTokens, options.new_tokens.value_or(32)}, dice);
  for (std::vector<BenchAsk>& asks : made.clients) asks.front().system = system;
  return {made};
}

std::vector<BenchCase> arrivals(const BenchOptions& options, int round) {
  Dice dice("arrivals", options, round);
  const int count = options.requests.value_or(24);
  const double rate = options.rate.value_or(1.0);
  BenchCase made{fmt::format("{:g} per s", rate), {}};
  double at = 0.0;
  for (int i = 0; i < count; ++i) {
    BenchAsk ask = mixed_ask(options, dice);
    ask.at = std::chrono::duration<double>(at);
    at += dice.gap(rate);
    made.clients.push_back({std::move(ask)});
  }
  return {made};
}

// The flags that were given.
std::vector<std::string_view> given_flags(const BenchOptions& options) {
  std::vector<std::string_view> flags;
  if (!options.prompt_tokens.empty()) flags.emplace_back("--prompt-tokens");
  if (options.new_tokens) flags.emplace_back("--new-tokens");
  if (options.clients) flags.emplace_back("--clients");
  if (options.system_tokens) flags.emplace_back("--system-tokens");
  if (options.requests) flags.emplace_back("--requests");
  if (options.rate) flags.emplace_back("--rate");
  return flags;
}

std::string names_of(const std::vector<Scenario>& scenarios) {
  std::vector<std::string_view> names;
  for (const Scenario& scenario : scenarios) names.push_back(scenario.name);
  return fmt::to_string(fmt::join(names, ", "));
}

bool takes(const Scenario& scenario, std::string_view flag) {
  return std::ranges::find(scenario.flags, flag) != scenario.flags.end();
}

}  // namespace

const std::vector<Scenario>& bench_scenarios() {
  static const std::vector<Scenario> kScenarios{
      {"lengths",
       "prompts of several lengths, one after the other",
       {"--prompt-tokens", "--new-tokens", "--clients"},
       3,
       lengths},
      {"prefill",
       "how fast prompts are read: one new token",
       {"--prompt-tokens", "--new-tokens", "--clients"},
       3,
       prefill},
      {"decode",
       "how fast a long answer is written",
       {"--prompt-tokens", "--new-tokens", "--clients"},
       3,
       decode},
      {"clients",
       "1, 2, 4 ... clients at once",
       {"--prompt-tokens", "--new-tokens", "--clients"},
       3,
       clients},
      {"mixed",
       "clients that ask again and again, short and long things",
       {"--new-tokens", "--clients", "--requests"},
       1,
       mixed},
      {"shared",
       "many clients at once with the same long system message",
       {"--new-tokens", "--clients", "--system-tokens"},
       1,
       shared},
      {"arrivals",
       "short and long things that come by chance (Poisson), not waiting for each other",
       {"--new-tokens", "--requests", "--rate"},
       1,
       arrivals}};
  return kScenarios;
}

Result<std::vector<Scenario>> choose_scenarios(const std::vector<std::string>& names,
                                               const BenchOptions& options) {
  const std::vector<Scenario>& all = bench_scenarios();
  std::vector<Scenario> chosen;
  if (names.empty()) chosen = {all.front()};
  for (const std::string& name : names) {
    if (name == "all") {
      chosen = all;
      break;
    }
    const auto found = std::ranges::find(all, name, &Scenario::name);
    if (found == all.end()) {
      return invalid_argument(
          fmt::format("there is no scenario \"{}\"; there are all, {}", name, names_of(all)));
    }
    chosen.push_back(*found);
  }
  for (const std::string_view flag : given_flags(options)) {
    if (std::ranges::any_of(chosen, [flag](const Scenario& it) { return takes(it, flag); }))
      continue;
    std::vector<Scenario> takers;
    std::ranges::copy_if(all, std::back_inserter(takers),
                         [flag](const Scenario& it) { return takes(it, flag); });
    return invalid_argument(fmt::format("{} has no effect on {}; it goes with {}", flag,
                                        names_of(chosen), names_of(takers)));
  }
  return chosen;
}

std::string prompt_of(int count, std::uint32_t variant) {
  // A linear congruential generator: any mixing of words will do, it must only be the same on every
  // machine.
  std::uint32_t state = variant * 2654435761u + 12345u;
  std::string text;
  for (int i = 0; i < count; ++i) {
    state = state * 1664525u + 1013904223u;
    text += i == 0 ? "" : " ";
    text += kWords[state >> 28];
  }
  return text;
}

}  // namespace axle::app
