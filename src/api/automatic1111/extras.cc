#include "api/automatic1111/extras.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json.hpp>
#include <cmath>
#include <span>
#include <utility>

#include "api/automatic1111/answers.h"
#include "api/automatic1111/request.h"
#include "api/automatic1111/tolerant_reader.h"
#include "base/base64.h"
#include "image/metadata.h"
#include "image/resize.h"

namespace axle::api::automatic1111 {
namespace {

namespace json = boost::json;

constexpr double kMaxFactor = 8;
constexpr int kSideUnit = 8;           // Sides are multiples of it.
constexpr std::size_t kMaxBatch = 64;  // Pictures of one request.

std::string_view name_of(Upscaler upscaler) {
  if (upscaler == Upscaler::kNone) return "None";
  return upscaler == Upscaler::kNearest ? "Nearest" : "Lanczos";
}

Upscaler read_upscaler(TolerantReader& reader) {
  const std::string asked = reader.text("upscaler_1").value_or("None");
  for (const Upscaler known : {Upscaler::kNone, Upscaler::kLanczos, Upscaler::kNearest}) {
    if (asked == name_of(known)) return known;
  }
  if (asked.empty()) return Upscaler::kNone;
  reader.note(
      fmt::format("upscaler_1: {} asked, Lanczos done: there are None, Lanczos, Nearest", asked));
  return Upscaler::kLanczos;
}

int side(TolerantReader& reader, std::string_view name) {
  return static_cast<int>(reader.integer(name, {1, kMaxUpscaledSide}).value_or(512));
}

Upscaling read_upscaling(TolerantReader& reader) {
  Upscaling upscaling;
  upscaling.upscaler = read_upscaler(reader);
  upscaling.to_size = reader.integer("resize_mode", {0, 1}).value_or(0) == 1;
  upscaling.factor = reader.number("upscaling_resize", {1, kMaxFactor}).value_or(2.0);
  upscaling.size = {side(reader, "upscaling_resize_w"), side(reader, "upscaling_resize_h")};
  upscaling.crop = reader.boolean("upscaling_crop").value_or(true);
  for (const std::string_view name : {"gfpgan_visibility", "codeformer_visibility"}) {
    if (reader.number(name, {0, 1}).value_or(0) > 0) {
      reader.note(fmt::format("{}: not done: there is no restorer of faces", name));
    }
  }
  const std::string second = reader.text("upscaler_2").value_or("None");
  if (reader.number("extras_upscaler_2_visibility", {0, 1}).value_or(0) > 0 && second != "None") {
    reader.note(fmt::format("upscaler_2: {} asked, not done: one is used", second));
  }
  return upscaling;
}

// "Postprocess upscale by: 2, Postprocess upscaler: Lanczos", as A1111 writes it into its files.
std::string described(const Upscaling& upscaling) {
  if (upscaling.upscaler == Upscaler::kNone) return {};
  const std::string name(name_of(upscaling.upscaler));
  if (!upscaling.to_size) {
    return fmt::format("Postprocess upscale by: {}, Postprocess upscaler: {}", upscaling.factor,
                       name);
  }
  return fmt::format("Postprocess upscale to: {}x{}, Postprocess upscaler: {}",
                     upscaling.size.width, upscaling.size.height, name);
}

double factor_for(image::Size size, const Upscaling& upscaling) {
  double factor = upscaling.factor;
  if (upscaling.to_size) {
    factor = std::max(static_cast<double>(upscaling.size.width) / size.width,
                      static_cast<double>(upscaling.size.height) / size.height);
  }
  const int longest = std::max(size.width, size.height);
  const double most = std::max(1.0, static_cast<double>(kMaxUpscaledSide) / longest);
  return std::min(factor, most);
}

int scaled(int length, double factor) {
  const auto whole = static_cast<int>(length * factor) / kSideUnit * kSideUnit;
  return std::max(whole, kSideUnit);
}

// The middle of `picture` on black, in `size`.
Result<image::Picture> centred(const image::Picture& picture, image::Size size) {
  AXLE_TRY_ASSIGN(image::Picture canvas, image::make_picture(size, picture.channels));
  const int left = size.width / 2 - picture.width / 2;
  const int top = size.height / 2 - picture.height / 2;
  const int first_x = std::max(left, 0);
  const int last_x = std::min(left + picture.width, size.width);
  for (int y = std::max(top, 0); y < std::min(top + picture.height, size.height); ++y) {
    const auto from = picture.row(y - top).begin() + (first_x - left) * picture.channels;
    std::copy_n(from, (last_x - first_x) * picture.channels,
                canvas.row(y).begin() + first_x * picture.channels);
  }
  return canvas;
}

// One picture of a request, made larger, in base64.
class Extra {
 public:
  Extra(const json::object& object, const pictures::SourceRules& sources, pictures::Form form)
      : sources_(sources), form_(form) {
    TolerantReader reader(object, notes_);
    upscaling_ = read_upscaling(reader);
  }

