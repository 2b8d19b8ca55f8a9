#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/status.h"
#include "fleet/health.h"
#include "fleet/supervisor_options.h"
#include "jobs/job.h"

namespace axle::fleet {

// What the fleet must do next, in this order.
enum class Order : std::uint8_t {
  kStartProcess,  // Start a card process; answer: on_hello, or on_exit.
  kKillProcess,   // Kill it; answer: on_exit when it is gone.
  kRebootCard,    // Run the reboot command; answer: on_reboot_end.
  kKillReboot,    // Kill the reboot command; no answer.
  kPauseWork,     // Tell the card process to run no steps.
  kResumeWork,
  kFailJobs,  // The card is lost: every job fails with reason().
};

// Decides what happens to a card when something goes wrong: the ladder of docs/architecture.md,
// "When something fails". It starts nothing and reads no clock: events with their times go in,
// orders come out.
//
//   process dies, hangs, is silent or speaks nonsense -> kill, restart (at once, then ever slower)
//   several starts in a row that did no work, or the card refuses its ports -> reboot the card
//   that did not help either -> lost; tried again after a while, and once in that time rebooted
//
// Threading: none; the fleet's thread owns it.
class Supervisor {
 public:
  using Time = std::chrono::steady_clock::time_point;

  enum class Reboot : std::uint8_t { kPossible, kImpossible };

  Supervisor(const SupervisorOptions& options, Reboot reboot);

  void start(Time now);
  // The process has opened the card, or the software card.
  enum class CardKind : std::uint8_t { kReal, kSoftware };
  void on_hello(Time now, CardKind kind = CardKind::kReal);
  // Every model was loaded or failed to.
  void on_models_settled(Time now);
  void on_heartbeat(Time now, const jobs::Heartbeat& heartbeat);
  // An event of a job or of a load came: this run is of use.
  void on_work(Time now);
  void on_temperature(double celsius);
  // The process is of no more use: it says that its card is lost, or speaks nonsense.
  void on_failure(Time now, Status why);
  // The process is gone, `why` from its exit status; also when it could not be started.
  void on_exit(Time now, Status why);
  void on_reboot_end(Time now, Status status);
  // The time has come to look at the deadlines; early calls do no harm.
  void on_tick(Time now);
  // No more orders; the fleet ends the process itself.
  void stop();

  // What is to be done since the last call.
  std::vector<Order> take_orders() { return std::exchange(orders_, {}); }
  // When on_tick() must be called at the latest.
  std::optional<Time> next_deadline() const;

  CardState state() const;
  // Why it is in this state and what the operator can do; empty when ready.
  std::string reason() const;
  bool paused() const { return paused_; }
  // When a lost card is tried next.
  std::optional<Time> next_try() const;
  std::int64_t restarts() const { return restarts_; }
  std::int64_t failures() const { return all_failures_; }
  std::int64_t reboots() const { return reboots_; }
  // The failure that led to the present trouble; ok before the first.
  const Status& last_failure() const { return last_failure_; }

 private:
  enum class Phase : std::uint8_t {
    kIdle,
    kAwaitingHello,
    kLoading,
    kRunning,
    kDying,    // Killed, not gone yet.
    kWaiting,  // Until the next start.
    kRebooting,
    kGivenUp,  // Lost; until the next try.
    kStopped,
  };

  bool has_process() const;
  std::chrono::milliseconds call_limit() const;
  void start_process(Time now);
  void fail(Time now, Status why);
  void after_exit(Time now);
  void reboot(Time now);
  void give_up(Time now, std::string tried);
  std::chrono::milliseconds restart_delay() const;
  bool hopeless() const;
  std::string_view advice() const;

  SupervisorOptions options_;
  Reboot reboot_;
  CardKind kind_ = CardKind::kReal;  // As of the last hello.
  Phase phase_ = Phase::kIdle;
  Time deadline_{};  // Of the phase, where it has one.
  Time last_heartbeat_{};
  Time ready_since_{};
  bool good_run_ = false;    // This process did some work.
  bool recovering_ = false;  // Since a failure, until ready.
  bool lost_ = false;        // Since giving up, until ready.
  bool rebooted_ = false;    // Since the last good run.
  bool hot_ = false;
  bool paused_ = false;
  bool stuck_process_ = false;  // Killed in vain.
  double celsius_ = 0.0;
  std::int32_t failures_ = 0;  // In a row, since the last good run or reboot.
  std::int64_t all_failures_ = 0;
  std::int64_t restarts_ = 0;
  std::int64_t reboots_ = 0;
  Status last_failure_;
  std::string lost_reason_;
  std::vector<Order> orders_;
};

}  // namespace axle::fleet
