#include "fleet/supervisor.h"

#include <fmt/format.h>

#include <algorithm>

namespace axle::fleet {
namespace {

using std::chrono::milliseconds;

// DEVICE_PORT_ALLOCATE: SetDevice was refused; the card hangs and needs a reboot.
// Source: AXCL runtime V3.10.2, axcl_rt_device.h.
constexpr std::int32_t kPortsRefused = static_cast<std::int32_t>(0x80300186);

double seconds(milliseconds duration) { return static_cast<double>(duration.count()) / 1000.0; }

}  // namespace

std::string_view state_name(CardState state) {
  switch (state) {
    case CardState::kStarting:
      return "starting";
    case CardState::kLoading:
      return "loading";
    case CardState::kReady:
      return "ready";
    case CardState::kHot:
      return "hot";
    case CardState::kRecovering:
      return "recovering";
    case CardState::kLost:
      return "lost";
    case CardState::kStopped:
      return "stopped";
  }
  return "unknown";
}

std::string_view state_name(ModelState state) {
  switch (state) {
    case ModelState::kLoading:
      return "loading";
    case ModelState::kLoaded:
      return "loaded";
    case ModelState::kFailed:
      return "failed";
  }
  return "unknown";
}

Supervisor::Supervisor(const SupervisorOptions& options, Reboot reboot)
    : options_(options), reboot_(reboot) {}

bool Supervisor::has_process() const {
  return phase_ == Phase::kAwaitingHello || phase_ == Phase::kLoading || phase_ == Phase::kRunning;
}

void Supervisor::start(Time now) {
  if (phase_ == Phase::kIdle) start_process(now);
}

void Supervisor::start_process(Time now) {
  phase_ = Phase::kAwaitingHello;
  deadline_ = now + options_.hello_timeout;
  good_run_ = false;
  if (recovering_) ++restarts_;
  orders_.push_back(Order::kStartProcess);
}

void Supervisor::on_hello(Time now, CardKind kind) {
  if (phase_ != Phase::kAwaitingHello) return;
  kind_ = kind;
  phase_ = Phase::kLoading;
  last_heartbeat_ = now;
  if (paused_) orders_.push_back(Order::kPauseWork);
}

void Supervisor::on_models_settled(Time now) {
  if (phase_ != Phase::kLoading) return;
  phase_ = Phase::kRunning;
  ready_since_ = now;
  recovering_ = false;
  lost_ = false;
}

void Supervisor::on_heartbeat(Time now, const jobs::Heartbeat& heartbeat) {
  if (phase_ != Phase::kLoading && phase_ != Phase::kRunning) return;
  last_heartbeat_ = now;
  const milliseconds limit = call_limit();
  const std::chrono::microseconds age(heartbeat.call_running_us);
  if (age <= limit) return;
  fail(now, deadline_exceeded(fmt::format(
                "the card call {} has been running for {:.1f} s, wanted at most {:.1f} s",
                heartbeat.call, static_cast<double>(age.count()) / 1e6, seconds(limit))));
}

milliseconds Supervisor::call_limit() const {
  if (kind_ == CardKind::kSoftware) return options_.software_call_deadline;
  return phase_ == Phase::kLoading ? options_.load_deadline : options_.call_deadline;
}

void Supervisor::on_work(Time /*now*/) {
  if (phase_ == Phase::kRunning) good_run_ = true;
}

void Supervisor::on_temperature(double celsius) {
  celsius_ = celsius;
  hot_ = celsius >= options_.warn_celsius;
  const bool pause = paused_ ? hot_ : celsius >= options_.pause_celsius;
  if (pause == paused_) return;
  paused_ = pause;
  if (has_process()) orders_.push_back(pause ? Order::kPauseWork : Order::kResumeWork);
}

void Supervisor::on_failure(Time now, Status why) {
  if (has_process()) fail(now, std::move(why));
}

void Supervisor::fail(Time now, Status why) {
  last_failure_ = std::move(why);
  recovering_ = true;
  ++all_failures_;
  if (phase_ == Phase::kRunning && now - ready_since_ >= options_.stable_after) good_run_ = true;
  phase_ = Phase::kDying;
  deadline_ = now + options_.kill_timeout;
  orders_.push_back(Order::kKillProcess);
}

void Supervisor::on_exit(Time now, Status why) {
  stuck_process_ = false;
  if (phase_ == Phase::kGivenUp) {
    // It was the process that could not be killed: nothing blocks the card any longer.
    deadline_ = now;
    return;
  }
  if (has_process()) {
    fail(now, std::move(why));
    orders_.pop_back();  // There is nothing to kill.
  }
  if (phase_ == Phase::kDying) after_exit(now);
}

bool Supervisor::hopeless() const {
  switch (last_failure_.code()) {
    case Code::kNotFound:
    case Code::kUnsupported:
    case Code::kInvalidArgument:
      return true;
    default:
      return false;
  }
}

void Supervisor::after_exit(Time now) {
  if (good_run_) {
    failures_ = 0;
    rebooted_ = false;
  }
  ++failures_;
  if (hopeless()) return give_up(now, "");
  const bool refused = last_failure_.vendor_code() == kPortsRefused;
  const bool can_reboot = reboot_ == Reboot::kPossible && !rebooted_;
  const std::int32_t limit =
      rebooted_ ? options_.failures_after_reboot : options_.failures_before_reboot;
  if (can_reboot && (refused || lost_ || failures_ >= limit)) return reboot(now);
  if (lost_ || failures_ >= limit)
    return give_up(now, fmt::format("{} starts in a row failed{}", failures_,
                                    rebooted_ ? " although the card was rebooted" : ""));
  phase_ = Phase::kWaiting;
  deadline_ = now + restart_delay();
  on_tick(now);
}

milliseconds Supervisor::restart_delay() const {
  if (failures_ <= 1) return milliseconds(0);
  milliseconds delay = options_.restart_delay_min;
  for (std::int32_t i = 2; i < failures_ && delay < options_.restart_delay_max; ++i) delay *= 2;
  return std::min(delay, options_.restart_delay_max);
}

void Supervisor::reboot(Time now) {
  phase_ = Phase::kRebooting;
  deadline_ = now + options_.reboot_timeout;
  ++reboots_;
  orders_.push_back(Order::kRebootCard);
}

void Supervisor::on_reboot_end(Time now, Status status) {
  if (phase_ != Phase::kRebooting) return;
  rebooted_ = true;
  failures_ = 0;
  if (status.ok()) return start_process(now);
  give_up(now, fmt::format("rebooting the card failed ({})", status.message()));
}

std::string_view Supervisor::advice() const {
  if (hopeless()) return "correct this; \"axle doctor\" checks the installation";
  if (kind_ == CardKind::kSoftware) {
    return "no device is at fault, the software card is a program: the log says more, and "
           "AXLE_SOFTCARD names its profile, which may ask for faults";
  }
  if (stuck_process_) return "the driver holds a process that cannot be ended: reboot the host";
  return "look at \"axcl-smi\" and \"axle doctor\"; switching the host's power off and on is the "
         "surest cure for a card that hangs";
}

void Supervisor::give_up(Time now, std::string tried) {
  phase_ = Phase::kGivenUp;
  deadline_ = now + options_.lost_retry;
  lost_reason_ =
      fmt::format("{}{}{}. What to do: {}. Tried again every {:.0f} s.", last_failure_.message(),
                  tried.empty() ? "" : "; ", tried, advice(), seconds(options_.lost_retry));
  if (!lost_) orders_.push_back(Order::kFailJobs);
  lost_ = true;
}

void Supervisor::on_tick(Time now) {
  if (phase_ == Phase::kLoading || phase_ == Phase::kRunning) {
    if (now - last_heartbeat_ > options_.heartbeat_timeout)
      fail(now, deadline_exceeded(fmt::format("no heartbeat of the card process for {:.1f} s",
                                              seconds(options_.heartbeat_timeout))));
    return;
  }
  if (phase_ == Phase::kIdle || phase_ == Phase::kStopped || now < deadline_) return;
  switch (phase_) {
    case Phase::kAwaitingHello:
      return fail(now, deadline_exceeded(
                           fmt::format("the card process did not open the card within {:.1f} s",
                                       seconds(options_.hello_timeout))));
    case Phase::kDying:
      stuck_process_ = true;
      return give_up(now,
                     fmt::format("the card process is still there {:.1f} s after it was killed",
                                 seconds(options_.kill_timeout)));
    case Phase::kRebooting:
      orders_.push_back(Order::kKillReboot);
      return on_reboot_end(now, deadline_exceeded(fmt::format("no end after {:.1f} s",
                                                              seconds(options_.reboot_timeout))));
    case Phase::kGivenUp:
      deadline_ = now + options_.lost_retry;
      if (stuck_process_) return orders_.push_back(Order::kKillProcess);
      failures_ = 0;
      rebooted_ = false;
      return start_process(now);
    default:
      return start_process(now);
  }
}

void Supervisor::stop() {
  phase_ = Phase::kStopped;
  orders_.clear();
}

std::optional<Supervisor::Time> Supervisor::next_deadline() const {
  switch (phase_) {
    case Phase::kIdle:
    case Phase::kStopped:
      return std::nullopt;
    case Phase::kLoading:
    case Phase::kRunning:
      return last_heartbeat_ + options_.heartbeat_timeout + milliseconds(1);
    default:
      return deadline_;
  }
}

CardState Supervisor::state() const {
  if (phase_ == Phase::kStopped) return CardState::kStopped;
  if (lost_) return CardState::kLost;
  if (recovering_) return CardState::kRecovering;
  if (phase_ == Phase::kLoading) return CardState::kLoading;
  if (phase_ != Phase::kRunning) return CardState::kStarting;
  return hot_ ? CardState::kHot : CardState::kReady;
}

std::string Supervisor::reason() const {
  switch (state()) {
    case CardState::kStarting:
      return "the card process is being started and opens the card";
    case CardState::kLoading:
      return "models are being put on the card";
    case CardState::kReady:
      return "";
    case CardState::kHot:
      return fmt::format("the card is at {:.1f} C ({}): give it air; work {} {:.0f} C", celsius_,
                         paused_ ? "work pauses" : "work goes on",
                         paused_ ? "goes on below" : "pauses from",
                         paused_ ? options_.warn_celsius : options_.pause_celsius);
    case CardState::kRecovering:
      return fmt::format("{}: {}",
                         phase_ == Phase::kRebooting ? "the card is being rebooted"
                                                     : "the card process is being restarted",
                         last_failure_.message());
    case CardState::kLost:
      return lost_reason_;
    case CardState::kStopped:
      return "the server is stopping";
  }
  return "";
}

std::optional<Supervisor::Time> Supervisor::next_try() const {
  if (phase_ != Phase::kGivenUp) return std::nullopt;
  return deadline_;
}

}  // namespace axle::fleet
