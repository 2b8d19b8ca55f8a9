#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "card/library.h"

namespace axle::card {

namespace detail {
class Session;
}

struct CardOptions {
  std::optional<DeviceId> device = {};  // By bus number, or
  std::size_t index = 0;                // the n-th of Library::devices().
};

// What a card measures about itself.
struct Readings {
  double temperature_celsius = 0.0;
  std::uint64_t cmm_total_bytes = 0;  // Memory of engines and buffers (7040 MiB on an LLM-8850).
  std::uint64_t cmm_free_bytes = 0;
  std::uint64_t memory_total_bytes = 0;  // Memory of the card's own Linux.
  std::uint64_t memory_free_bytes = 0;
  double cpu_percent = 0.0;
  double npu_percent = 0.0;
  std::string firmware_version = {};
  std::uint64_t uid = 0;
};

// One card taken into use by this process: its device selected, its NPU initialised with all cores
// as one (virtual NPU disabled).
//
// Threading: any thread may use it and what is made from it; the library's context is bound to a
// thread at its first call. Calls of several threads are served one after the other.
// Lifetime: buffers, engines and streams may outlive it; they are then dead, and destroying them is
// harmless. The first error that means the loss of the card is kept: every later call returns it
// without touching the library.
// Source: AXCL runtime V3.10.2, axcl_rt_device.h, axcl_rt_context.h, axcl_rt_engine.h.
class Card {
 public:
  // May block for 50 s when the card hangs (see Library::in_call).
  //
  // Errors: kNotFound     no such card (the text lists those that exist).
  //         kUnavailable  the card grants no ports (0x80300186: hung, busy or a stale process).
  //         kCardLost     it does not answer.
  static Result<std::unique_ptr<Card>> open(Library& library, const CardOptions& options = {});

  ~Card();
  Card(const Card&) = delete;
  Card& operator=(const Card&) = delete;

  DeviceId device() const;
  const Library& library() const { return library_; }
  const Features& features() const { return library_.features(); }

  // Binds the card's context to the calling thread. Not needed before other calls, which do it.
  // Errors: kCardLost, kUnavailable (closed).
  Status bind_thread();

  // Asks the card (several processes start on it: tens of milliseconds, at most once per second).
  // Errors: kUnsupported  the library has no such function. kCardLost.
  Result<Readings> readings();

  // Free memory for engines and buffers. Errors: as readings().
  Result<std::uint64_t> memory_free();

  // Is there room for so many bytes of the model `name`? `smaller` ends the advice "unload another
  // model or take ...". Ok where the library cannot tell: loading finds out.
  // Errors: kExhausted  wanted and free. kCardLost.
  Status check_room(std::uint64_t wanted_bytes, std::string_view name, std::string_view smaller);

  // Ok, or the error with which the card was lost.
  Status health() const;

  // The longest running call of the library, if any.
  std::optional<CallInProgress> in_call() const { return library_.in_call(); }

  // Gives the card back: everything made from it is dead afterwards. Repeating it does nothing.
  // Errors: whatever the library says; the card is closed in any case.
  Status close();

  // For the other classes of this room.
  const std::shared_ptr<detail::Session>& session() const { return session_; }

 private:
  Card(Library& library, std::shared_ptr<detail::Session> session)
      : library_(library), session_(std::move(session)) {}

  Library& library_;  // Not owned; outlives the card.
  // Shared with buffers, engines and streams: they must be able to see that the card is gone.
  std::shared_ptr<detail::Session> session_;
};

}  // namespace axle::card
