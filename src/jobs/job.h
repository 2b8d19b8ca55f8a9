#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "base/status.h"
#include "jobs/picture.h"
#include "jobs/sampling.h"

// What the front asks of a card process, and what comes back. Plain data; frames carry it
// (jobs/frame.h).
namespace axle::jobs {

inline constexpr std::int32_t kMaxTopLogprobs = 20;  // As OpenAI's API allows.

// A token and the logarithm of the probability that the model gave it, before all that
// jobs/sampling.h names: of its own logits, at temperature 1. Never below kLowestLogprob.
using TokenLogprob = std::pair<TokenId, float>;
// Stands for "next to never". Source: OpenAI API reference, "logprobs", field logprob.
inline constexpr float kLowestLogprob = -9999.0f;

// Unique among the jobs of one front as long as it runs; never 0.
enum class JobId : std::uint64_t {};

// Text generation. All that is needed to run it again is in here: when a card process dies, the
// front hands the same job to the next one with the tokens already produced in `generated`.
struct GenerateJob {
  std::string model;            // Name of a loaded package.
  std::vector<TokenId> prompt;  // At least one token.
  std::vector<TokenId>
      generated;  // Tokens that earlier runs produced: they continue the prompt, and count.
  SamplingOptions sampling;
  std::int32_t max_new_tokens = 0;  // Cap on new tokens, `generated` included; > 0.
  std::vector<TokenId> end_tokens;  // Each ends the text (finish kStop) and is not part of it.
  std::int32_t priority = 0;        // Higher goes first.
  // -1: no log probabilities; else those of each token and of so many of the most likely ones.
  std::int32_t top_logprobs = -1;

