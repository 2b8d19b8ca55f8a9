#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "llm/generator.h"
#include "llm/step.h"

// What a card may be trusted with, and how a model is then run.
namespace axle::llm {

// What is tried on a card, see llm/probe.h. The names are stable: they stand in logs and files.
enum class ProbePoint : std::uint8_t {
  kSharedCells,    // A row is the same beside cells of other texts that are hidden from it.
  kPermutedCells,  // ... and with its own history in any cells, in any order.
  kChunkRows,      // A row is the same in a group of several rows as in the decode group.
  kMixedChunks,    // ... and between rows of another text.
  kWideHead,       // Several rows in one run of the head get what each gets alone.
  kChained,        // A layer reads where the one before it wrote; one upload of mask and positions.
  kQueued,         // A step is queued whole, with one wait.
  kInPlace,        // New K and V rows are written by the engine to their cell, and nowhere else.
  // Told for those who want to know; nothing depends on them.
  kNanCells,       // A hidden cell may hold what is no number.
  kAboveDiagonal,  // A row can see a later row of its chunk.
  kFarPositions,   // Positions from T on give what the same text gives at 0.
};
inline constexpr std::size_t kProbePoints = 11;
inline constexpr std::size_t kDecidingPoints = 8;  // The first of them.

// "shared cells", ...
std::string_view point_name(ProbePoint point);

enum class Verdict : std::uint8_t {
  kUntested,  // Nothing in the package, the library or the order of steps to try it with.
  kExact,     // The same bits.
  kClose,     // Differs by kCloseUlps at most.
  kRefused,
};
// "untested", "exact", "close", "refused".
std::string_view verdict_name(Verdict verdict);

// Differences are counted in units of the last place (bf16: 8 bits) of the largest number in the
// row compared, so that a small number beside large ones does not count for more than it is worth.
inline constexpr double kCloseUlps = 2.0;

struct Finding {
  Verdict verdict = Verdict::kUntested;
  double ulps = 0.0;  // The largest difference; infinite where something is no number.
  friend bool operator==(const Finding&, const Finding&) = default;
};

// The finding that a largest difference makes.
Finding finding_of(double ulps);

struct ProbeReport {
  std::array<Finding, kProbePoints> findings;

  Finding& operator[](ProbePoint point) { return findings[static_cast<std::size_t>(point)]; }
  const Finding& operator[](ProbePoint point) const {
    return findings[static_cast<std::size_t>(point)];
  }
  // Was the point tried and found wanting?
  bool refuses(ProbePoint point) const { return (*this)[point].verdict == Verdict::kRefused; }
  friend bool operator==(const ProbeReport&, const ProbeReport&) = default;
};

// All points of nothing but refusals: for a card that could not be probed.
ProbeReport nothing_trusted();

// One line: "refused: in place (310 ulp); exact: shared cells, ...; untested: wide head".
std::string describe(const ProbeReport& report);
// What refusing the point means for those who use the model.
std::string_view cost_of_refusal(ProbePoint point);

// Who decides the order of steps.
enum class OrderChoice : std::uint8_t {
  kAuto,     // The probe.
  kChained,  // Our own order whatever the probe says of it.
  kVendor,   // The vendor's.
};

// How to run the steps of a model: `wanted` without what the report refuses.
StepOptions step_options(const ProbeReport& report, OrderChoice order,
                         const StepOptions& wanted = {});

// How to write texts: `wanted` without what the report refuses, so that texts stay right. Where
// cells cannot be shared or cannot be anywhere, one text runs at a time, from the first cell on,
// and nothing is kept for later ones.
GeneratorOptions generator_options(const ProbeReport& report, const package::LayerShape& shape,
                                   const GeneratorOptions& wanted = {});

}  // namespace axle::llm
