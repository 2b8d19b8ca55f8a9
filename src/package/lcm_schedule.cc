#include "package/lcm_schedule.h"

#include <functional>
#include <set>

#include "base/check.h"

namespace axle::package {

std::vector<std::int32_t> lcm_timesteps(std::int32_t steps) {
  AXLE_CHECK(steps >= 1 && steps <= kDistilledSteps);
  constexpr std::int32_t kStride = kTimesteps / kDistilledSteps;
  std::vector<std::int32_t> timesteps;
  for (std::int32_t i = 0; i < steps; ++i) {
    timesteps.push_back(kTimesteps - 1 - kStride * (i * kDistilledSteps / steps));
  }
  return timesteps;
}

std::vector<std::int32_t> all_lcm_timesteps(std::int32_t most_steps) {
  std::set<std::int32_t, std::greater<>> all;
  for (std::int32_t steps = 1; steps <= most_steps; ++steps) {
    const std::vector<std::int32_t> timesteps = lcm_timesteps(steps);
    all.insert(timesteps.begin(), timesteps.end());
  }
  return {all.begin(), all.end()};
}

}  // namespace axle::package
