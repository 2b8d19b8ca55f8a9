#include "api/latest/look.h"

#include <fmt/format.h>

#include <charconv>
#include <string_view>

namespace axle::api {
namespace {

using Query = std::map<std::string, std::string>;

const std::string* find(const Query& query, const std::string& name) {
  const auto found = query.find(name);
  return found == query.end() ? nullptr : &found->second;
}

Status wrong(std::string_view name, std::string_view wanted, std::string_view found) {
  return invalid_argument(fmt::format("{}: wanted {}, found \"{}\"", name, wanted, found));
}

Status read_size(const Query& query, pictures::Output& output) {
  if (find(query, "width") == nullptr && find(query, "height") == nullptr) return {};
  if (find(query, "width") == nullptr || find(query, "height") == nullptr)
    return invalid_argument("width and height: wanted both or none, found one");
  AXLE_TRY_ASSIGN(const int width, query_number(query, "width", 1, pictures::kMaxOutputSide, 1));
  AXLE_TRY_ASSIGN(const int height, query_number(query, "height", 1, pictures::kMaxOutputSide, 1));
  output.size = image::Size{width, height};
  return {};
}

Status read_dither(const Query& query, pictures::Output& output) {
  const std::string* dither = find(query, "dither");
  if (dither == nullptr) return {};
  const auto named = pictures::dither_named(*dither);
  if (!named) return wrong("dither", "floyd-steinberg, bayer or none", *dither);
  output.dither = *named;
  return {};
}

Status read_gamma(const Query& query, pictures::Output& output) {
  const std::string* gamma = find(query, "gamma");
  if (gamma == nullptr) return {};
  const char* end = gamma->data() + gamma->size();
  const auto [stopped, error] = std::from_chars(gamma->data(), end, output.gamma);
  if (error != std::errc() || stopped != end || !(output.gamma >= 0.1 && output.gamma <= 10.0))
    return wrong("gamma", "a number from 0.1 to 10", *gamma);
  return {};
}

}  // namespace

Result<int> query_number(const Query& query, const std::string& name, int least, int most,
                         int otherwise) {
  const std::string* text = find(query, name);
  if (text == nullptr) return otherwise;
  int number = 0;
  const char* end = text->data() + text->size();
  const auto [stopped, error] = std::from_chars(text->data(), end, number);
  if (error != std::errc() || stopped != end || number < least || number > most)
    return wrong(name, fmt::format("a whole number from {} to {}", least, most), *text);
  return number;
}

Result<pictures::Output> parse_look(const Query& query, pictures::Form form) {
  pictures::Output output;
  output.form = form;
  AXLE_TRY(read_size(query, output));
  if (const std::string* fit = find(query, "fit")) {
    const auto named = pictures::fit_named(*fit);
    if (!named) return wrong("fit", "crop, pad or stretch", *fit);
    output.fit = *named;
  }
  AXLE_TRY_ASSIGN(output.quality, query_number(query, "quality", 1, 100, output.quality));
  AXLE_TRY(read_gamma(query, output));
  AXLE_TRY(read_dither(query, output));
  AXLE_TRY_ASSIGN(const int inverted, query_number(query, "inverted", 0, 1, 0));
  output.inverted = inverted == 1;
  return output;
}

}  // namespace axle::api
