#include "diffusion/pixels.h"

#include <algorithm>
#include <cmath>

#include "base/check.h"

namespace axle::diffusion {
namespace {

constexpr std::size_t kColours = 3;

std::uint8_t to_byte(float value) {
  const float share = std::clamp(value / 2.0f + 0.5f, 0.0f, 1.0f);
  return static_cast<std::uint8_t>(std::nearbyint(share * 255.0f));
}

}  // namespace

PreviewFactors sd1_preview_factors() {
  return {.of_channel = {{{0.298f, 0.207f, 0.208f},
                          {0.187f, 0.286f, 0.173f},
                          {-0.158f, 0.189f, 0.264f},
                          {-0.184f, -0.271f, -0.473f}}},
          .offset = {}};
}

std::vector<float> to_planes(const PictureShape& shape, std::span<const std::uint8_t> rgb) {
  AXLE_CHECK(rgb.size() == kColours * shape.pixels());
  std::vector<float> planes(rgb.size());
  for (std::size_t pixel = 0; pixel < shape.pixels(); ++pixel) {
    for (std::size_t colour = 0; colour < kColours; ++colour) {
      const auto byte = static_cast<float>(rgb[pixel * kColours + colour]);
      planes[colour * shape.pixels() + pixel] = 2.0f * (byte / 255.0f) - 1.0f;
    }
  }
  return planes;
}

std::vector<std::uint8_t> to_pixels(const PictureShape& shape, std::span<const float> planes) {
  AXLE_CHECK(planes.size() == kColours * shape.pixels());
  std::vector<std::uint8_t> rgb(planes.size());
  for (std::size_t pixel = 0; pixel < shape.pixels(); ++pixel) {
    for (std::size_t colour = 0; colour < kColours; ++colour) {
      rgb[pixel * kColours + colour] = to_byte(planes[colour * shape.pixels() + pixel]);
    }
  }
  return rgb;
}

std::vector<std::uint8_t> preview(const PictureShape& shape, const PreviewFactors& factors,
                                  std::span<const float> latents) {
  AXLE_CHECK(latents.size() == shape.latents());
  std::vector<std::uint8_t> rgb;
  rgb.reserve(kColours * shape.points());
  for (std::size_t point = 0; point < shape.points(); ++point) {
    for (std::size_t colour = 0; colour < kColours; ++colour) {
      float value = factors.offset[colour];
      for (std::size_t channel = 0; channel < kLatentChannels; ++channel) {
        value += factors.of_channel[channel][colour] * latents[channel * shape.points() + point];
      }
      rgb.push_back(to_byte(value));
    }
  }
  return rgb;
}

std::vector<float> latent_mask(const PictureShape& shape, std::span<const std::uint8_t> mask) {
  AXLE_CHECK(mask.size() == shape.pixels());
  const std::size_t columns = shape.width / kPixelsPerPoint;
  std::vector<std::size_t> sums(shape.points(), 0);
  for (std::size_t pixel = 0; pixel < mask.size(); ++pixel) {
    const std::size_t row = pixel / shape.width / kPixelsPerPoint;
    const std::size_t column = pixel % shape.width / kPixelsPerPoint;
    sums[row * columns + column] += mask[pixel];
  }
  std::vector<float> latent(shape.points());
  std::ranges::transform(sums, latent.begin(), [](std::size_t sum) {
    return sum >= std::size_t{128} * kPixelsPerPoint * kPixelsPerPoint ? 1.0f : 0.0f;
  });
  return latent;
}

}  // namespace axle::diffusion
