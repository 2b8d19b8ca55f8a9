#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "base/bf16.h"
#include "base/result.h"
#include "llm/commands.h"
#include "llm/embeddings.h"
#include "llm/engines.h"
#include "llm/head.h"
#include "llm/kv_cache.h"
#include "llm/sequence.h"
#include "package/shape.h"

namespace axle::llm {

// One token's place in a step.
struct Row {
  const Sequence* sequence = nullptr;  // Its conversation, as computed before this step.
  TokenId token = 0;                   // Goes in.
  std::uint32_t position = 0;          // RoPE position.
  Cell cell = 0;                       // Where its K and V go; held, and in no sequence yet.
  bool wants_logits = false;           // Run the head on it?
};

// What one step does: these rows in this group. A row sees its sequence and the earlier rows of the
// same sequence in this plan, nothing else; rows of several conversations may stand in any order.
struct Plan {
  std::size_t group = 0;  // Position in package::LayerShape::groups.
  std::size_t bank = 0;   // All cells are of this one.
  std::vector<Row> rows;
};

// How a decode step brings the new K and V rows to their cell.
enum class CellWrites : std::uint8_t {
  kAuto,     // In place where the rows are whole multiples of 2 KiB, else copied.
  kCopy,     // The engine writes to a buffer of its own; a copy on the card follows.
  kInPlace,  // The engine's outputs are bound to the cell itself.
};

// How the layers of a step follow each other.
enum class StepOrder : std::uint8_t {
  kChained,  // Mask and positions go to the card once; a layer reads where the one before it wrote.
  // As the vendor's runners do it, for cards on which the other is not to be trusted, and to be
  // measured against: positions and mask for every layer, the hidden state copied between layers,
  // through the host in prefill groups, a copy for the head, every call waited for.
  // Source: AXERA-TECH/ax-llm, its AXCL runner, as of 2026.
  kVendor,
};

struct StepOptions {
  Submission submission = Submission::kAuto;   // kVendor: always blocking.
  CellWrites cell_writes = CellWrites::kAuto;  // kVendor: always copied.
  StepOrder order = StepOrder::kChained;
  bool wide_head = true;  // Several rows in one run of the head where the package has such groups.
  friend bool operator==(const StepOptions&, const StepOptions&) = default;
};

// Runs plans: all layers, then the head for the rows that want it. Per step, mask, positions and
// embeddings go to the card once for all layers; the output of layer m is the input of layer m + 1
// where it lies (two buffers in turn); new K and V rows go to their cells on the card.
//
// Threading: one thread at a time.
// Lifetime: engines, cache, embeddings and card must outlive it.
class StepRunner {
 public:
  struct Parts {
    card::Card& card;
    Engines& engines;
    const KvCache& cache;  // Bank 0.
    const Embeddings& embeddings;
    const package::LayerShape& shape;
  };

  // Takes the buffers that all layers share and binds every group of every layer.
  // Errors: kExhausted  no room on the card. kUnsupported  as Commands::create. kCardLost.
  static Result<std::unique_ptr<StepRunner>> create(const Parts& parts, const StepOptions& options);

  // A further bank, numbered from 1 on; lives as long as the runner. Errors: as create().
  Status add_bank(const KvCache& cache);
  // Forgets the last one. REQUIRES: there are two.
  void drop_bank() { banks_.pop_back(); }

  // Runs `plan`. The caller appends the rows to their sequences when this was ok; after an error
  // the cells of its rows hold unknown, but finite or unreachable, numbers.
  //
  // Errors: kInvalidArgument  no row, more rows than the group has, a history that the group cannot
  //                           see, a token or cell that does not exist, two rows for one cell.
  //         kCardLost, kUnavailable  the card failed.
  Status run(const Plan& plan);

  // The logits [V] bf16 of row `row` of the last plan; valid until the next run() or logits(). Best
  // asked in the order of the rows: while the caller reads those of one, the card computes the next
  // that were wanted. The head also runs on a row that did not want logits, if it turns out that
  // they are needed.
  // REQUIRES: run() was ok and had the row. Errors: as run().
  Result<std::span<const Bf16>> logits(std::size_t row);

  // Does the head take several rows in one run? Then it costs little to want logits of all at once.
  bool has_wide_head() const { return head_.front().is_wide(); }

  const package::LayerShape& shape() const { return parts_.shape; }
  bool queued() const { return commands_.queued(); }
  // For other work on the same memory, between steps.
  Commands& commands() { return commands_; }
  // Do decode steps write K and V rows straight to their cells?
  bool in_place() const { return in_place_; }
  std::uint64_t memory_bytes() const;

  // Card memory that create() takes for a model of this shape, the head's left out.
  static std::uint64_t buffer_bytes(const package::LayerShape& shape, std::size_t widest_kv);

 private:
  // Card memory of a step, shared by all layers and groups.
  struct Buffers {
    card::DeviceBuffer indices;
    card::DeviceBuffer mask;
    card::DeviceBuffer hidden[2];  // See input_of() and output_of().
    card::DeviceBuffer k_out;
    card::DeviceBuffer v_out;
  };
  // The bindings of one group, one per layer.
  struct GroupBindings {
    std::vector<card::Binding> layers;
  };
  struct Bank {
    const KvCache* cache = nullptr;     // Not owned.
    std::vector<GroupBindings> groups;  // As shape.groups.
  };

  StepRunner(const Parts& parts, Commands commands, StepOrder order);

  Status allocate(std::size_t widest_kv);
  Result<card::Binding> bind_group(const KvCache& cache, std::size_t group, std::size_t layer);
  Status check(const Plan& plan) const;
  void stage(const Plan& plan);
  Status submit(const Plan& plan);
  Status upload(const Plan& plan);
  Status upload_for_layer(const Plan& plan);
  Status pass_on(const Plan& plan);
  Status run_layer(const Plan& plan, std::size_t layer);
  Status place_rows(const Plan& plan, std::size_t layer);
  Status start_head();
  Status finish_head();
  Status finish_rows(std::size_t count);
  Status score(std::size_t row, std::size_t source);
  std::span<Bf16> logits_at(std::size_t source, std::size_t count);

  // The hidden buffers that a layer reads and writes.
  std::size_t input_of(std::size_t layer) const { return vendor_order_ ? 0 : layer % 2; }
  std::size_t output_of(std::size_t layer) const { return vendor_order_ ? 1 : (layer + 1) % 2; }
  const card::DeviceBuffer& last_output() const {
    return buffers_.hidden[output_of(parts_.engines.layers.size() - 1)];
  }

  Parts parts_;
  Commands commands_;
  Buffers buffers_;
  std::vector<Bank> banks_;
  std::vector<Head> head_;  // One, set by create().
  bool in_place_ = false;
  bool vendor_order_ = false;

  std::vector<std::uint32_t> indices_;  // Host copies, kept until the card has read them.
  std::vector<Bf16> mask_;
  std::vector<Bf16> input_;
  std::vector<Bf16> logits_;                 // [rows with logits, V]
  std::vector<std::size_t> logits_sources_;  // Rows of the plan that want logits.
  std::size_t handed_over_ = 0;              // So many of them the head was told to run on,
  std::size_t scored_ = 0;                   // and so many are done.
};

}  // namespace axle::llm
