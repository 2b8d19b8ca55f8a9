#include "api/openai/image_plan.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <optional>
#include <string_view>
#include <utility>

#include "text/clip_tokenizer.h"

namespace axle::api {
namespace {

constexpr image::Size kTrainedSize{512, 512};
constexpr double kUsualStrength = 0.75;  // Of other servers' edits: AUTOMATIC1111, InvokeAI.
constexpr double kMaskedStrength = 1.0;  // What a mask marks is to be replaced.
constexpr std::uint8_t kPaintedAnew = 128;

using MaybeError = std::optional<RequestError>;

RequestError invalid(std::string_view param, std::string message) {
  return {invalid_argument(std::move(message)), std::string(param), "invalid_value"};
}

// The request's pictures as they came.
struct Sources {
  std::optional<image::Picture> picture;
  std::optional<image::Picture> mask;
};

// A picture that cannot be had is the client's matter, whatever went wrong with it; but for memory.
RequestError source_error(std::string_view param, const Status& status) {
  const std::string message = fmt::format("'{}': {}", param, status.message());
  if (status.code() == Code::kExhausted) return {exhausted(message), std::string(param), ""};
  return {invalid_argument(message), std::string(param), "invalid_image"};
}

MaybeError read_source(std::string_view param, const GivenPicture& given,
                       const pictures::SourceRules& rules, std::optional<image::Picture>& target) {
  if (given.empty()) return {};
  std::string fetched;
  if (!given.is_file) {
    Result<std::string> file = pictures::source_file(given.content, rules);
    if (!file.ok()) return source_error(param, file.status());
    fetched = *std::move(file);
  }
  Result<image::Picture> picture =
      pictures::source_picture(given.is_file ? given.content : fetched, rules);
  if (!picture.ok()) return source_error(param, picture.status());
  target = *std::move(picture);
  return {};
}

// What the model has for the task: "64x64, 96x64".
std::string known_sizes(const pictures::ServedPictures& model, pictures::Start start) {
  std::vector<std::string_view> sizes;
  for (const auto& variant : model.package.variants) {
    if (start == pictures::Start::kNoise || variant.vae_encoder) sizes.push_back(variant.id);
  }
  return fmt::format("{}", fmt::join(sizes, ", "));
}

MaybeError choose_size(ImageTask task, const ImageRequest& request,
                       const pictures::ServedPictures& model, const Sources& sources,
                       pictures::Order& order) {
  const auto start = task == ImageTask::kGenerate ? pictures::Start::kNoise  //
                                                  : pictures::Start::kPicture;
  if (!model.begins_with(start)) {
    return RequestError{unsupported(fmt::format(
                            "{} cannot start from a picture: it has no VAE encoder", model.name)),
                        "model", "unsupported"};
  }
  const image::Size wanted =
      request.size.value_or(sources.picture ? sources.picture->size() : kTrainedSize);
  const package::PictureVariant& nearest = model.nearest_size(wanted, start);
  order.width = static_cast<std::int32_t>(nearest.width);
  order.height = static_cast<std::int32_t>(nearest.height);
  if (!request.size || (order.width == wanted.width && order.height == wanted.height)) return {};
  return invalid("size",
                 fmt::format("'size' must be auto or one of {}, which {} has{}, found {}x{}",
                             known_sizes(model, start), model.name,
                             start == pictures::Start::kNoise ? "" : " to start from a picture",
                             wanted.width, wanted.height));
}

MaybeError choose_steps(const ImageRequest& request, const pictures::ServedPictures& model,
                        pictures::Order& order) {
  order.steps = request.steps.value_or(model.nearest_steps(pictures::kUsualSteps));
  if (std::ranges::find(model.step_counts, order.steps) != model.step_counts.end()) return {};
  return invalid("steps", fmt::format("'steps' must be one of {}, which {} can do, found {}",
                                      fmt::join(model.step_counts, ", "), model.name, order.steps));
}

// The mask in the order's size, and what is kept of the picture where it is dark.
MaybeError take_mask(const Sources& sources, pictures::Order& order) {
  if (!sources.mask) return {};
  if (sources.mask->size() != sources.picture->size()) {
    return invalid("mask", fmt::format("'mask' must have the size of 'image', {}x{}, found {}x{}",
                                       sources.picture->width, sources.picture->height,
                                       sources.mask->width, sources.mask->height));
  }
  Result<image::Picture> mask = pictures::fit_mask(*sources.mask, {order.width, order.height},
                                                   {.fit = pictures::SourceFit::kCrop});
  if (!mask.ok()) return source_error("mask", mask.status());
  if (std::ranges::none_of(mask->pixels, [](std::uint8_t v) { return v >= kPaintedAnew; })) {
    return invalid("mask",
                   "'mask' has nothing to paint: what is transparent, or white in a mask without "
                   "transparency, is painted anew");
  }
  Result<image::Picture> keep = pictures::kept_part(*order.image, *mask);
  if (!keep.ok()) return source_error("mask", keep.status());
  order.mask = *std::move(mask);
  order.keep = *std::move(keep);
  return {};
}

// Only whole steps can be left out.
void choose_strength(const ImageRequest& request, double usual, ImagePlan& plan) {
  const double wanted = request.strength.value_or(usual);
  plan.order.strength = pictures::nearest_strength(plan.order.steps, wanted);
  if (std::abs(plan.order.strength - wanted) < 1e-6 || !request.strength) return;
  plan.notes.push_back(fmt::format("'strength' is {:.4g} instead of {}: it is a share of {} steps",
                                   plan.order.strength, wanted, plan.order.steps));
}

MaybeError take_picture(const ImageRequest& request, const Sources& sources, ImagePlan& plan) {
  pictures::Order& order = plan.order;
  if (!sources.picture) return {};
  Result<image::Picture> picture = pictures::fit_source(
      *sources.picture, {order.width, order.height}, pictures::SourceFit::kCrop);
  if (!picture.ok()) return source_error("image", picture.status());
  order.image = *std::move(picture);
  choose_strength(request, sources.mask ? kMaskedStrength : kUsualStrength, plan);
  return take_mask(sources, order);
}

// Counts the tokens of a prompt, and notes where the model does not read all of them.
MaybeError read_tokens(std::string_view param, const std::string& prompt,
                       const pictures::ServedPictures& model, ImagePlan& plan) {
  constexpr std::size_t kReadTokens = text::ClipTokenizer::kLength - 2;  // Without begin and end.
  const Result<text::ClipPrompt> encoded = model.tokenizer.encode(prompt);
  if (!encoded.ok()) {
    return invalid(param, fmt::format("'{}': {}", param, encoded.status().message()));
  }
  plan.input_tokens += static_cast<std::int32_t>(std::min(encoded->tokens, kReadTokens));
  if (encoded->truncated()) {
    plan.notes.push_back(fmt::format("'{}' has {} tokens; {} reads the first {}", param,
                                     encoded->tokens, model.name, kReadTokens));
  }
  return {};
}

MaybeError take_prompts(const ImageRequest& request, const pictures::ServedPictures& model,
                        ImagePlan& plan) {
  plan.order.prompt = request.prompt;
  plan.order.negative_prompt = request.negative_prompt;
  plan.order.guidance = request.guidance;
  if (auto error = read_tokens("prompt", request.prompt, model, plan)) return error;
  if (request.negative_prompt.empty()) return {};
  if (request.guidance > 1.0)
    return read_tokens("negative_prompt", request.negative_prompt, model, plan);
  plan.notes.emplace_back("'negative_prompt' has no effect without a 'cfg_scale' above 1");
  return {};
}

}  // namespace

Parsed<ImagePlan> plan_image(ImageTask task, const ImageRequest& request,
                             const pictures::ServedPictures& model,
                             const pictures::SourceRules& rules, std::uint64_t any_seed) {
  ImagePlan plan;
  pictures::Order& order = plan.order;
  order.count = request.count;
  order.seed = request.seed.value_or(any_seed);
  order.previews = request.partial_pictures > 0;
  order.priority = request.priority;
  Sources sources;
  if (auto error = choose_steps(request, model, order)) return *error;
  if (auto error = take_prompts(request, model, plan)) return *error;
  if (auto error = read_source("image", request.picture, rules, sources.picture)) return *error;
  if (auto error = read_source("mask", request.mask, rules, sources.mask)) return *error;
  if (auto error = choose_size(task, request, model, sources, order)) return *error;
  if (auto error = take_picture(request, sources, plan)) return *error;
  return plan;
}

}  // namespace axle::api
