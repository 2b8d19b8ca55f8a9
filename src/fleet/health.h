#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "jobs/job.h"

namespace axle::fleet {

// The state of a card as its users see it.
enum class CardState : std::uint8_t {
  kStarting,    // The card process is being started and opens the card.
  kLoading,     // Models are being put on the card.
  kReady,       // Requests are answered.
  kHot,         // Requests are answered, but the card is at 75 C or more; from 80 C work pauses.
  kRecovering,  // Something failed and is being mended; requests wait.
  kLost,        // It could not be mended; requests are refused. Tried again every few minutes.
  kStopped,     // Stopped in order.
};

// "starting", "loading", "ready", "hot", "recovering", "lost", "stopped". Stable.
std::string_view state_name(CardState state);

enum class ModelState : std::uint8_t { kLoading, kLoaded, kFailed };
std::string_view state_name(ModelState state);  // "loading", "loaded", "failed".

// How many jobs there are.
struct JobCount {
  std::int32_t queued = 0;   // Waiting in the front.
  std::int32_t running = 0;  // Handed to the card process.
  friend bool operator==(const JobCount&, const JobCount&) = default;
};

struct ModelHealth {
  std::string name;
  std::string folder;
  ModelState state = ModelState::kLoading;
  Status status;               // Why it failed.
  jobs::LoadProgress loading;  // While kLoading.
  jobs::ModelLoaded loaded;    // Since kLoaded; kept while a new card process loads it again.
  JobCount jobs;
};

// A failure that the fleet dealt with.
struct PastError {
  std::chrono::system_clock::time_point when;
  Status status;
};

// Everything `/health` shows about a card.
struct Health {
  CardState state = CardState::kStarting;
  std::string reason;  // Why it is so, and what the operator can do; empty when ready.
  std::chrono::system_clock::time_point since;
  bool paused = false;   // The card is too hot to work.
  std::int32_t pid = 0;  // Of the card process; 0: none.
  std::int64_t restarts = 0;
  std::int64_t reboots = 0;
  std::optional<jobs::Hello> card;  // Library, device and versions; as of the last hello.
  std::optional<jobs::Readings> readings;
  std::chrono::system_clock::time_point readings_when;
  jobs::Heartbeat heartbeat;
  std::vector<ModelHealth> models;
  std::int32_t queued = 0;             // Jobs that wait in the front.
  std::int32_t running = 0;            // Jobs handed to the card process.
  std::chrono::milliseconds wait{0};   // Until a job that came now would begin, estimated.
  std::vector<PastError> last_errors;  // At most 8, the newest last.
};

// Since start; never falls.
struct Counters {
  std::int64_t submitted = 0;
  std::int64_t refused = 0;  // Not taken: queue full, unknown model, card lost.
  std::int64_t done = 0;
  std::int64_t failed = 0;
  std::int64_t cancelled = 0;
  std::int64_t replayed = 0;  // Hand-overs to a new card process.
  std::int64_t prompt_tokens = 0;
  std::int64_t generated_tokens = 0;
  std::int64_t restarts = 0;
  std::int64_t reboots = 0;
};

}  // namespace axle::fleet
