#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "softcard/calls.h"
#include "softcard/executor.h"
#include "softcard/quirks.h"

// What kind of machine the software card plays: its cards, how fast they are, and what goes wrong.
// Written as TOML; docs/softcard.md describes every key.
namespace axle::softcard {

enum class FaultAction : std::uint8_t {
  kError,           // The call answers `code`.
  kSleep,           // The call takes `seconds` longer.
  kSleepThenError,  // Both.
  kHang,            // The call never returns.
  kDie,             // The card dies: this call hangs, later ones answer 0x8030040c.
  kCrash,           // The process is killed (SIGKILL) in the call.
  kNan,             // EngineExecute: the outputs hold NaN.
};

struct FaultRule {
  CallId call = CallId::kEngineExecute;
  FaultAction action = FaultAction::kError;
  std::uint64_t first = 1;  // The first call that is hit, counted in this process from 1.
  // The first call after so many engine runs of this process; instead of `first`.
  std::optional<std::uint64_t> after_executes = std::nullopt;
  std::uint64_t count = 1;  // How many calls in a row; 0: all from then on.
  axclError code = 0;
  double seconds = 0.0;
  bool once = false;         // On this machine, not in every process anew.
  std::string process = {};  // Only in processes whose program has this name; empty: all.
  std::uint64_t key = 0;     // Tells rules with `once` apart, in all processes alike.
};

// Card temperature over time: straight lines between (seconds since the card started, degrees C).
using TemperatureCurve = std::vector<std::pair<double, double>>;
// The curve's value at `seconds`; before the first and after the last point it is level.
double temperature_at(const TemperatureCurve& curve, double seconds);

struct CardProfile {
  std::int32_t bus = 1;
  std::uint64_t memory_bytes = std::uint64_t{7040} << 20;
  std::uint64_t uid = 0x6010b819428590c6;
  TemperatureCurve temperature = {{0.0, 45.0}};
  std::string temperature_file;     // Thousandths of a degree; while it can be read, it wins.
  double dead_open_seconds = 50.0;  // How long SetDevice waits on a dead card before 0x80300186.
  bool leak_on_kill = false;        // Memory of killed processes stays in use until a reboot.
};

// What an operation takes at least, by the clock. Zero rates mean: no such part.
// Source of "llm8850-pi5": a time model fitted to published figures of an AX650N card in a
// Raspberry Pi 5 (decode and post times within 8 %).
struct Timing {
  double call_seconds = 0.0;  // Of an engine call.
  double memory_bytes_per_second = 0.0;
  double flops_per_second = 0.0;
  double copy_seconds = 0.0;  // Of a copy over the link.
  double copy_bytes_per_second = 0.0;

  bool paced() const;
};
Timing llm8850_pi5_timing();

struct Profile {
  std::vector<CardProfile> cards = {CardProfile{}};
  int threads = 0;  // 0: every processor this process may use.
  GraphPrecision graph_precision = GraphPrecision::kFloat;
  Timing timing;
  bool skip_arithmetic = false;
  Quirks quirks;
  std::vector<FaultRule> faults;
};

// Reads a profile's text. Every key is checked; unknown ones are refused.
// Errors: kInvalidArgument  with line and reason.
Result<Profile> parse_profile(std::string_view text);

// The profile that the environment names: AXLE_SOFTCARD is the path of a file (unset or empty: the
// defaults), or "toml:" and the text itself; AXLE_SOFTCARD_THREADS overrides `threads`.
// Errors: kNotFound, kUnavailable  the file. kInvalidArgument  its content, with file and line.
Result<Profile> profile_from_environment();

}  // namespace axle::softcard
