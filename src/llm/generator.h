#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "base/result.h"
#include "jobs/job.h"
#include "jobs/sampling.h"
#include "llm/cost.h"
#include "llm/speed.h"

namespace axle::llm {

class Model;

using jobs::TokenId;
using RequestId = jobs::JobId;

// One text to write.
struct GenerateRequest {
  std::vector<TokenId> prompt;     // At least one token.
  std::vector<TokenId> generated;  // New tokens of an earlier, broken run: they go on from here.
  jobs::SamplingOptions sampling;
  std::int32_t max_new_tokens = 0;  // Cap on new tokens, `generated` included; > 0.
  std::vector<TokenId> end_tokens;  // Each ends the text (finish kStop) and is not part of it.
  std::int32_t priority = 0;        // Higher is served first among those that wait.
  std::int32_t top_logprobs = -1;   // As in jobs::GenerateJob.
};

// Hears what becomes of requests. Called from within Generator::step() only; must not call the
// Generator. Per request: progress*, tokens*, then exactly one of done and failed; after cancel()
// nothing more.
class EventSink {
 public:
  virtual ~EventSink() = default;
  virtual void progress(RequestId id, const jobs::Progress& progress) = 0;
  virtual void tokens(RequestId id, const jobs::Tokens& tokens) = 0;
  virtual void done(RequestId id, const jobs::Done& done) = 0;
  virtual void failed(RequestId id, const jobs::Failed& failed) = 0;
};

struct GeneratorOptions {
  std::size_t max_requests = 64;  // Running and waiting together.
  std::size_t max_running = 64;   // Texts that hold cells and take part in steps at once.
  bool prefix_cache = true;       // Keep the cells of finished texts for requests that begin alike.
  // Sets of T cells: more than one are taken when texts wait for cells and the card has room.
  std::size_t max_banks = 1;
  // Host memory for rows of remembered texts that had to leave the card; they come back exactly.
  std::uint64_t host_cache_bytes = 0;
  // Guessed tokens of one text in a step, where rows are left over; they never change a text.
  std::size_t max_drafts = 8;
  bool mixed_steps = true;  // Rows of several texts in one step.
  // All K/V memory is zeroed before a text starts. With max_running 1 and without prefix_cache.
  bool clear_cells = false;
  std::vector<std::size_t> refused_groups = {};  // Prefill groups that are never taken.
  std::vector<CostSample> costs = {};            // What steps are known to cost.
};

// How full a generator is.
struct GeneratorLoad {
  std::size_t running = 0;       // Requests that hold cells.
  std::size_t waiting = 0;       // Requests that wait for cells.
  std::size_t cells_used = 0;    // Cells of running requests and of the prefix cache.
  std::size_t cells_cached = 0;  // Those of them that only the prefix cache holds.
  std::size_t cells_total = 0;   // Of all banks.
  std::size_t banks = 0;
  std::uint64_t host_bytes = 0;  // Taken by rows in host memory.
  Speed speed;
};

// Writes the texts of many requests with one model: they share its cells, take turns step by step,
// and none changes another's text. A text depends on its request alone, not on the others, on what
// was cached or on how often it was interrupted.
//
// Order: requests that wait are served by priority, then first come first served; those that run
// take turns. When the cells run out, the youngest running request of the lowest priority gives its
// cells back and waits again; it goes on later, where there is room, with exactly the same text.
//
// A card error poisons the generator: the first Status is kept, every request fails with
// retry_may_help, later calls return it.
//
// Threading: not synchronised; belongs to the engine thread of the card.
// Lifetime: the Model must outlive it. At most one Generator uses a Model at a time.
class Generator {
 public:
  Generator(Model& model, const GeneratorOptions& options);
  ~Generator();
  Generator(const Generator&) = delete;
  Generator& operator=(const Generator&) = delete;

  // Takes a request. It starts with one of the next steps.
  //
  // Errors: kInvalidArgument  empty prompt, a token that the model does not have, max_new_tokens
  //                           below 1, sampling options or top_logprobs out of range, an id in use,
  //                           or a text that has no room in the context for one more token (both
  //                           numbers given).
  //         kExhausted        max_requests are here already.
  //         otherwise         the Status that poisoned the generator.
  Status add(RequestId id, GenerateRequest request);

  // Forgets a request, running or not; its cells are free when this returns. Unknown ids are
  // ignored: the request may just have finished.
  void cancel(RequestId id);

  // Runs one unit of work (rows of one or several conversations) and tells `sink`. True while there
  // is more to do.
  //
  // Errors: the Status that poisons the generator (every request has then heard of it).
  Result<bool> step(EventSink& sink);

  // Gives card memory back that only remembered texts use (further banks), for something else that
  // needs it. True if there was any.
  // Errors: kCardLost, kUnavailable  the card failed.
  Result<bool> give_memory_back();

  // Ok until a card error poisoned it.
  const Status& status() const;
  GeneratorLoad load() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace axle::llm
