#include "diffusion/card_engines.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/check.h"

namespace axle::diffusion {
namespace {

// Prompts kept encoded: a picture has at most two, and those of a few clients come again.
constexpr std::size_t kTexts = 8;
// Rows of time lie in pages of their own. Source: AXCL runtime V3.10.2, axcl_rt_memory.h.
constexpr std::size_t kPage = 4096;

std::size_t in_pages(std::size_t bytes) { return (bytes + kPage - 1) / kPage * kPage; }

std::size_t time_stride(const package::PicturePackageInfo& package) {
  return in_pages(package.time_width * sizeof(float));
}

std::size_t text_bytes(const package::PicturePackageInfo& package) {
  return package.text_length * package.text_width * sizeof(float);
}

PictureShape shape_of(const package::PictureVariant& variant) {
  return {.width = variant.width,
          .height = variant.height,
          .can_encode = variant.vae_encoder.has_value()};
}

Status wrong(const card::Engine& engine, std::string_view tensor, std::size_t wanted,
             std::size_t found) {
  return corrupt(fmt::format("{}: {}: the package says {} bytes, the loaded engine {}",
                             engine.path().string(), tensor, wanted, found));
}

Status check_bytes(const card::Engine& engine, const card::TensorInfo& tensor, std::size_t wanted) {
  if (tensor.size_bytes == wanted) return {};
  return wrong(engine, tensor.name, wanted, tensor.size_bytes);
}

Result<std::size_t> find_input(const card::Engine& engine, const std::string& name,
                               std::size_t bytes) {
  const card::GroupInfo& group = engine.group(0);
  const auto index = group.find_input(name);
  if (!index)
    return corrupt(fmt::format("{}: wanted an input {}, the loaded engine has none",
                               engine.path().string(), name));
  AXLE_TRY(check_bytes(engine, group.inputs[*index], bytes));
  return *index;
}

PreviewFactors factors_of(const package::PreviewRows& rows) {
  PreviewFactors factors;
  std::copy_n(rows.begin(), kLatentChannels, factors.of_channel.begin());
  factors.offset = rows[kLatentChannels];
  return factors;
}

}  // namespace

CardEngines::CardEngines(card::Card& card, const package::PicturePackageInfo& package,
                         const package::PictureVariant& variant)
    : card_(card),
      shape_(shape_of(variant)),
      preview_factors_(package.preview ? factors_of(*package.preview) : sd1_preview_factors()),
      text_length_(package.text_length) {
  for (const auto& [timestep, row] : package.time_rows) timesteps_.push_back(timestep);
}

std::uint64_t CardEngines::buffer_bytes(const package::PicturePackageInfo& package,
                                        const package::PictureVariant& variant) {
  const PictureShape shape = shape_of(variant);
  const std::size_t latents = in_pages(shape.latents() * sizeof(float));
  const std::size_t picture = in_pages(3 * shape.pixels() * sizeof(float));
  const std::size_t moments = in_pages(2 * shape.latents() * sizeof(float));
  std::size_t bytes = in_pages(package.text_length * sizeof(std::int32_t));
  bytes += kTexts * in_pages(text_bytes(package));
  bytes += package.time_rows.size() * time_stride(package);
  bytes += 3 * latents + picture;
  if (shape.can_encode) bytes += picture + moments;
  return bytes;
}

Result<std::unique_ptr<CardEngines>> CardEngines::create(card::Card& card, LoadedEngines& engines,
                                                         const package::PicturePackageInfo& package,
                                                         const package::PictureVariant& variant) {
  std::unique_ptr<CardEngines> made(new CardEngines(card, package, variant));
  AXLE_TRY(made->make_texts(engines, package, variant));
  AXLE_TRY(made->make_unet(engines, package, variant));
  const std::size_t latents = made->shape_.latents() * sizeof(float);
  const std::size_t picture = 3 * made->shape_.pixels() * sizeof(float);
  AXLE_TRY_ASSIGN(made->decoder_,
                  made->make_part(engines.at(variant.vae_decoder), latents, picture));
  if (variant.vae_encoder) {
    AXLE_TRY_ASSIGN(made->encoder_,
                    made->make_part(engines.at(*variant.vae_encoder), picture, 2 * latents));
  }
  return made;
}

Result<CardEngines::Part> CardEngines::make_part(card::Engine& engine, std::size_t input_bytes,
                                                 std::size_t output_bytes) {
  Part part;
  part.engine = &engine;
  const card::GroupInfo& group = engine.group(0);
  AXLE_TRY(check_bytes(engine, group.inputs.front(), input_bytes));
  AXLE_TRY(check_bytes(engine, group.outputs.front(), output_bytes));
  AXLE_TRY_ASSIGN(part.input, card::DeviceBuffer::allocate(card_, input_bytes));
  AXLE_TRY_ASSIGN(part.output, card::DeviceBuffer::allocate(card_, output_bytes));
  AXLE_TRY_ASSIGN(card::Binding binding, engine.make_binding(0));
  AXLE_TRY(binding.bind_input(0, part.input.span()));
  AXLE_TRY(binding.bind_output(0, part.output.span()));
  part.binding.emplace(std::move(binding));
  return part;
}

Status CardEngines::make_texts(LoadedEngines& engines, const package::PicturePackageInfo& package,
                               const package::PictureVariant& variant) {
  card::Engine& engine = engines.at(variant.text_encoder);
  AXLE_TRY_ASSIGN(text_encoder_, make_part(engine, package.text_length * sizeof(std::int32_t),
                                           text_bytes(package)));
  for (std::size_t i = 0; i < kTexts; ++i) {
    Text text;
    AXLE_TRY_ASSIGN(text.encoded, card::DeviceBuffer::allocate(card_, text_bytes(package)));
    texts_.push_back(std::move(text));
  }
  return text_encoder_.output.release();  // Results go to the texts.
}

Status CardEngines::make_unet(LoadedEngines& engines, const package::PicturePackageInfo& package,
                              const package::PictureVariant& variant) {
  card::Engine& engine = engines.at(variant.unet);
  const std::size_t latents = shape_.latents() * sizeof(float);
  const std::size_t row = package.time_width * sizeof(float);
  AXLE_TRY_ASSIGN(const std::size_t input, find_input(engine, variant.unet_latents, latents));
  AXLE_TRY_ASSIGN(unet_time_row_, find_input(engine, variant.unet_time_row, row));
  AXLE_TRY_ASSIGN(unet_text_, find_input(engine, variant.unet_text, text_bytes(package)));
  AXLE_TRY(check_bytes(engine, engine.group(0).outputs.front(), latents));
  const std::size_t stride = time_stride(package);
  AXLE_TRY_ASSIGN(time_rows_, card::DeviceBuffer::allocate(card_, timesteps_.size() * stride));
  std::size_t offset = 0;
  for (const auto& [timestep, numbers] : package.time_rows) {
    AXLE_TRY(time_rows_.write(offset, std::as_bytes(std::span(numbers))));
    offset += stride;
  }
  unet_.engine = &engine;
  AXLE_TRY_ASSIGN(unet_.input, card::DeviceBuffer::allocate(card_, latents));
  AXLE_TRY_ASSIGN(unet_.output, card::DeviceBuffer::allocate(card_, latents));
  AXLE_TRY_ASSIGN(card::Binding binding, engine.make_binding(0));
  AXLE_TRY(binding.bind_input(input, unet_.input.span()));
  AXLE_TRY(binding.bind_output(0, unet_.output.span()));
  unet_.binding.emplace(std::move(binding));
  return {};
}

bool CardEngines::knows_text(std::span<const jobs::TokenId> prompt) const {
  return std::ranges::any_of(
      texts_, [prompt](const Text& text) { return std::ranges::equal(text.prompt, prompt); });
}

Status CardEngines::encode_text(std::span<const jobs::TokenId> prompt) {
  AXLE_CHECK(prompt.size() == text_length_);
  Text& text = *std::ranges::min_element(texts_, {}, &Text::used);
  text.prompt.clear();
  AXLE_TRY(text_encoder_.binding->bind_output(0, text.encoded.span()));
  AXLE_TRY(text_encoder_.input.write(0, std::as_bytes(prompt)));
  AXLE_TRY(text_encoder_.engine->run(*text_encoder_.binding));
  text.prompt.assign(prompt.begin(), prompt.end());
  text.used = ++clock_;
  return {};
}

Status CardEngines::run(Part& part, std::span<const float> input, std::span<float> output) {
  AXLE_TRY(part.input.write(0, std::as_bytes(input)));
  AXLE_TRY(part.engine->run(*part.binding));
  return part.output.read(0, std::as_writable_bytes(output));
}

Status CardEngines::predict(std::span<const float> latents, std::int32_t timestep,
                            std::span<const jobs::TokenId> prompt, std::span<float> noise) {
  const auto text = std::ranges::find_if(
      texts_, [prompt](const Text& one) { return std::ranges::equal(one.prompt, prompt); });
  const auto row = std::ranges::find(timesteps_, timestep);
  AXLE_CHECK(text != texts_.end() && row != timesteps_.end());
  text->used = ++clock_;
  const std::size_t stride = time_rows_.size_bytes() / timesteps_.size();
  const auto index = static_cast<std::size_t>(row - timesteps_.begin());
  card::Binding& binding = *unet_.binding;
  AXLE_TRY(binding.bind_input(unet_time_row_, time_rows_.slice(index * stride, stride)));
  AXLE_TRY(binding.bind_input(unet_text_, text->encoded.span()));
  return run(unet_, latents, noise);
}

Status CardEngines::decode(std::span<const float> latents, std::span<float> picture) {
  return run(decoder_, latents, picture);
}

Status CardEngines::encode(std::span<const float> picture, std::span<float> moments) {
  return run(encoder_, picture, moments);
}

}  // namespace axle::diffusion
