#include <cstddef>
#include <cstdint>
#include <string_view>

#include "softcard/host_config.h"
#include "softcard/profile.h"

// Profiles and axcl.json come from files: whatever they hold, the answer is a value or a Status.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const axle::Result<axle::softcard::Profile> profile = axle::softcard::parse_profile(text);
  if (profile.ok() && profile->cards.size() > 8) __builtin_trap();
  const axle::Result<axle::softcard::HostConfig> config = axle::softcard::parse_host_config(text);
  if (config.ok() && (config->log_level < 0 || config->log_level > 6)) __builtin_trap();
  return 0;
}
