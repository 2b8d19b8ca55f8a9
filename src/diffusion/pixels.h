#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "diffusion/engines.h"

// Between pixels (RGB bytes, row by row) and what a VAE takes and gives ([channel][row][column], -1
// to 1), and small helpers on latents.
namespace axle::diffusion {

// byte * 2 / 255 - 1. REQUIRES: rgb.size() == 3 * shape.pixels().
std::vector<float> to_planes(const PictureShape& shape, std::span<const std::uint8_t> rgb);

// The nearest byte (halves to even) of (value / 2 + 0.5) * 255, values outside cut off.
// Source: AXERA-TECH/sd1.5-lcm.axera, launcher.py. REQUIRES: planes.size() == 3 * shape.pixels().
std::vector<std::uint8_t> to_pixels(const PictureShape& shape, std::span<const float> planes);

// One pixel for each point: RGB.
std::vector<std::uint8_t> preview(const PictureShape& shape, const PreviewFactors& factors,
                                  std::span<const float> latents);

// For each point 1 where most of its pixels are to be painted anew (grey 128 and more in the
// mean), else 0. Source: AUTOMATIC1111/stable-diffusion-webui, processing.py (latent mask,
// rounded).
std::vector<float> latent_mask(const PictureShape& shape, std::span<const std::uint8_t> mask);

}  // namespace axle::diffusion
