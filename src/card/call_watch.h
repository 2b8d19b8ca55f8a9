#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace axle::card {

// A call into the card's library that has not returned yet.
struct CallInProgress {
  std::string_view name;  // The library's function, e.g. "axclrtEngineExecute".
  std::chrono::steady_clock::time_point since;
};

// Says since when calls into the card's library are running. The library has no time-outs and a
// call on a dead card may never return, so somebody else must be able to see that it hangs.
//
// Threading: every function may be called from any thread; none blocks or allocates.
class CallWatch {
 private:
  struct alignas(64) Slot {
    std::atomic<const char*> name = nullptr;  // Null: free.
    std::atomic<std::int64_t> since_ns = 0;   // Of the steady clock; 0: not set yet.
  };

 public:
  CallWatch() = default;
  CallWatch(const CallWatch&) = delete;
  CallWatch& operator=(const CallWatch&) = delete;

  // The call that has been running longest, if any is. Calls of more than kSlots threads at once
  // are not all seen.
  std::optional<CallInProgress> oldest() const;

  // How many calls have been made, for counting them per step.
  std::uint64_t calls() const { return calls_.load(std::memory_order_relaxed); }

  // Marks a call for the lifetime of the object. `name` must be a string literal.
  class Scope {
   public:
    Scope(CallWatch& watch, const char* name);
    ~Scope();
    Scope(const Scope&) = delete;
    Scope& operator=(const Scope&) = delete;

   private:
    Slot* slot_;  // Null where every slot was taken.
  };

 private:
  static constexpr std::size_t kSlots = 8;
  std::array<Slot, kSlots> slots_;
  std::atomic<std::uint64_t> calls_ = 0;
};

}  // namespace axle::card
