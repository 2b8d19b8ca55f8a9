#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/mutex.h"
#include "base/result.h"

namespace axle::softcard {

namespace detail {
struct SharedState;
struct SharedCard;
}  // namespace detail

// What every process of this machine knows of its software cards: who uses how much memory, which
// cards are dead, how often each was restarted. It lies in a small mapped file. Entries carry the
// process id and its start time; whatever a killed process left is removed at the next look.
//
// Threading: every function from any thread. generation() and dead() take no lock.
class Machine {
 public:
  static constexpr std::size_t kMaxCards = 8;
  static constexpr std::size_t kMaxProcesses = 64;  // As the vendor's driver: AXCL_PROCESS_MAX.

  struct ProcessUse {
    std::int32_t pid = 0;
    std::uint64_t bytes = 0;
  };
  struct CardView {
    std::uint64_t used_bytes = 0;  // Of all processes, leaked memory included.
    std::uint64_t leaked_bytes = 0;
    std::vector<ProcessUse> processes;
    std::int64_t uptime_ms = 0;       // Since the card's first use or last restart.
    std::uint32_t npu_permyriad = 0;  // NPU time in the last window, hundredths of a percent.
    bool npu_used = false;            // Has any engine run since then?
    std::uint32_t cpu_frequency_khz = 0;
  };

  // The file of this user's machine: AXLE_SOFTCARD_STATE where set (a path, or a name), below
  // /dev/shm, else XDG_RUNTIME_DIR, else /tmp.
  static std::string default_path();

  // Opens, or creates, the state in the file `path`. Errors: kUnavailable  it cannot be.
  static Result<std::unique_ptr<Machine>> open(const std::string& path);
  ~Machine();
  Machine(const Machine&) = delete;
  Machine& operator=(const Machine&) = delete;

  // Enters this process as a user of card `bus`. `leaks`: what it holds when killed stays lost.
  // Errors: kExhausted  more cards or processes than the tables hold.
  enum class OnKill : std::uint8_t { kFree, kLeak };
  Status attach(int bus, OnKill on_kill);
  void detach(int bus);

  // Takes card memory for this process. Errors: kExhausted  with the numbers; then nothing changed.
  Status charge(int bus, std::uint64_t bytes, std::uint64_t limit_bytes);
  void discharge(int bus, std::uint64_t bytes);

  CardView view(int bus);
  // Counts restarts; a handle from another generation is gone.
  std::uint64_t generation(int bus) const;
  // Does the card no longer answer? True from declare_dead() to the next reboot().
  bool dead(int bus) const;
  void declare_dead(int bus);
  void reboot(int bus);

  void add_npu_time(int bus, std::int64_t nanoseconds);
  void set_cpu_frequency(int bus, std::uint32_t khz);
  // True for the first caller on this machine with this key, until the state is removed.
  bool claim(std::uint64_t key);

 private:
  class Lock;
  Machine(std::string path, int descriptor, detail::SharedState* state);
  detail::SharedCard* card(int bus) const;
  void remove_ended_processes() AXLE_REQUIRES(mutex_);
  std::size_t own_slot() const AXLE_REQUIRES(mutex_);

  const std::string path_;
  Mutex mutex_;
  int descriptor_ AXLE_GUARDED_BY(mutex_);
  std::int32_t owner_pid_ AXLE_GUARDED_BY(mutex_);
  detail::SharedState* const state_;  // Mapped; never null.
};

}  // namespace axle::softcard
