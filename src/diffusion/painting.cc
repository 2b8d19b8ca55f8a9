#include "diffusion/painting.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "base/check.h"
#include "diffusion/pixels.h"
#include "diffusion/schedule.h"

namespace axle::diffusion {
namespace {

constexpr std::size_t kKeptPictures = 8;  // About 0.9 MB each at 512x512.
// Logarithms of variances outside are broken. Source: diffusers, DiagonalGaussianDistribution.
constexpr float kLowestLogVariance = -30.0f;
constexpr float kHighestLogVariance = 20.0f;

Status wanted(std::string_view field, std::size_t size, std::size_t found) {
  return invalid_argument(fmt::format("{}: wanted {} values, found {}", field, size, found));
}

Status check_share(std::string_view field, double value, double lowest, double highest) {
  if (value >= lowest && value <= highest) return {};
  return invalid_argument(
      fmt::format("{}: wanted {} to {}, found {}", field, lowest, highest, value));
}

Status check_finite(std::string_view engine, std::span<const float> values) {
  const auto finite = [](float value) { return std::isfinite(value); };
  if (std::ranges::all_of(values, finite)) return {};
  return unavailable(fmt::format("the {} gave numbers that are not finite", engine));
}

Status check_sizes(const jobs::PictureJob& job, const PictureEngines& engines) {
  const PictureShape& shape = engines.shape();
  if (job.prompt.size() != engines.text_length())
    return wanted("prompt", engines.text_length(), job.prompt.size());
  if (!job.negative.empty() && job.negative.size() != engines.text_length())
    return wanted("negative", engines.text_length(), job.negative.size());
  if (!job.image.empty() && job.image.size() != 3 * shape.pixels())
    return wanted("image", 3 * shape.pixels(), job.image.size());
  if (!job.mask.empty() && job.mask.size() != shape.pixels())
    return wanted("mask", shape.pixels(), job.mask.size());
  const bool resumes = job.steps_done > 0;
  if (job.latents.size() != (resumes ? shape.latents() : 0))
    return wanted("latents", resumes ? shape.latents() : 0, job.latents.size());
  return {};
}

}  // namespace

// ---- Encoded pictures.

const std::vector<float>* EncodedPictures::find(std::span<const std::uint8_t> rgb) {
  const auto found = std::ranges::find_if(
      entries_, [rgb](const Entry& entry) { return std::ranges::equal(entry.rgb, rgb); });
  if (found == entries_.end()) return nullptr;
  std::rotate(entries_.begin(), found, found + 1);
  return &entries_.front().moments;
}

void EncodedPictures::keep(std::vector<std::uint8_t> rgb, std::vector<float> moments) {
  entries_.push_front({std::move(rgb), std::move(moments)});
  if (entries_.size() > kKeptPictures) entries_.pop_back();
}

// ---- One picture.

Status check_picture(const jobs::PictureJob& job, const PictureEngines& engines) {
  AXLE_TRY(check_sizes(job, engines));
  AXLE_TRY(check_timesteps(job.timesteps));
  for (const std::int32_t timestep : job.timesteps) {
    if (std::ranges::find(engines.timesteps(), timestep) == engines.timesteps().end())
      return invalid_argument(fmt::format("timesteps: the model has no time row for {}", timestep));
  }
  AXLE_TRY(check_share("variation", job.variation, 0.0, 1.0));
  AXLE_TRY(check_share("guidance", job.guidance, 0.0, 100.0));
  const auto steps = static_cast<std::int32_t>(job.timesteps.size());
  if (job.steps_done < 0 || job.steps_done > steps)
    return invalid_argument(
        fmt::format("steps_done: wanted 0 to {}, found {}", steps, job.steps_done));
  if (job.image.empty() && !job.mask.empty())
    return invalid_argument("mask: wanted a picture to paint over as well, found none");
  if (!job.image.empty() && !engines.shape().can_encode)
    return unsupported(fmt::format("{} at {}x{} has no VAE encoder: it cannot start from a picture",
                                   job.model, job.width, job.height));
  return {};
}

Painting::Painting(jobs::PictureJob job, PictureEngines& engines, EncodedPictures& encoded)
    : job_(std::move(job)),
      engines_(engines),
      encoded_(encoded),
      random_(job_.seed),
      steps_done_(static_cast<std::size_t>(job_.steps_done)) {
  if (!job_.mask.empty()) mask_ = latent_mask(engines_.shape(), job_.mask);
  draw_first();
  // What the steps of earlier runs drew.
  std::vector<float> drawn(engines_.shape().latents());
  for (std::size_t i = 0; i < std::min(steps_done_, steps_total() - 1); ++i) draw(drawn);
  if (steps_done_ > 0) {
    latents_ = job_.latents;
    if (steps_done_ == steps_total()) picture_ = latents_;
  } else if (!starts_from_picture()) {
    latents_ = first_noise_;
  }
}

void Painting::draw(std::span<float> values) {
  const bool half = starts_from_picture() && job_.noise == jobs::NoiseOrder::kVendor;
  half ? random_.normal_half(values) : random_.normal(values);
}

void Painting::draw_first() {
  const std::size_t size = engines_.shape().latents();
  first_noise_.resize(size);
  if (starts_from_picture()) {
    encoder_noise_.resize(size);
    TorchRandom of_service(0);
    (job_.noise == jobs::NoiseOrder::kService ? of_service : random_).normal(encoder_noise_);
  }
  draw(first_noise_);
  if (job_.variation == 0.0) return;
  std::vector<float> other(size);
  TorchRandom variation(job_.variation_seed);
  variation.normal(other);
  first_noise_ = slerp(first_noise_, other, job_.variation);
}

bool Painting::wants_encoding() const {
  return starts_from_picture() && clean_.empty() && (steps_done_ == 0 || !mask_.empty());
}

bool Painting::steps_are_over() const {
  return steps_done_ == steps_total() || (interrupted_ && !picture_.empty());
}

Unit Painting::next() const {
  if (decoded_) return Unit::kNone;
  if (steps_are_over()) return Unit::kDecode;
  if (wants_encoding()) return Unit::kEncode;
  const auto& prompt = conditional_.empty() ? job_.prompt : job_.negative;
  return engines_.knows_text(prompt) ? Unit::kStep : Unit::kText;
}

Status Painting::run() {
  const Unit unit = next();
  AXLE_CHECK(unit != Unit::kNone);
  if (unit == Unit::kText) return run_text();
  if (unit == Unit::kEncode) return run_encode();
  return unit == Unit::kStep ? run_step() : run_decode();
}

Status Painting::run_text() {
  return engines_.encode_text(conditional_.empty() ? job_.prompt : job_.negative);
}

Status Painting::run_encode() {
  if (const std::vector<float>* known = encoded_.find(job_.image)) {
    start_from(*known);
    return {};
  }
  std::vector<float> moments(2 * engines_.shape().latents());
  AXLE_TRY(engines_.encode(to_planes(engines_.shape(), job_.image), moments));
  AXLE_TRY(check_finite("VAE encoder", moments));
  start_from(moments);
  encoded_.keep(job_.image, std::move(moments));
  return {};
}

void Painting::start_from(std::span<const float> moments) {
  const std::size_t size = engines_.shape().latents();
  clean_.resize(size);
  for (std::size_t i = 0; i < size; ++i) {
    const float log_variance =
        std::clamp(moments[size + i], kLowestLogVariance, kHighestLogVariance);
    clean_[i] = (moments[i] + std::exp(0.5f * log_variance) * encoder_noise_[i]) * kLatentScale;
  }
  if (steps_done_ > 0) return;
  const NoisyFactors factors = noisy_factors(job_.timesteps.front());
  latents_.resize(size);
  for (std::size_t i = 0; i < size; ++i) {
    latents_[i] = factors.clean * clean_[i] + factors.noisy * first_noise_[i];
  }
}

Status Painting::predict(std::span<const jobs::TokenId> prompt, std::vector<float>& noise) {
  noise.resize(latents_.size());
  AXLE_TRY(engines_.predict(latents_, job_.timesteps[steps_done_], prompt, noise));
  return check_finite("U-Net", noise);
}

Status Painting::run_step() {
  std::vector<float> noise;
  if (!guided()) {
    AXLE_TRY(predict(job_.prompt, noise));
  } else if (conditional_.empty()) {
    AXLE_TRY(predict(job_.prompt, noise));
    conditional_ = std::move(noise);
    return {};
  } else {
    AXLE_TRY(predict(job_.negative, noise));
    const auto guidance = static_cast<float>(job_.guidance);
    for (std::size_t i = 0; i < noise.size(); ++i) {
      noise[i] += guidance * (conditional_[i] - noise[i]);
    }
    conditional_.clear();
  }
  finish_step(noise);
  return {};
}

void Painting::finish_step(std::span<const float> noise) {
  const bool last = steps_done_ + 1 == steps_total();
  const StepFactors step =
      step_factors(job_.timesteps[steps_done_], last ? -1 : job_.timesteps[steps_done_ + 1]);
  const std::size_t points = engines_.shape().points();
  picture_.resize(noise.size());
  for (std::size_t i = 0; i < noise.size(); ++i) {
    const float painted = step.from_sample * latents_[i] + step.from_noise * noise[i];
    const bool anew = mask_.empty() || mask_[i % points] != 0.0f;
    picture_[i] = anew ? painted : clean_[i];
  }
  ++steps_done_;
  if (last) {
    latents_ = picture_;
    return;
  }
  std::vector<float> fresh(noise.size());
  draw(fresh);
  for (std::size_t i = 0; i < fresh.size(); ++i) {
    latents_[i] = step.keep * picture_[i] + step.fresh * fresh[i];
  }
}

Status Painting::run_decode() {
  const PictureShape& shape = engines_.shape();
  std::vector<float> latents(picture_.size());
  std::ranges::transform(picture_, latents.begin(),
                         [](float value) { return value / kLatentScale; });
  std::vector<float> planes(3 * shape.pixels());
  AXLE_TRY(engines_.decode(latents, planes));
  AXLE_TRY(check_finite("VAE decoder", planes));
  pixels_ = to_pixels(shape, planes);
  decoded_ = true;
  return {};
}

}  // namespace axle::diffusion
