#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "base/result.h"
#include "card/device_buffer.h"
#include "card/engine.h"
#include "card/stream.h"

namespace axle::card {
class Card;
}

namespace axle::llm {

// How work is handed to the card.
enum class Submission : std::uint8_t {
  kAuto,      // Queued where the library can, else blocking.
  kQueued,    // Everything queued on one stream, one wait at the end. Refused where it cannot.
  kBlocking,  // Each call waits.
};

// The work of one step for the card, in order: copies and engine runs. One code path for both forms
// of submission.
//
// Threading: one thread at a time.
// Lifetime: the Card must outlive it; host memory, engines and bindings given to it must live until
// finish() returns.
class Commands {
 public:
  // Errors: kUnsupported  kQueued, and the library has no asynchronous calls. kCardLost.
  static Result<Commands> create(card::Card& card, Submission submission);

  // Errors of each: as the function of the same name in card/device_buffer.h, and Engine::run.
  Status write(card::DeviceSpan to, std::span<const std::byte> source);
  Status read(card::DeviceSpan from, std::span<std::byte> target);
  Status copy(card::DeviceSpan from, card::DeviceSpan to);
  Status run(card::Engine& engine, card::Binding& binding);

  // Waits until all of it is done. To be called after a failed command as well: earlier queued work
  // may still use the host's memory.
  // Errors: kCardLost, kUnavailable: something that was queued failed.
  Status finish();

  bool queued() const { return stream_.has_value(); }

 private:
  Commands(card::Card& card, std::optional<card::Stream> stream);

  card::Card* card_;                    // Not owned, never null.
  std::optional<card::Stream> stream_;  // Empty: blocking calls.
};

}  // namespace axle::llm
