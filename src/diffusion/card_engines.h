#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "card/card.h"
#include "card/device_buffer.h"
#include "card/engine.h"
#include "diffusion/engines.h"
#include "package/picture_package.h"

namespace axle::diffusion {

// The engines of a package on a card, by their file: sizes may share one.
using LoadedEngines = std::map<std::filesystem::path, card::Engine>;

// One size of a picture package on a card. All memory is taken when it is made; the output of the
// text encoder stays on the card and is the U-Net's input as it lies there.
//
// Threading: one thread at a time.
// Lifetime: the card and the loaded engines outlive it.
class CardEngines final : public PictureEngines {
 public:
  // Errors: kCorrupt  a loaded engine has other tensors than the package told. kExhausted,
  // kCardLost, kUnavailable  buffers and bindings.
  static Result<std::unique_ptr<CardEngines>> create(card::Card& card, LoadedEngines& engines,
                                                     const package::PicturePackageInfo& package,
                                                     const package::PictureVariant& variant);

  // Card memory of the buffers of such a size.
  static std::uint64_t buffer_bytes(const package::PicturePackageInfo& package,
                                    const package::PictureVariant& variant);

  const PictureShape& shape() const override { return shape_; }
  const PreviewFactors& preview_factors() const override { return preview_factors_; }
  std::span<const std::int32_t> timesteps() const override { return timesteps_; }
  std::size_t text_length() const override { return text_length_; }

  bool knows_text(std::span<const jobs::TokenId> prompt) const override;
  Status encode_text(std::span<const jobs::TokenId> prompt) override;
  Status predict(std::span<const float> latents, std::int32_t timestep,
                 std::span<const jobs::TokenId> prompt, std::span<float> noise) override;
  Status decode(std::span<const float> latents, std::span<float> picture) override;
  Status encode(std::span<const float> picture, std::span<float> moments) override;

 private:
  // An engine of one input and one output, with memory for both.
  struct Part {
    card::Engine* engine = nullptr;
    std::optional<card::Binding> binding;  // None where the engine is not there.
    card::DeviceBuffer input;
    card::DeviceBuffer output;
  };
  struct Text {
    std::vector<jobs::TokenId> prompt;  // Empty: nothing yet.
    card::DeviceBuffer encoded;         // [1, L, D] f32
    std::uint64_t used = 0;             // When it was last of use.
  };

  CardEngines(card::Card& card, const package::PicturePackageInfo& package,
              const package::PictureVariant& variant);
  Status make_texts(LoadedEngines& engines, const package::PicturePackageInfo& package,
                    const package::PictureVariant& variant);
  Status make_unet(LoadedEngines& engines, const package::PicturePackageInfo& package,
                   const package::PictureVariant& variant);
  Result<Part> make_part(card::Engine& engine, std::size_t input_bytes, std::size_t output_bytes);
  Status run(Part& part, std::span<const float> input, std::span<float> output);

  card::Card& card_;
  PictureShape shape_;
  PreviewFactors preview_factors_;
  std::vector<std::int32_t> timesteps_;  // Falling; as the rows lie in time_rows_.
  std::size_t text_length_;
  Part text_encoder_;  // Its output is that of a text.
  Part unet_;          // Input: latents.
  Part decoder_;
  Part encoder_;
  std::size_t unet_time_row_ = 0;  // Numbers of the U-Net's inputs.
  std::size_t unet_text_ = 0;
  card::DeviceBuffer time_rows_;
  std::vector<Text> texts_;
  std::uint64_t clock_ = 0;
};

}  // namespace axle::diffusion
