#pragma once

#include <chrono>
#include <cstdint>

namespace axle::fleet {

// When the supervisor loses patience. SetDevice on a sick card takes 50 s to fail.
// Source: AXCL runtime V3.10.2 (observed time-outs); card thermal limits of the AX650N.
struct SupervisorOptions {
  std::chrono::milliseconds hello_timeout{90'000};
  std::chrono::milliseconds heartbeat_timeout{10'000};
  std::chrono::milliseconds call_deadline{30'000};   // Of one card call while models run.
  std::chrono::milliseconds load_deadline{180'000};  // Of one card call while a model loads.
  // Of one call of the software card, which on a small processor computes for minutes.
  std::chrono::milliseconds software_call_deadline{600'000};
  std::chrono::milliseconds kill_timeout{10'000};  // A killed process must be gone by then.
  std::chrono::milliseconds reboot_timeout{120'000};
  std::chrono::milliseconds restart_delay_min{100};  // After the second failure in a row; doubles.
  std::chrono::milliseconds restart_delay_max{10'000};
  std::chrono::milliseconds stable_after{2'000};  // So long ready without work: a good start, too.
  std::chrono::milliseconds lost_retry{180'000};
  std::int32_t failures_before_reboot = 3;  // In a row, none of which did any work.
  std::int32_t failures_after_reboot = 2;
  double warn_celsius = 75.0;   // kHot from here; work that was paused goes on below it.
  double pause_celsius = 80.0;  // No work from here.
};

}  // namespace axle::fleet
