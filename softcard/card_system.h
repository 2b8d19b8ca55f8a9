#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "softcard/machine.h"
#include "softcard/profile.h"

// The card's own Linux, as far as programs ask for it: readings, and the shell commands whose
// answers axcl-smi and other programs parse. Everything comes from the state of the machine.
namespace axle::softcard {

struct CardReadings {
  std::int32_t temperature_millidegrees = 0;
  std::uint64_t system_total_kb = 0;
  std::uint64_t system_free_kb = 0;
  std::uint64_t cmm_total_kb = 0;
  std::uint64_t cmm_used_kb = 0;
  std::uint32_t cpu_permyriad = 0;  // Hundredths of a percent; of the host, which does the work.
  std::uint32_t npu_permyriad = 0;
};
CardReadings read_card(const CardProfile& card, Machine& machine);

// What the command prints on the card. Understood are `cat` of the files named in docs/softcard.md,
// `top -bn1`, `echo KHZ > .../scaling_setspeed`, `uname`, pipes into `grep`, and `|| true`. Other
// commands are answered as by a shell that does not have them.
std::string run_shell(const CardProfile& card, Machine& machine, std::string_view command);

// The text of /proc/ax_proc/version.
std::string card_version_text();

}  // namespace axle::softcard
