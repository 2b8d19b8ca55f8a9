#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>

#include "base/result.h"
#include "llm/embeddings.h"
#include "llm/engines.h"
#include "llm/kv_cache.h"
#include "llm/step.h"
#include "package/package.h"

namespace axle::card {
class Card;
}

namespace axle::llm {

struct LoadOptions {
  LoadCallback progress;  // May be empty.
  StepOptions step;
};

// A language model on a card: its engines, its K/V memory, its embedding table, and the runner of
// its steps.
//
// Threading: one thread at a time, the engine thread of its card.
// Lifetime: the Card must outlive it. Destroying it frees all card memory it took.
class Model {
 public:
  // Loads `package`. Nothing stays on the card when it fails.
  //
  // Errors: kExhausted   it would not fit: refused before anything is loaded, with the bytes that
  //                      it needs and those that are free; or the card ran out all the same.
  //         otherwise    as load_engines, Embeddings::open and StepRunner::create.
  static Result<std::unique_ptr<Model>> load(card::Card& card, const package::Package& package,
                                             const LoadOptions& options = {});

  Model(const Model&) = delete;
  Model& operator=(const Model&) = delete;

  const package::Package& package() const { return package_; }
  card::Card& card() { return card_; }
  Engines& engines() { return engines_; }
  const Embeddings& embeddings() const { return embeddings_; }
  StepRunner& step() { return *step_; }
  // K/V memory: at least one bank of cells() cells. REQUIRES: number < banks().
  const KvCache& bank(std::size_t number) const { return banks_[number]; }
  std::size_t banks() const { return banks_.size(); }
  // A further one; what is in it is zero. False: the card has no room for it, or cannot tell.
  // Errors: kCardLost, kUnavailable.
  Result<bool> add_bank();
  // Frees the last one. REQUIRES: banks() > 1.
  void drop_bank();
  // What another StepRunner on the same engines and cells needs.
  StepRunner::Parts step_parts();

  // Runs steps in another way from now on. Errors: as StepRunner::create; the old way stays then.
  Status use(const StepOptions& options);
  // Zeroes all K/V memory. Errors: kCardLost, kUnavailable.
  Status clear_cells();

  std::size_t vocab_size() const { return package_.vocab_size(); }
  // T: cells shared by all conversations.
  std::size_t cells() const { return package_.cells(); }
  // Tokens that one conversation can have, prompt and answer together.
  std::size_t context_tokens() const;
  // Card memory taken by engines, K/V memory and buffers.
  std::uint64_t memory_bytes() const;

  // Card memory that load() takes at its peak, from the files alone.
  static std::uint64_t predicted_bytes(const package::Package& package);

 private:
  Model(card::Card& card, const package::Package& package, Engines engines, Embeddings embeddings);

  card::Card& card_;
  package::Package package_;
  Engines engines_;
  Embeddings embeddings_;
  std::deque<KvCache> banks_;
  StepOptions step_options_;          // Of step_.
  std::unique_ptr<StepRunner> step_;  // Set by load(); never null after it. Last: uses the others.
};

}  // namespace axle::llm
