#include "pictures/output.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <utility>
#include <vector>

#include "image/encode.h"
#include "image/resize.h"
#include "package/picture_package.h"

namespace axle::pictures {
namespace {

struct Name {
  std::string_view text;
  Form form;
};

// The first name of each form is the one that it is called by.
constexpr std::array<Name, 19> kNames{{{"png", Form::kPng},
                                       {"jpeg", Form::kJpeg},
                                       {"webp", Form::kWebp},
                                       {"rgb888", Form::kRgb888},
                                       {"rgb565", Form::kRgb565BigEndian},
                                       {"mono", Form::kMono},
                                       {"grey4", Form::kGrey4},
                                       {"grey16", Form::kGrey16},
                                       {"jpg", Form::kJpeg},
                                       {"raw", Form::kRgb888},
                                       {"rgb", Form::kRgb888},
                                       {"rgb565-be", Form::kRgb565BigEndian},
                                       {"rgb565be", Form::kRgb565BigEndian},
                                       {"1bit", Form::kMono},
                                       {"gray4", Form::kGrey4},
                                       {"gray16", Form::kGrey16},
                                       {"image/png", Form::kPng},
                                       {"image/jpeg", Form::kJpeg},
                                       {"image/webp", Form::kWebp}}};
constexpr std::size_t kForms = 8;

constexpr std::array<std::pair<std::string_view, Fit>, 3> kFits{
    {{"stretch", Fit::kStretch}, {"crop", Fit::kCrop}, {"pad", Fit::kPad}}};

constexpr std::array<std::pair<std::string_view, image::Dither>, 3> kDithers{
    {{"none", image::Dither::kNone},
     {"floyd-steinberg", image::Dither::kFloydSteinberg},
     {"bayer", image::Dither::kBayer8}}};

std::string lower(std::string_view text) {
  std::string result(text);
  std::ranges::transform(result, result.begin(),
                         [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return result;
}

Result<image::Picture> resized(const image::Picture& picture, image::Size size, Fit fit) {
  constexpr image::Filter kFilter = image::Filter::kLanczos;
  switch (fit) {
    case Fit::kStretch:
      return image::resize(picture, size, kFilter);
    case Fit::kCrop:
      return image::fit_cover(picture, size, kFilter);
    case Fit::kPad:
      break;
  }
  return image::fit_contain(picture, size, kFilter, {0, 0, 0, 255});
}

image::PanelFormat panel_format(Form form) {
  switch (form) {
    case Form::kRgb565BigEndian:
      return image::PanelFormat::kRgb565BigEndian;
    case Form::kMono:
      return image::PanelFormat::kMono;
    case Form::kGrey4:
      return image::PanelFormat::kGrey4;
    case Form::kGrey16:
      return image::PanelFormat::kGrey16;
    default:
      return image::PanelFormat::kRgb888;
  }
}

Result<std::string> encode(const image::Picture& picture, const std::string& parameters,
                           const Output& output) {
  switch (output.form) {
    case Form::kPng:
      return image::encode_png(picture, {image::PngEffort::kFast, parameters});
    case Form::kJpeg:
      return image::encode_jpeg(picture, {output.quality, parameters});
    case Form::kWebp:
      return image::encode_webp(picture, {image::WebpForm::kLossy, output.quality, parameters});
    default:
      return image::to_panel(
          picture, {panel_format(output.form), output.dither, output.gamma, output.inverted});
  }
}

}  // namespace

std::string_view form_name(Form form) { return std::ranges::find(kNames, form, &Name::form)->text; }

std::optional<Form> form_named(std::string_view name) {
  const auto found = std::ranges::find(kNames, lower(name), &Name::text);
  return found == kNames.end() ? std::nullopt : std::optional(found->form);
}

std::string form_names() {
  std::vector<std::string_view> names;
  for (const Name& name : std::span(kNames).first(kForms)) names.push_back(name.text);
  return fmt::format("{}", fmt::join(names, ", "));
}

std::string_view media_type(Form form) {
  switch (form) {
    case Form::kPng:
      return "image/png";
    case Form::kJpeg:
      return "image/jpeg";
    case Form::kWebp:
      return "image/webp";
    default:
      return "application/octet-stream";
  }
}

std::optional<Fit> fit_named(std::string_view name) {
  const std::string wanted = lower(name);
  for (const auto& [text, fit] : kFits) {
    if (text == wanted) return fit;
  }
  return std::nullopt;
}

std::optional<image::Dither> dither_named(std::string_view name) {
  const std::string wanted = lower(name);
  for (const auto& [text, dither] : kDithers) {
    if (text == wanted) return dither;
  }
  return std::nullopt;
}

Result<std::string> write_picture(const image::Picture& picture, const std::string& parameters,
                                  const Output& output) {
  if (!output.size || *output.size == picture.size()) return encode(picture, parameters, output);
  const auto [width, height] = *output.size;
  if (std::min(width, height) < 1 || std::max(width, height) > kMaxOutputSide) {
    return invalid_argument(
        fmt::format("size: wanted sides of 1 to {}, found {}x{}", kMaxOutputSide, width, height));
  }
  AXLE_TRY_ASSIGN(const image::Picture fitted, resized(picture, *output.size, output.fit));
  return encode(fitted, parameters, output);
}

Result<image::Picture> enlarged_preview(const image::Picture& preview) {
  constexpr int kScale = static_cast<int>(package::kLatentPixels);
  return image::resize(preview, {preview.width * kScale, preview.height * kScale},
                       image::Filter::kBicubic);
}

image::Size size_of(const image::Picture& picture, const Output& output) {
  return output.size.value_or(picture.size());
}

}  // namespace axle::pictures
