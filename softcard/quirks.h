#pragma once

#include <bitset>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "axmodel/model.h"
#include "base/mutex.h"

// Ways in which a card may compute other numbers than the tensors of its engines let one expect.
// Nobody has shown a card that does; a program that relies on the expectation has to be able to
// find out.
namespace axle::softcard {

// docs/softcard.md, section "Quirks", describes each by its name.
enum class Quirk : std::uint8_t {
  kHiddenCells,
  kCellOrder,
  kChunkOutput,
  kMixedChunks,
  kChainedOutput,
  kInPlace,
  kQueuedInputs,
  kWideHead,
  kNanCells,
  kAboveDiagonal,
  kFarPositions,
  kCount
};
std::optional<Quirk> find_quirk(std::string_view name);
std::string known_quirks();  // All names, separated by commas.

// A set of them.
class Quirks {
 public:
  void add(Quirk quirk) { set_.set(static_cast<std::size_t>(quirk)); }
  bool has(Quirk quirk) const { return set_.test(static_cast<std::size_t>(quirk)); }
  bool none() const { return set_.none(); }

 private:
  std::bitset<static_cast<std::size_t>(Quirk::kCount)> set_;
};

// Results of engines that only copies can see: an engine that reads them where they lie finds what
// was there before.
//
// Threading: every function from any thread.
class HeldOutputs {
 public:
  // What shall be at `place` for those who copy it.
  void hold(std::byte* place, std::vector<std::byte> content);
  // A copy reads these bytes: they become visible to all.
  void settle(const std::byte* from, std::size_t size_bytes);
  // These bytes are overwritten.
  void drop(const std::byte* to, std::size_t size_bytes);

 private:
  Mutex mutex_;
  std::map<std::byte*, std::vector<std::byte>> held_ AXLE_GUARDED_BY(mutex_);
};

// One run of an engine on a card with quirks: what is changed before and after the arithmetic.
// Without quirks, and for engines that are neither layers nor heads, it does nothing.
//
// Lifetime: all that is given to it must outlive it.
class QuirkyRun {
 public:
  struct Run {
    const Quirks& quirks;
    const axmodel::Model& model;
    std::size_t group = 0;
    bool queued = false;
    std::vector<std::byte>& positions;  // Of this engine's run before; kept up to date.
    HeldOutputs& held;
  };
  explicit QuirkyRun(const Run& run);

  // May point inputs to changed copies of their own, and outputs to other places.
  void before(std::vector<std::byte*>& inputs, std::vector<std::byte*>& outputs);
  // REQUIRES: before(), with these outputs.
  void after(std::span<std::byte* const> outputs);

 private:
  bool has(Quirk quirk) const { return run_.quirks.has(quirk); }
  void change_mask(std::vector<std::byte*>& inputs);
  void change_positions(std::vector<std::byte*>& inputs);
  void change_places(const std::vector<std::byte*>& inputs, std::vector<std::byte*>& outputs) const;
  void look_at_hidden_cells(const std::vector<std::byte*>& inputs);
  void spoil_rows(std::byte* output) const;
  void repeat_first_row(std::byte* output) const;

  Run run_;
  bool layer_ = false;
  bool head_ = false;
  std::size_t rows_ = 0;
  std::size_t history_ = 0;
  std::size_t width_ = 0;  // Numbers in a row of the last output.
  std::size_t kv_ = 0;
  std::vector<std::byte> mask_;
  std::vector<std::byte> positions_;
  std::vector<std::byte> old_output_;
  std::vector<float> leaks_;    // [rows, kv]
  std::vector<bool> poisoned_;  // [rows]
};

}  // namespace axle::softcard
