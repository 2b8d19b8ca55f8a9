#include "api/openai/image_form.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <span>
#include <string>

#include "http/multipart.h"
#include "image/decode.h"

namespace axle::api {
namespace {

namespace json = boost::json;

// What a field of a form is, where it is no text.
constexpr std::array<std::string_view, 15> kNumbers{"n",
                                                    "partial_images",
                                                    "output_compression",
                                                    "seed",
                                                    "rng_seed",
                                                    "steps",
                                                    "cfg_scale",
                                                    "num_inference_steps",
                                                    "guidance_scale",
                                                    "strength",
                                                    "output_width",
                                                    "output_height",
                                                    "gamma",
                                                    "priority",
                                                    "deadline_s"};
constexpr std::array<std::string_view, 2> kTruths{"stream", "inverted"};

bool is_file(const http::FormPart& part) {
  return part.filename || image::sniff(std::as_bytes(std::span(part.body)));
}

std::string lower(std::string_view text) {
  std::string result(text);
  std::ranges::transform(result, result.begin(),
                         [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return result;
}

// `text` as the JSON value that it would be in a JSON body; null where it is none.
json::value scalar(std::string_view name, std::string_view text) {
  boost::system::error_code error;
  if (std::ranges::find(kTruths, name) != kTruths.end()) {
    const json::value value = json::parse(lower(text), error);
    return !error && value.is_bool() ? value : json::value();
  }
  const json::value value = json::parse(text, error);
  return !error && value.is_number() ? value : json::value();
}

}  // namespace

Parsed<ImageFields> read_image_form(std::string_view content_type, std::string_view body) {
  const Result<std::vector<http::FormPart>> parts = http::parse_multipart(content_type, body);
  if (!parts.ok()) return RequestError{parts.status(), "", "invalid_form"};
  ImageFields fields;
  for (const http::FormPart& part : *parts) {
    const bool picture = part.name == "image" || part.name == "image[]";
    if (picture || part.name == "mask") {
      GivenPicture given{std::string(part.body), is_file(part)};
      if (!given.empty()) (picture ? fields.pictures : fields.masks).push_back(std::move(given));
      continue;
    }
    if (part.filename || part.body.empty()) continue;
    const bool truth = std::ranges::find(kTruths, part.name) != kTruths.end();
    if (!truth && std::ranges::find(kNumbers, part.name) == kNumbers.end()) {
      fields.values[part.name] = part.body;
      continue;
    }
    json::value value = scalar(part.name, part.body);
    if (value.is_null()) {
      return RequestError{invalid_argument(fmt::format("'{}' must be {}, found \"{}\"", part.name,
                                                       truth ? "true or false" : "a number",
                                                       part.body.substr(0, 100))),
                          part.name, "invalid_type"};
    }
    fields.values[part.name] = std::move(value);
  }
  return fields;
}

}  // namespace axle::api
