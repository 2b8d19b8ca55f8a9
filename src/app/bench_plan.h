#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

// What `axle bench` asks: its scenarios as plain data, the same on every machine.
namespace axle::app {

// What the command line says; what is not given is as the scenario has it.
struct BenchOptions {
  std::vector<int> prompt_tokens = {};  // Empty: not given.
  std::optional<int> new_tokens = {};
  std::optional<int> clients = {};
  std::optional<int> system_tokens = {};
  std::optional<int> requests = {};
  std::optional<double> rate = {};  // Requests per second.
  std::optional<int> repeats = {};
  std::optional<int> seed = {};  // Of prompts and times; not given: 0.
};

// One request.
struct BenchAsk {
  std::chrono::duration<double> at{0};  // Not before that, from the beginning of the round.
  std::string system;                   // Empty: none.
  std::string user;
  int new_tokens = 0;
};

// Requests that are measured together: each client sends its own, one after the other.
struct BenchCase {
  std::string name;  // "512 tokens", "8 clients".
  std::vector<std::vector<BenchAsk>> clients;
};

struct Scenario {
  std::string_view name;
  std::string_view what;                // For people, one line.
  std::vector<std::string_view> flags;  // Those that it takes beside --seed and --repeats.
  int repeats;                          // Where --repeats is not given.
  // The cases of one round; the same options and round give the same.
  std::vector<BenchCase> (*cases)(const BenchOptions& options, int round);
};

const std::vector<Scenario>& bench_scenarios();

// Those that are named, "all" means each; none: "lengths".
// Errors: kInvalidArgument  no such scenario (the known ones); an option that none of them takes.
Result<std::vector<Scenario>> choose_scenarios(const std::vector<std::string>& names,
                                               const BenchOptions& options);

// `count` tokens or so of plain words, different for each `variant` so that no cache helps.
std::string prompt_of(int count, std::uint32_t variant);

}  // namespace axle::app
