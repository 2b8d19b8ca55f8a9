#pragma once

#include <chrono>
#include <cstddef>

namespace axle::llm {

// How much engine time tokens took of late, in seconds; 0: not known yet.
struct Speed {
  double prompt_token_s = 0.0;
  double new_token_s = 0.0;
};

// What a step did, and how long it took with all that belongs to it.
struct StepWork {
  std::size_t prompt_rows = 0;
  std::size_t answer_rows = 0;  // Of texts that have begun: the rows of their next tokens, guesses.
  std::size_t new_tokens = 0;   // That those rows gave.
  std::chrono::nanoseconds time{0};
};

// Learns the engine time of tokens from steps; the rows of a step share its time evenly. The last
// hundred steps or so count.
//
// Threading: not synchronised.
class SpeedMeter {
 public:
  void add(const StepWork& step);
  Speed speed() const { return {prompt_.per_token(), answer_.per_token()}; }

 private:
  struct Sums {
    double seconds = 0.0;
    double tokens = 0.0;

    void add(double more_seconds, double more_tokens);
    double per_token() const { return tokens > 0.0 ? seconds / tokens : 0.0; }
  };
  Sums prompt_;
  Sums answer_;
};

}  // namespace axle::llm