  friend bool operator==(const GenerateJob&, const GenerateJob&) = default;
};

// Puts a package on the card.
struct LoadJob {
  std::string model;   // The name it gets.
  std::string folder;  // Absolute path of the package.
  friend bool operator==(const LoadJob&, const LoadJob&) = default;
};

// Takes a package off the card; its running jobs fail with kUnavailable.
struct UnloadJob {
  std::string model;
  friend bool operator==(const UnloadJob&, const UnloadJob&) = default;
};

enum class Finish : std::uint8_t {
  kStop,    // An end token.
  kLength,  // max_new_tokens, or the context is full.
};

struct Usage {
  std::int32_t prompt_tokens = 0;
  std::int32_t cached_tokens = 0;      // Prompt tokens whose K/V rows were there already.
  std::int32_t completion_tokens = 0;  // New tokens, the end token not counted.
  friend bool operator==(const Usage&, const Usage&) = default;
};

struct Timings {
  std::chrono::microseconds queued{0};   // Until the first row of the prompt ran.
  std::chrono::microseconds prefill{0};  // From there to the first token.
  std::chrono::microseconds decode{0};   // From the first token to the last.
  // Prompt tokens that were computed one at a time, because no prefill group sees so far.
  std::int32_t row_by_row = 0;
  friend bool operator==(const Timings&, const Timings&) = default;
};

// ---- Events of a job, in this order: accepted; of a text progress*, tokens*, of a picture
// picture step*; then exactly one of done, picture done and failed.

struct Accepted {
  std::int32_t queue_position = 0;  // 0: runs next.
  friend bool operator==(const Accepted&, const Accepted&) = default;
};

struct Progress {
  std::int32_t prefill_done = 0;  // Prompt tokens processed so far.
  std::int32_t prefill_total = 0;
  friend bool operator==(const Progress&, const Progress&) = default;
};

struct Tokens {
  std::vector<TokenId> ids;  // New tokens in order.
  std::int32_t first_index =
      0;  // Index of ids[0] among the job's new tokens, `generated` included.
  // Empty, or for each of `ids` the same number of entries: itself, then the most likely tokens,
  // the best first, of equal ones the lower id.
  std::vector<TokenLogprob> logprobs = {};
  friend bool operator==(const Tokens&, const Tokens&) = default;
};

struct Done {
  Finish finish = Finish::kStop;
  Usage usage;
  Timings timings;
  friend bool operator==(const Done&, const Done&) = default;
};

struct Failed {
  Status status;
  bool retry_may_help = false;  // The same job may succeed on a fresh card process.
  friend bool operator==(const Failed&, const Failed&) = default;
};

using JobEvent = std::variant<Accepted, Progress, Tokens, Done, Failed, PictureStep, PictureDone>;

// What a card process can be asked to do for a client.
using Job = std::variant<GenerateJob, PictureJob>;
inline const std::string& model_of(const Job& job) {
  return std::visit([](const auto& one) -> const std::string& { return one.model; }, job);
}
inline std::int32_t priority_of(const Job& job) {
  return std::visit([](const auto& one) { return one.priority; }, job);
}

// ---- Answers and reports of the card process that belong to no generation.

// The first message of a card process.
struct Hello {
  std::int32_t protocol = 0;  // kProtocolVersion of jobs/frame.h.
  std::string library;        // e.g. "software card, libaxcl_rt.so V3.10.2 ..." with its path.
  bool software_card = false;
  std::int32_t device_id = 0;  // PCIe bus number.
  std::string soc_name;
  std::string runtime_version;
  friend bool operator==(const Hello&, const Hello&) = default;
};

// What a loaded model is, as measured on the card.
struct ModelLoaded {
  std::string model;
  std::int32_t layers = 0;
  std::int32_t hidden = 0;
  std::int32_t vocab_size = 0;
  std::int32_t context_tokens =
      0;  // T: cells shared by all conversations; one can use at most this many.
  std::int64_t card_bytes = 0;  // Card memory taken by engines and K/V.
  std::chrono::milliseconds load_time{0};
  std::string probe;  // What was found out about the card with it; one line for people.
  friend bool operator==(const ModelLoaded&, const ModelLoaded&) = default;
};

struct LoadProgress {
  std::string model;
  std::int32_t files_done = 0;
  std::int32_t files_total = 0;
  friend bool operator==(const LoadProgress&, const LoadProgress&) = default;
};

// Sent every heartbeat interval, also while an engine runs, by a thread that makes no card call.
struct Heartbeat {
  std::int64_t call_running_us = 0;  // Age of the card call now running; 0: none.
  std::string call;                  // Its name.
  std::int32_t running = 0;          // Jobs that run.
  std::int32_t waiting = 0;          // Jobs that wait for cells or a turn.
  std::int32_t cells_used = 0;       // Of all loaded models.
  std::int32_t cells_total = 0;
  std::int32_t kv_banks = 0;          // Sets of K/V buffers on the card.
  std::int64_t host_cache_bytes = 0;  // Rows of texts that had to leave the card.
  // Engine time of a prompt token and of a new one of late, in seconds; 0: not known yet. Of
  // several models the slowest.
  double prompt_token_s = 0.0;
  double new_token_s = 0.0;
  // The same of a picture's step, and of all else that a picture takes.
  double picture_step_s = 0.0;
  double picture_rest_s = 0.0;
  friend bool operator==(const Heartbeat&, const Heartbeat&) = default;
};

// What the card measures about itself; sent every 10 seconds.
struct Readings {
  std::optional<double> temperature_celsius;
  std::int64_t card_memory_total_bytes = 0;
  std::int64_t card_memory_free_bytes = 0;
  std::optional<double> npu_percent;
  std::optional<double> cpu_percent;
  friend bool operator==(const Readings&, const Readings&) = default;
};

// A load that failed; everything else on the card runs on.
struct LoadFailed {
  std::string model;
  Status status;
  friend bool operator==(const LoadFailed&, const LoadFailed&) = default;
};

// The package is off the card (also the answer for a package that was not on it).
struct Unloaded {
  std::string model;
  friend bool operator==(const Unloaded&, const Unloaded&) = default;
};

// The last message of a card process that cannot use its card (any more): it exits after it.
struct CardLost {
  Status status;
  friend bool operator==(const CardLost&, const CardLost&) = default;
};

// ---- Orders of the front that belong to no generation.

// Ends the job of the message's id within one step; no answer.
struct Cancel {
  friend bool operator==(const Cancel&, const Cancel&) = default;
};

// Asks for a heartbeat and readings at once.
struct StatusRequest {
  friend bool operator==(const StatusRequest&, const StatusRequest&) = default;
};

// While paused the card process runs no step; everything else goes on. For a hot card.
struct Pause {
  bool paused = false;
  friend bool operator==(const Pause&, const Pause&) = default;
};

// The card process ends in order: gives the card back and exits with 0. Running jobs get no event.
struct Shutdown {
  friend bool operator==(const Shutdown&, const Shutdown&) = default;
};

// Answered with Pong of the same id by the engine thread: it takes messages.
struct Ping {
  friend bool operator==(const Ping&, const Ping&) = default;
};
struct Pong {
  friend bool operator==(const Pong&, const Pong&) = default;
};

}  // namespace axle::jobs
