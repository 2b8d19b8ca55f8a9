#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/bf16.h"
#include "base/result.h"
#include "card/device_buffer.h"
#include "llm/commands.h"
#include "llm/engines.h"

namespace axle::llm {

// Runs the head ("post" engine) on rows of the last layer's output. Vendor packages have a head of
// one row; where the package has wider groups, several rows share a run, and with it the reading of
// the head's weights.
//
// Threading: one thread at a time.
// Lifetime: the engines and the card must outlive it.
class Head {
 public:
  struct Sizes {
    std::size_t hidden = 0;      // H
    std::size_t vocab_size = 0;  // V
  };

  struct Options {
    bool wide = true;  // Use groups of several rows.
    bool direct =
        true;  // Read row 0, where it alone is wanted, from where the last layer wrote it.
  };

  // Takes the head's buffers. `last`: the last layer's output [n, H] bf16.
  // Errors: kExhausted  no room on the card. kCardLost.
  static Result<Head> create(card::Card& card, Engines& engines, Sizes sizes,
                             const card::DeviceBuffer& last, const Options& options);

  // How many of `rows` rows one run takes.
  std::size_t rows_at_once(std::size_t rows) const;

  // Hands over one run: the logits of the rows `rows` of `last`, rising, go to `logits` [rows, V]
  // bf16 when `commands` has finished. REQUIRES: as many as rows_at_once() says.
  // Errors: as Commands.
  Status run(Commands& commands, const card::DeviceBuffer& last, std::span<const std::size_t> rows,
             std::span<Bf16> logits);

  // Does it take several rows in one run?
  bool is_wide() const { return groups_.size() > 1; }
  std::uint64_t memory_bytes() const { return input_.size_bytes() + logits_.size_bytes(); }

  // Card memory that create() takes for a head whose widest group has `rows` rows.
  static std::uint64_t buffer_bytes(Sizes sizes, std::size_t rows);

 private:
  struct Group {
    std::size_t rows = 0;
    card::Binding binding;  // Reads input_.
  };

  Head(Engines& engines, Sizes sizes) : engines_(&engines), sizes_(sizes) {}
  std::size_t group_for(std::size_t rows) const;
  Status gather(Commands& commands, const card::DeviceBuffer& last,
                std::span<const std::size_t> rows);

  Engines* engines_;  // Not owned, never null.
  Sizes sizes_;
  card::DeviceBuffer input_;   // [widest group, H] bf16
  card::DeviceBuffer logits_;  // [widest group, V] bf16
  std::vector<Group> groups_;  // Rising rows, the first has one.
  // At most one: the group of one row, reads row 0 where it lies.
  std::vector<card::Binding> direct_;
};

}  // namespace axle::llm
