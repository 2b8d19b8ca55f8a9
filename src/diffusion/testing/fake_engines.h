#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "diffusion/engines.h"

namespace axle::diffusion::testing {

// Engines of 16x16 pixels without weights: the noise in a latent is 0.5 * latent + timestep / 1000
// + the prompt's first token / 10; a decoder paints all of the first latent's value; an encoder
// gives means of 0.1 * i and logarithms of variances of 0.1 * i - 2.
class FakeEngines final : public PictureEngines {
 public:
  static constexpr std::size_t kTextLength = 2;

  const PictureShape& shape() const override { return shape_; }
  const PreviewFactors& preview_factors() const override { return factors_; }
  std::span<const std::int32_t> timesteps() const override { return timesteps_; }
  std::size_t text_length() const override { return kTextLength; }

  bool knows_text(std::span<const jobs::TokenId> prompt) const override {
    return known_.contains({prompt.begin(), prompt.end()});
  }
  Status encode_text(std::span<const jobs::TokenId> prompt) override {
    log += 't';
    known_.emplace(prompt.begin(), prompt.end());
    return error;
  }
  Status predict(std::span<const float> latents, std::int32_t timestep,
                 std::span<const jobs::TokenId> prompt, std::span<float> noise) override {
    log += 'u';
    const float shift =
        static_cast<float>(timestep) / 1000.0f + static_cast<float>(prompt[0]) / 10.0f;
    for (std::size_t i = 0; i < noise.size(); ++i) noise[i] = 0.5f * latents[i] + shift;
    if (broken == 'u') noise.back() = std::numeric_limits<float>::quiet_NaN();
    return error;
  }
  Status decode(std::span<const float> latents, std::span<float> picture) override {
    log += 'd';
    decoded.assign(latents.begin(), latents.end());
    std::ranges::fill(picture, broken == 'd' ? std::numeric_limits<float>::infinity() : latents[0]);
    return error;
  }
  Status encode(std::span<const float> picture, std::span<float> moments) override {
    log += 'e';
    encoded.assign(picture.begin(), picture.end());
    const std::size_t size = moments.size() / 2;
    for (std::size_t i = 0; i < size; ++i) {
      moments[i] = 0.1f * static_cast<float>(i);
      moments[size + i] = 0.1f * static_cast<float>(i) - 2.0f;
    }
    if (broken == 'e') moments[0] = std::numeric_limits<float>::quiet_NaN();
    return error;
  }

  void forget_texts() { known_.clear(); }
  void without_encoder() { shape_.can_encode = false; }

  std::string log;  // A letter for each run: text, encode, u-net, decode.
  std::vector<float> decoded;
  std::vector<float> encoded;
  Status error;
  char broken = ' ';  // The letter of the engine whose result is not finite.

 private:
  PictureShape shape_{.width = 16, .height = 16, .can_encode = true};
  PreviewFactors factors_ = sd1_preview_factors();
  std::vector<std::int32_t> timesteps_ = {999, 759, 499, 259};
  std::set<std::vector<jobs::TokenId>> known_;
};

}  // namespace axle::diffusion::testing