  Result<std::string> run(const json::value* value) {
    if (value == nullptr || !value->is_string()) return corrupt("Invalid encoded image");
    const std::string_view text(value->get_string().data(), value->get_string().size());
    AXLE_TRY_ASSIGN(const std::string file, read_picture_text(text, sources_));
    const Result<image::Picture> picture = pictures::source_picture(file, sources_);
    if (!picture.ok()) return corrupt("Invalid encoded image: " + picture.status().message());
    AXLE_TRY_ASSIGN(const image::Picture larger, upscale(*picture, upscaling_));
    AXLE_TRY_ASSIGN(const std::string written,
                    pictures::write_picture(larger, text_of(file), {.form = form_}));
    return encode_base64(written);
  }

  std::string info() const { return described(upscaling_); }
  json::array notes() const { return json::array(notes_.begin(), notes_.end()); }
  void note(std::string text) { notes_.push_back(std::move(text)); }

 private:
  // What the file told of how it was made, and what was done to it here.
  std::string text_of(const std::string& file) const {
    const Result<image::Metadata> metadata = image::read_metadata(std::as_bytes(std::span(file)));
    std::string text = metadata.ok() ? metadata->parameters : "";
    if (!text.empty() && !info().empty()) text += ", ";
    return text + info();
  }

  const pictures::SourceRules& sources_;
  const pictures::Form form_;
  Upscaling upscaling_;
  std::vector<std::string> notes_;
};

}  // namespace

Result<image::Picture> upscale(const image::Picture& picture, const Upscaling& upscaling) {
  if (upscaling.upscaler == Upscaler::kNone) return image::copy_of(picture);
  AXLE_TRY(image::check(picture));
  const double factor = factor_for(picture.size(), upscaling);
  const image::Filter filter =
      upscaling.upscaler == Upscaler::kNearest ? image::Filter::kNearest : image::Filter::kLanczos;
  AXLE_TRY_ASSIGN(
      image::Picture larger,
      image::resize(picture, {scaled(picture.width, factor), scaled(picture.height, factor)},
                    filter));
  if (!upscaling.to_size || !upscaling.crop) return larger;
  return centred(larger, upscaling.size);
}

Result<std::string> extra_single_json(std::string_view body, const pictures::SourceRules& sources,
                                      pictures::Form form) {
  AXLE_TRY_ASSIGN(const json::object object, parse_object(body));
  Extra extra(object, sources, form);
  AXLE_TRY_ASSIGN(const std::string image, extra.run(object.if_contains("image")));
  return json::serialize(
      json::object{{"html_info", extra.info()}, {"image", image}, {"notes", extra.notes()}});
}

Result<std::string> extra_batch_json(std::string_view body, const pictures::SourceRules& sources,
                                     pictures::Form form) {
  AXLE_TRY_ASSIGN(const json::object object, parse_object(body));
  Extra extra(object, sources, form);
  const json::value* list = object.if_contains("imageList");
  json::array images;
  if (list != nullptr && list->is_array()) {
    for (const json::value& entry : list->get_array()) {
      if (images.size() == kMaxBatch) {
        extra.note(fmt::format("imageList: {} asked, {} done: at most {}", list->get_array().size(),
                               kMaxBatch, kMaxBatch));
        break;
      }
      const json::value* data = entry.is_object() ? entry.get_object().if_contains("data") : &entry;
      AXLE_TRY_ASSIGN(const std::string image, extra.run(data));
      images.emplace_back(image);
    }
  }
  return json::serialize(json::object{
      {"html_info", extra.info()}, {"images", std::move(images)}, {"notes", extra.notes()}});
}

Result<std::string> png_info_answer(std::string_view body, const pictures::SourceRules& sources) {
  AXLE_TRY_ASSIGN(const json::object object, parse_object(body));
  std::vector<std::string> unused;
  const std::string text = TolerantReader(object, unused).text("image").value_or("");
  if (text.find_first_not_of(" \t\r\n") == std::string::npos) return png_info_json({});
  AXLE_TRY_ASSIGN(const std::string file, read_picture_text(text, sources));
  const Result<image::Metadata> metadata = image::read_metadata(std::as_bytes(std::span(file)));
  if (!metadata.ok()) return corrupt("Invalid encoded image: " + metadata.status().message());
  return png_info_json(*metadata);
}

}  // namespace axle::api::automatic1111
