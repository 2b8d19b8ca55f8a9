#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/result.h"
#include "package/lcm_schedule.h"

// The noise schedule of Stable Diffusion 1.x and the steps of a latent consistency model (LCM) on
// it. Timesteps count from 0 (a clean picture) to 999 (noise).
// Source: Ho et al. 2020 (DDPM); Luo et al. 2023 (LCM); diffusers, scheduling_lcm.py.
namespace axle::diffusion {

using package::kDistilledSteps;
using package::kTimesteps;
using package::lcm_timesteps;

// Share of the picture's power in a latent at `timestep`: the product of 1 - beta, the square roots
// of beta rising evenly from sqrt(0.00085) to sqrt(0.012).
// REQUIRES: 0 <= timestep < kTimesteps.
double alpha_bar(std::int32_t timestep);

// Those of lcm_timesteps(steps) that are left when a run starts from a picture, of which `strength`
// (0 to 1) is to be painted anew: the last floor(steps * strength), at least one. Source:
// diffusers, pipeline_latent_consistency_img2img.py, get_timesteps.
std::vector<std::int32_t> kept_timesteps(std::int32_t steps, double strength);

// The numbers of steps of which a model that knows the timesteps `known` can run every timestep,
// rising.
std::vector<std::int32_t> step_counts(std::span<const std::int32_t> known);

// One step from `timestep`, as factors of what goes in:
//   picture = from_sample * sample + from_noise * predicted noise
//   next    = keep * picture + fresh * new noise
struct StepFactors {
  float from_sample = 0.0f;
  float from_noise = 0.0f;
  float keep = 1.0f;  // 1 and 0 after the last step.
  float fresh = 0.0f;
};
// `next`: the timestep after it, or -1 after the last.
StepFactors step_factors(std::int32_t timestep, std::int32_t next);

// What a clean latent becomes at `timestep`: clean * picture + noisy * noise.
struct NoisyFactors {
  float clean = 0.0f;
  float noisy = 0.0f;
};
NoisyFactors noisy_factors(std::int32_t timestep);

// Errors: kInvalidArgument  empty, not falling, or outside [0, kTimesteps).
Status check_timesteps(std::span<const std::int32_t> timesteps);

}  // namespace axle::diffusion
