#include "app/image_request.h"

#include <fmt/format.h>

#include <boost/json.hpp>
#include <cctype>
#include <vector>

#include "base/base64.h"
#include "http/multipart.h"

namespace axle::app {
namespace {

namespace json = boost::json;

// Partial pictures of each: as many as an LCM model has steps before its last, as a rule.
constexpr int kPartials = 3;
constexpr std::size_t kLongestName = 40;

// Fields of both forms, by name; numbers and texts.
json::object fields_of(const ImageArguments& arguments) {
  json::object fields{{"prompt", arguments.prompt},
                      {"n", arguments.count},
                      {"stream", true},
                      {"partial_images", kPartials},
                      {"response_format", "b64_json"}};
  if (!arguments.model.empty()) fields["model"] = arguments.model;
  if (!arguments.negative.empty()) fields["negative_prompt"] = arguments.negative;
  if (!arguments.size.empty()) fields["size"] = arguments.size;
  if (arguments.steps) fields["steps"] = *arguments.steps;
  if (arguments.seed) fields["seed"] = *arguments.seed;
  if (arguments.guidance) fields["guidance_scale"] = *arguments.guidance;
  if (arguments.strength) fields["strength"] = *arguments.strength;
  return fields;
}

std::string text_of(const json::value& value) {
  return value.is_string() ? std::string(value.get_string()) : json::serialize(value);
}

ImageCall form_call(const json::object& fields, const std::string& picture,
                    const std::string& mask) {
  std::vector<std::string> texts;  // What the parts' views look at.
  texts.reserve(fields.size());
  std::vector<http::FormPart> parts;
  for (const auto& [name, value] : fields) {
    texts.push_back(text_of(value));
    parts.push_back({std::string(name), std::nullopt, "", texts.back()});
  }
  parts.push_back({"image", "image", "application/octet-stream", picture});
  if (!mask.empty()) parts.push_back({"mask", "mask", "application/octet-stream", mask});
  const http::Form form = http::write_multipart(parts);
  return {"/v1/images/edits", form.body, {{"Content-Type", form.content_type}}};
}

}  // namespace

ImageCall image_call(const ImageArguments& arguments, const std::string& picture,
                     const std::string& mask) {
  const json::object fields = fields_of(arguments);
  if (!picture.empty()) return form_call(fields, picture, mask);
  return {
      "/v1/images/generations", json::serialize(fields), {{"Content-Type", "application/json"}}};
}

Result<ImageNews> image_news(std::string_view data) {
  json::error_code error;
  const json::value value = json::parse({data.data(), data.size()}, error);
  const json::object* event = error ? nullptr : value.if_object();
  if (event == nullptr) return corrupt("the answer holds an event that is no JSON object");
  if (const json::value* failure = event->if_contains("error")) {
    const json::value* message =
        failure->is_object() ? failure->get_object().if_contains("message") : nullptr;
    return unavailable(message == nullptr ? json::serialize(*failure) : text_of(*message));
  }
  const auto number = [event](const char* name) -> std::int64_t {
    const json::value* found = event->if_contains(name);
    if (found == nullptr || !found->is_number()) return 0;
    json::error_code ignored;
    return found->to_number<std::int64_t>(ignored);
  };
  const json::value* type = event->if_contains("type");
  const json::value* picture = event->if_contains("b64_json");
  if (type == nullptr || !type->is_string() || picture == nullptr || !picture->is_string())
    return corrupt("the answer holds an event without type or picture");
  ImageNews news;
  const std::string_view name = type->get_string();
  news.finished = name.ends_with(".completed");
  news.index = static_cast<std::int32_t>(number("index"));
  news.partial = static_cast<std::int32_t>(number("partial_image_index"));
  news.seed = static_cast<std::uint64_t>(number("seed"));
  if (!news.finished) return news;
  AXLE_TRY_ASSIGN(news.file, decode_base64(std::string_view(picture->get_string())));
  return news;
}

std::filesystem::path image_file(const ImageArguments& arguments, std::int32_t index,
                                 std::int32_t count, std::uint64_t seed) {
  if (!arguments.output.empty()) {
    if (count == 1) return arguments.output;
    std::filesystem::path numbered = arguments.output;
    numbered.replace_filename(fmt::format("{}-{}{}", arguments.output.stem().string(), index + 1,
                                          arguments.output.extension().string()));
    return numbered;
  }
  std::string name;
  for (const char c : arguments.prompt) {
    const bool plain = std::isalnum(static_cast<unsigned char>(c)) != 0;
    if (plain) {
      name += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    } else if (!name.empty() && name.back() != '-') {
      name += '-';
    }
    if (name.size() >= kLongestName) break;
  }
  while (name.ends_with('-')) name.pop_back();
  return fmt::format("{}-{}.png", name.empty() ? "picture" : name, seed);
}

}  // namespace axle::app
