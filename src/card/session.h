#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

#include "base/mutex.h"
#include "base/result.h"
#include "base/status.h"
#include "card/axcl_abi.h"
#include "card/error.h"
#include "card/library.h"
#include "card/vendor_output.h"

// What the classes of this room share. Private to the room.
namespace axle::card::detail {

// An initialised library. The last owner finalises it.
struct LibraryState {
  LibraryState() = default;
  ~LibraryState();
  LibraryState(const LibraryState&) = delete;
  LibraryState& operator=(const LibraryState&) = delete;

  abi::Functions functions;
  Features features;
  LibraryKind kind = LibraryKind::kVendor;
  Version version;
  std::string full_version;
  std::string description;
  std::filesystem::path path;
  std::unique_ptr<StdoutRedirect> output;
  CallWatch own_watch;
  CallWatch* watch = &own_watch;  // Not owned when it is not own_watch.
  bool initialised = false;
};

// A card in use: remembers its context, which threads have it, and whether it was lost or closed.
//
// Threading: safe from any thread.
class Session {
 public:
  Session(std::shared_ptr<LibraryState> library, DeviceId device);

  // SetDevice, context, EngineInit. Errors: as Card::open.
  Status open();
  // EngineFinalize (not of a lost card), ResetDevice. Repeating it does nothing.
  Status close();

  const abi::Functions& functions() const { return library_->functions; }
  const Features& features() const { return library_->features; }
  DeviceId device() const { return device_; }

  // May calls still be made? What is not can only be forgotten.
  bool alive() const { return state_.load(std::memory_order_acquire) == State::kOpen; }
  // Ok, or why not: the error of the loss, or kUnavailable after close().
  Status health() const;
  // Makes the context that of the calling thread.
  Status bind_thread();

  // Calls `function` with `arguments` and turns its answer into a Status. Never called when the
  // card is lost or closed. Costs well under a microsecond on top of the call.
  template <typename... Parameters, typename... Arguments>
  Status call(Action action, const char* name, abi::Error (*function)(Parameters...),
              Arguments... arguments) {
    if (!alive() || !bound_here()) AXLE_TRY(bind_thread());
    const abi::Error code = raw(name, function, arguments...);
    return code == 0 ? Status() : failed(code, action, name);
  }

  // The bare answer of a function, seen by the watch; for getters and for clean-up.
  template <typename Function, typename... Arguments>
  auto raw(const char* name, Function function, Arguments... arguments) {
    const CallWatch::Scope scope(*library_->watch, name);
    return function(arguments...);
  }

  // The Status of a failed call; a code that means the loss of the card is remembered.
  Status failed(abi::Error code, Action action, const char* name, std::string_view detail = {});

 private:
  enum class State : std::uint8_t { kNew, kOpen, kLost, kClosed };

  bool bound_here() const;  // Has the calling thread this session's context?

  const std::shared_ptr<LibraryState> library_;
  const DeviceId device_;
  const std::uint64_t serial_;  // Differs between all sessions of the process.
  abi::Handle context_ = nullptr;
  std::atomic<State> state_ = State::kNew;
  mutable Mutex mutex_;
  Status first_error_ AXLE_GUARDED_BY(mutex_);
};

}  // namespace axle::card::detail
