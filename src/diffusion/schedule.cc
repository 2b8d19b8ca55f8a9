#include "diffusion/schedule.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

namespace axle::diffusion {
namespace {

constexpr double kFirstBeta = 0.00085;
constexpr double kLastBeta = 0.012;
// Constants of the consistency model's boundary condition: how much of a step's input its output
// keeps. Source: diffusers, scheduling_lcm.py (sigma_data, timestep_scaling).
constexpr double kSigmaData = 0.5;
constexpr double kTimestepScaling = 10.0;

std::array<double, kTimesteps> make_alpha_bars() {
  std::array<double, kTimesteps> alphas{};
  const double first = std::sqrt(kFirstBeta);
  const double last = std::sqrt(kLastBeta);
  double product = 1.0;
  for (std::size_t i = 0; i < alphas.size(); ++i) {
    const double root = first + (last - first) * static_cast<double>(i) / (kTimesteps - 1);
    product *= 1.0 - root * root;
    alphas[i] = product;
  }
  return alphas;
}

}  // namespace

double alpha_bar(std::int32_t timestep) {
  static const std::array<double, kTimesteps> alphas = make_alpha_bars();
  return alphas.at(static_cast<std::size_t>(timestep));
}

std::vector<std::int32_t> kept_timesteps(std::int32_t steps, double strength) {
  const std::vector<std::int32_t> all = lcm_timesteps(steps);
  const auto kept = static_cast<std::int32_t>(steps * std::clamp(strength, 0.0, 1.0));
  return {all.end() - std::max(kept, 1), all.end()};
}

std::vector<std::int32_t> step_counts(std::span<const std::int32_t> known) {
  std::vector<std::int32_t> counts;
  for (std::int32_t steps = 1; steps <= kDistilledSteps; ++steps) {
    const auto is_known = [known](std::int32_t timestep) {
      return std::ranges::find(known, timestep) != known.end();
    };
    if (std::ranges::all_of(lcm_timesteps(steps), is_known)) counts.push_back(steps);
  }
  return counts;
}

StepFactors step_factors(std::int32_t timestep, std::int32_t next) {
  const double alpha = alpha_bar(timestep);
  const double scaled = timestep * kTimestepScaling;
  const double power = scaled * scaled + kSigmaData * kSigmaData;
  const double skip = kSigmaData * kSigmaData / power;
  const double out = scaled / std::sqrt(power);
  StepFactors factors;
  factors.from_sample = static_cast<float>(out / std::sqrt(alpha) + skip);
  factors.from_noise = static_cast<float>(-out * std::sqrt(1.0 - alpha) / std::sqrt(alpha));
  if (next < 0) return factors;
  const NoisyFactors noisy = noisy_factors(next);
  factors.keep = noisy.clean;
  factors.fresh = noisy.noisy;
  return factors;
}

NoisyFactors noisy_factors(std::int32_t timestep) {
  const double alpha = alpha_bar(timestep);
  return {static_cast<float>(std::sqrt(alpha)), static_cast<float>(std::sqrt(1.0 - alpha))};
}

Status check_timesteps(std::span<const std::int32_t> timesteps) {
  if (timesteps.empty()) return invalid_argument("timesteps: wanted at least one, found none");
  std::int32_t last = kTimesteps;
  for (const std::int32_t timestep : timesteps) {
    if (timestep < 0 || timestep >= last)
      return invalid_argument(fmt::format("timesteps: wanted them to fall within 0 to {}, found {}",
                                          kTimesteps - 1, timestep));
    last = timestep;
  }
  return {};
}

}  // namespace axle::diffusion
