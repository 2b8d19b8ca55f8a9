#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "base/result.h"
#include "jobs/sampling.h"

namespace axle::diffusion {

// Numbers of a latent for each of its points.
inline constexpr std::size_t kLatentChannels = 4;
// Pixels on a side of one point of a latent.
inline constexpr std::size_t kPixelsPerPoint = 8;
// What the U-Net's latents are multiples of the VAE's by.
// Source: Rombach et al. 2022, stable-diffusion v1 configuration, scale_factor.
inline constexpr float kLatentScale = 0.18215f;

// A size of a picture model.
struct PictureShape {
  std::size_t width = 0;  // Pixels; multiples of kPixelsPerPoint.
  std::size_t height = 0;
  bool can_encode = false;  // Is there a VAE encoder, so that a picture can be started from?

  std::size_t points() const { return width / kPixelsPerPoint * (height / kPixelsPerPoint); }
  std::size_t latents() const { return kLatentChannels * points(); }
  std::size_t pixels() const { return width * height; }
};

// How a latent looks without a VAE: red, green and blue of a point from its four numbers, then what
// is added to each.
struct PreviewFactors {
  std::array<std::array<float, 3>, kLatentChannels> of_channel{};
  std::array<float, 3> offset{};
};
// Those of SD 1.x. Source: AUTOMATIC1111/stable-diffusion-webui, modules/sd_vae_approx.py,
// cheap_approximation.
PreviewFactors sd1_preview_factors();

// The engines of one size of a picture model; every function below one run of one of them. Latents
// and pictures are [channel][row][column], pictures RGB from -1 to 1.
//
// Errors of the functions: those of the card.
// Threading: one thread at a time.
class PictureEngines {
 public:
  virtual ~PictureEngines() = default;

  virtual const PictureShape& shape() const = 0;
  virtual const PreviewFactors& preview_factors() const = 0;
  // Timesteps that predict() knows, falling.
  virtual std::span<const std::int32_t> timesteps() const = 0;
  // Tokens of a prompt.
  virtual std::size_t text_length() const = 0;

  // Prompts that were encoded lately are kept; those that are not known must be encoded before
  // predict(), which may make others unknown.
  virtual bool knows_text(std::span<const jobs::TokenId> prompt) const = 0;
  virtual Status encode_text(std::span<const jobs::TokenId> prompt) = 0;

  // The noise in `latents` (shape().latents() numbers) as the U-Net sees it. REQUIRES: a timestep
  // and a prompt that are known.
  virtual Status predict(std::span<const float> latents, std::int32_t timestep,
                         std::span<const jobs::TokenId> prompt, std::span<float> noise) = 0;

  // `latents` as the VAE has them (divided by kLatentScale); gives 3 * shape().pixels() numbers.
  virtual Status decode(std::span<const float> latents, std::span<float> picture) = 0;
  // Gives means, then logarithms of variances: 2 * shape().latents() numbers. REQUIRES:
  // shape().can_encode.
  virtual Status encode(std::span<const float> picture, std::span<float> moments) = 0;
};

}  // namespace axle::diffusion
