#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "base/mutex.h"
#include "base/result.h"
#include "softcard/arena.h"
#include "softcard/codes.h"
#include "softcard/faults.h"
#include "softcard/machine.h"
#include "softcard/profile.h"
#include "softcard/quirks.h"
#include "softcard/ticket_lock.h"

namespace axle::softcard {

// What one axclInit set up for this process.
struct Session {
  Profile profile;
  std::unique_ptr<Machine> machine;
  std::unique_ptr<Faults> faults;
};

// What a fault did to a call that goes on.
struct Strike {
  axclError code = kOk;  // Not kOk: the call answers this.
  bool nan = false;
};

// One card that this process has opened: its memory, its one NPU, its link.
//
// Threading: every function from any thread.
// Lifetime: kept by the contexts on it and by the calls that run.
class Device {
 public:
  // Opens the card for this process; waits CardProfile::dead_open_seconds and answers kDevicePorts
  // when it is dead. Null with `code` set on failure.
  static std::shared_ptr<Device> open(std::shared_ptr<Session> session, const CardProfile& card,
                                      axclError& code);
  ~Device();
  Device(const Device&) = delete;
  Device& operator=(const Device&) = delete;

  std::int32_t id() const { return card_.bus; }
  const CardProfile& card() const { return card_; }
  const Profile& profile() const { return session_->profile; }
  Machine& machine() { return *session_->machine; }
  Faults& faults() { return *session_->faults; }
  Arena& arena() { return *arena_; }
  TicketLock& npu() { return npu_; }
  HeldOutputs& held_outputs() { return held_outputs_; }

  // Does the card answer, and is it still the one that was opened? Logs the loss once.
  bool answers();
  // As answers(), for a call: logs the call that could not be sent as well.
  bool alive();
  // Counts the call and does what the profile wants to go wrong with it; may never return.
  Strike strike(CallId call);

  // Answers kMemoryExecute when the card, shared with all processes, has not that much left.
  axclError allocate(std::size_t size_bytes, std::uint64_t& address);
  axclError release(std::uint64_t address);  // kNotDeviceMemory when not a first address.
  // Card memory that is not in the arena: engines. False when there is not so much left.
  bool charge(std::uint64_t bytes);
  void discharge(std::uint64_t bytes);

  // Copies of any kind but host to host. Device ranges are clipped to the card.
  axclError copy(void* to, const void* from, std::size_t size_bytes, std::int32_t kind);
  axclError fill(void* to, std::uint8_t value, std::size_t size_bytes);
  // As memcmp(), or an error code.
  axclError compare(const void* one, const void* other, std::size_t size_bytes);

  // Waits as long as the profile says that moving so many bytes over the link takes.
  void pace_copy(std::size_t size_bytes, std::chrono::steady_clock::time_point begin);

 private:
  Device(std::shared_ptr<Session> session, const CardProfile& card, std::unique_ptr<Arena> arena);
  void note_loss();
  void log_loss();
  axclError copy_over_link(std::byte* to, const std::byte* from, std::size_t size_bytes);

  std::shared_ptr<Session> session_;  // Shared with the runtime and other cards' devices.
  const CardProfile card_;
  std::unique_ptr<Arena> arena_;
  const std::uint64_t generation_;
  std::atomic<bool> lost_{false};
  HeldOutputs held_outputs_;
  Mutex loss_mutex_;  // Held while the loss is logged.
  TicketLock npu_;
  TicketLock link_;
};

inline std::uint64_t to_address(const void* pointer) {
  return reinterpret_cast<std::uintptr_t>(pointer);
}

// Never returns.
[[noreturn]] void hang();

}  // namespace axle::softcard
