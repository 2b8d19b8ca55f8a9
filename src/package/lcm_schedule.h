#pragma once

#include <cstdint>
#include <vector>

// The timesteps at which a latent consistency model (LCM) of Stable Diffusion 1.x runs, counted
// from 0 (a clean picture) to 999 (noise). Source: Luo et al. 2023; diffusers,
// LCMScheduler.set_timesteps with 50 original steps.
namespace axle::package {

inline constexpr std::int32_t kTimesteps = 1000;
// LCM was distilled on every twentieth timestep.
inline constexpr std::int32_t kDistilledSteps = 50;

// The timesteps of a run of `steps` steps, falling: step i is at 999 - 20 floor(50 i / steps).
// REQUIRES: 1 <= steps <= kDistilledSteps.
std::vector<std::int32_t> lcm_timesteps(std::int32_t steps);

// Those of all runs of 1 to `most_steps` steps, falling.
std::vector<std::int32_t> all_lcm_timesteps(std::int32_t most_steps);

}  // namespace axle::package
