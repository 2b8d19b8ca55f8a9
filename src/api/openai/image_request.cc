#include "api/openai/image_request.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <boost/json.hpp>
#include <charconv>
#include <limits>
#include <span>
#include <utility>
#include <vector>

#include "api/openai/image_extra_args.h"
#include "api/openai/image_form.h"
#include "api/openai/json_fields.h"
#include "http/message.h"
#include "pictures/order.h"

namespace axle::api {
namespace {

namespace json = boost::json;

constexpr double kMaxInt32 = std::numeric_limits<std::int32_t>::max();

// A field whose value is one of `values`.
void read_choice(FieldReader& reader, std::string_view name,
                 std::span<const std::string_view> values, std::string& target) {
  std::string found = target;
  reader.text(name, found);
  if (reader.find(name) != nullptr && std::ranges::find(values, found) == values.end()) {
    return reader.fail(name, fmt::format("'{}' must be one of {}, found \"{}\"", name,
                                         fmt::join(values, ", "), found));
  }
  target = found;
}

// The name that the request uses of a field with two names; both at once are refused.
std::string_view name_of(FieldReader& reader, std::string_view name, std::string_view other) {
  if (reader.find(other) == nullptr) return name;
  if (reader.find(name) != nullptr)
    reader.fail(other, fmt::format("'{}' and '{}' mean the same; leave one out", name, other));
  return other;
}

void read_prompt(FieldReader& reader, ImageTask task, ImageRequest& request) {
  reader.text("prompt", request.prompt);
  if (request.prompt.empty() && task != ImageTask::kVary)
    return reader.fail("prompt", "'prompt' is missing; say what shall be painted");
  reader.text("negative_prompt", request.negative_prompt);
  for (const auto& [name, text] : {std::pair("prompt", &request.prompt),
                                   std::pair("negative_prompt", &request.negative_prompt)}) {
    const auto begins = [](char c) { return (static_cast<unsigned char>(c) & 0xC0u) != 0x80u; };
    const auto characters = static_cast<std::size_t>(std::ranges::count_if(*text, begins));
    if (characters > kMaxPromptCharacters) {
      reader.fail(name, fmt::format("'{}' has {} characters, at most {} are allowed", name,
                                    characters, kMaxPromptCharacters));
    }
  }
}

// "128x64"; nothing for anything else.
std::optional<image::Size> parse_size(std::string_view text) {
  image::Size size;
  const char* end = text.data() + text.size();
  const auto width = std::from_chars(text.data(), end, size.width);
  if (width.ec != std::errc() || width.ptr == end || *width.ptr != 'x') return std::nullopt;
  const auto height = std::from_chars(width.ptr + 1, end, size.height);
  if (height.ec != std::errc() || height.ptr != end) return std::nullopt;
  if (size.width < 1 || size.height < 1) return std::nullopt;
  return size;
}

void read_size(FieldReader& reader, ImageRequest& request) {
  std::string size = "auto";
  reader.text("size", size);
  if (size == "auto") return;
  request.size = parse_size(size);
  if (!request.size) {
    reader.fail(
        "size",
        fmt::format("'size' must be auto or like 512x512 (width x height), found \"{}\"", size));
  }
}

// A whole number of 64 bits; -1 means any.
void read_seed(FieldReader& reader, ImageRequest& request) {
  const std::string_view name = name_of(reader, "seed", "rng_seed");
  const json::value* value = reader.find(name);
  if (value == nullptr || (value->is_int64() && value->get_int64() == -1)) return;
  if (value->is_uint64()) {
    request.seed = value->get_uint64();
  } else if (value->is_int64() && value->get_int64() >= 0) {
    request.seed = static_cast<std::uint64_t>(value->get_int64());
  } else {
    reader.fail(name, fmt::format("'{}' must be a whole number from 0 to 2^64 - 1, or -1 for any, "
                                  "found {}",
                                  name,
                                  value->is_number() ? json::serialize(*value)
                                                     : std::string(kind_name(*value))));
  }
}

void read_painting(FieldReader& reader, ImageTask task, ImageRequest& request) {
  std::int64_t count = 1;
  reader.integer("n", {1, kMaxPictures}, count);
  request.count = static_cast<std::int32_t>(count);
  read_size(reader, request);
  reader.integer(name_of(reader, "steps", "num_inference_steps"), {1, kMaxInt32}, request.steps);
  reader.number(name_of(reader, "cfg_scale", "guidance_scale"), {0, pictures::kMostGuidance},
                request.guidance);
  read_seed(reader, request);
  if (task == ImageTask::kGenerate || reader.find("strength") == nullptr) return;
  request.strength = 0.0;
  reader.number("strength", {0, 1}, *request.strength);
}

// Fields of OpenAI that change nothing here, but whose values are checked.
void check_fields_without_effect(FieldReader& reader, ImageRequest& request) {
  constexpr std::array<std::string_view, 6> kQualities{"auto", "low",      "medium",
                                                       "high", "standard", "hd"};
  constexpr std::array<std::string_view, 2> kStyles{"vivid", "natural"};
  constexpr std::array<std::string_view, 2> kModerations{"auto", "low"};
  constexpr std::array<std::string_view, 2> kFidelities{"high", "low"};
  constexpr std::array<std::string_view, 3> kBackgrounds{"auto", "opaque", "transparent"};
  read_choice(reader, "quality", kQualities, request.quality);
  std::string ignored;
  read_choice(reader, "style", kStyles, ignored);
  read_choice(reader, "moderation", kModerations, ignored);
  read_choice(reader, "input_fidelity", kFidelities, ignored);
  reader.text("user", ignored);
  std::string background = "auto";
  read_choice(reader, "background", kBackgrounds, background);
  if (background == "transparent") {
    reader.fail_unsupported(
        "background",
        "'background' transparent is not supported: what is painted covers the whole "
        "picture; use opaque or auto");
  }
}

void read_form(FieldReader& reader, pictures::Output& output) {
  std::string name(pictures::form_name(output.form));
  reader.text("output_format", name);
  const std::optional<pictures::Form> form = pictures::form_named(name);
  if (!form) {
    return reader.fail("output_format", fmt::format("'output_format' must be one of {}, found "
                                                    "\"{}\"",
                                                    pictures::form_names(), name));
  }
  output.form = *form;
  std::int64_t quality = 100;
  reader.integer("output_compression", {0, 100}, quality);
  const bool lossy = *form == pictures::Form::kJpeg || *form == pictures::Form::kWebp;
  if (!lossy && quality < 100) {
    return reader.fail("output_compression",
                       fmt::format("'output_compression' below 100 needs the 'output_format' jpeg "
                                   "or webp, found {} with {}",
                                   quality, pictures::form_name(*form)));
  }
  output.quality = static_cast<int>(std::max<std::int64_t>(quality, 1));
}

void read_output_size(FieldReader& reader, pictures::Output& output) {
  std::optional<std::int32_t> width;
  std::optional<std::int32_t> height;
  reader.integer("output_width", {1, pictures::kMaxOutputSide}, width);
  reader.integer("output_height", {1, pictures::kMaxOutputSide}, height);
  if (width.has_value() != height.has_value()) {
    return reader.fail(width ? "output_height" : "output_width",
                       "'output_width' and 'output_height' need each other; give both or none");
  }
  if (width) output.size = image::Size{*width, *height};
}

// For displays: size, dithering, gamma.
void read_output(FieldReader& reader, pictures::Output& output) {
  read_form(reader, output);
  read_output_size(reader, output);
  constexpr std::array<std::string_view, 3> kFits{"stretch", "crop", "pad"};
  std::string fit = "crop";
  read_choice(reader, "fit", kFits, fit);
  output.fit = pictures::fit_named(fit).value_or(output.fit);
  constexpr std::array<std::string_view, 3> kDithers{"none", "floyd-steinberg", "bayer"};
  std::string dither(kDithers[1]);
  read_choice(reader, "dither", kDithers, dither);
  output.dither = pictures::dither_named(dither).value_or(output.dither);
  reader.number("gamma", {0.1, 10}, output.gamma);
  reader.boolean("inverted", output.inverted);
}

void read_answer(FieldReader& reader, ImageRequest& request) {
  reader.boolean("stream", request.stream);
  std::int64_t partial = 0;
  reader.integer("partial_images", {0, kMaxPartialPictures}, partial);
  request.partial_pictures = static_cast<std::int32_t>(partial);
  if (partial > 0 && !request.stream)
    reader.fail("partial_images", "'partial_images' above 0 needs 'stream' to be true");
  constexpr std::array<std::string_view, 2> kFormats{"b64_json", "url"};
  std::string format = "b64_json";
  read_choice(reader, "response_format", kFormats, format);
  request.as_url = format == "url";
  if (request.as_url && request.stream)
    reader.fail("response_format", "'response_format' of a stream is b64_json, found url");
}

void read_job(FieldReader& reader, ImageRequest& request) {
  reader.text("replace_key", request.replace_key);
  if (request.replace_key.size() > kMaxReplaceKeyBytes) {
    reader.fail("replace_key", fmt::format("'replace_key' has {} bytes, at most {} are allowed",
                                           request.replace_key.size(), kMaxReplaceKeyBytes));
  }
  read_priority(reader, request.priority);
  read_deadline(reader, request.deadline);
}

// A picture in JSON: a string, or OpenAI's {"image_url": "..."}.
void read_picture(FieldReader& reader, std::string_view name, const json::value& value,
                  std::vector<GivenPicture>& target) {
  const json::value* text = &value;
  if (const json::object* object = value.if_object()) {
    text = object->if_contains("image_url");
    if (text == nullptr && object->contains("file_id"))
      return reader.fail_unsupported(name, "'file_id' is not supported; give an 'image_url'");
  }
  if (text == nullptr || !text->is_string()) {
    return reader.fail(name, fmt::format("'{}' must be a data URI, base64 or an object with an "
                                         "'image_url', found {}",
                                         name, kind_name(text == nullptr ? value : *text)));
  }
  target.push_back({std::string(text->get_string()), false});
}

void read_pictures(FieldReader& reader, ImageFields& fields) {
  for (const std::string_view name : {"image", "images"}) {
    const json::value* value = reader.find(name);
    if (value == nullptr) continue;
    if (!value->is_array()) {
      read_picture(reader, name, *value, fields.pictures);
      continue;
    }
    for (const json::value& one : value->get_array())
      read_picture(reader, name, one, fields.pictures);
  }
  if (const json::value* mask = reader.find("mask"))
    read_picture(reader, "mask", *mask, fields.masks);
}

void take_pictures(FieldReader& reader, ImageTask task, ImageFields& fields,
                   ImageRequest& request) {
  read_pictures(reader, fields);
  if (fields.pictures.empty() || fields.pictures.front().empty())
    return reader.fail("image", "'image' is missing; give the picture to start from");
  if (fields.pictures.size() > 1) {
    return reader.fail("image", fmt::format("'image' has {} pictures, but painting starts from "
                                            "one; give one",
                                            fields.pictures.size()));
  }
  request.picture = std::move(fields.pictures.front());
  if (fields.masks.empty() || task != ImageTask::kEdit) return;
  if (fields.masks.size() > 1) {
    return reader.fail("mask",
                       fmt::format("'mask' must be one picture, found {}", fields.masks.size()));
  }
  request.mask = std::move(fields.masks.front());
}

Parsed<ImageFields> read_fields(std::string_view content_type, std::string_view body) {
  constexpr std::string_view kForm = "multipart/form-data";
  if (content_type.size() >= kForm.size() &&
      http::equals_ignoring_case(content_type.substr(0, kForm.size()), kForm)) {
    return read_image_form(content_type, body);
  }
  Parsed<json::object> object = parse_json_object(body);
  if (!object.ok()) return object.error();
  return ImageFields{std::move(object.value()), {}, {}};
}

}  // namespace

Parsed<ImageRequest> parse_image_request(ImageTask task, std::string_view content_type,
                                         std::string_view body) {
  Parsed<ImageFields> fields = read_fields(content_type, body);
  if (!fields.ok()) return fields.error();
  if (auto error = take_extra_args(fields.value().values)) return *error;
  ImageRequest request;
  FieldReader reader(fields.value().values);
  reader.text("model", request.model);
  read_prompt(reader, task, request);
  if (task != ImageTask::kGenerate) take_pictures(reader, task, fields.value(), request);
  read_painting(reader, task, request);
  check_fields_without_effect(reader, request);
  read_output(reader, request.output);
  read_answer(reader, request);
  read_job(reader, request);
  if (!reader.error()) return request;
  RequestError error = *reader.error();
  if (error.code.empty()) error.code = "invalid_value";
  return error;
}

}  // namespace axle::api
