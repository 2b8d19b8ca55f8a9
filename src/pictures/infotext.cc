#include "pictures/infotext.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <boost/json.hpp>
#include <unordered_map>

namespace axle::pictures {
namespace {

namespace json = boost::json;

constexpr std::string_view kNegativePrompt = "Negative prompt:";
constexpr std::size_t kFewestPairs = 3;  // In a last line that is not part of the prompt.

// White space beyond ASCII as UTF-8, as str.strip() of Python takes it off.
constexpr std::array<std::string_view, 19> kWideSpaces = {
    "\u0085", "\u00a0", "\u1680", "\u2000", "\u2001", "\u2002", "\u2003",
    "\u2004", "\u2005", "\u2006", "\u2007", "\u2008", "\u2009", "\u200a",
    "\u2028", "\u2029", "\u202f", "\u205f", "\u3000"};

bool is_blank(char c) {
  return c == ' ' || (c >= '\t' && c <= '\r') || (c >= '\x1c' && c <= '\x1f');
}

// Bytes of the white space that `text` begins with, 0 where it begins with none.
std::size_t leading_blank(std::string_view text) {
  if (text.empty()) return 0;
  if (static_cast<unsigned char>(text.front()) < 0x80) return is_blank(text.front()) ? 1 : 0;
  for (const std::string_view space : kWideSpaces) {
    if (text.starts_with(space)) return space.size();
  }
  return 0;
}

std::size_t trailing_blank(std::string_view text) {
  if (text.empty()) return 0;
  if (static_cast<unsigned char>(text.back()) < 0x80) return is_blank(text.back()) ? 1 : 0;
  for (const std::string_view space : kWideSpaces) {
    if (text.ends_with(space)) return space.size();
  }
  return 0;
}

std::string_view strip(std::string_view text) {
  while (const std::size_t blank = leading_blank(text)) text.remove_prefix(blank);
  while (const std::size_t blank = trailing_blank(text)) text.remove_suffix(blank);
  return text;
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// `\w` of the parser's expression.
bool is_word(char c) {
  return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
         static_cast<unsigned char>(c) >= 0x80;
}

// Whether `text` begins with `[\w \-/]` of the parser's expression.
bool begins_key(std::string_view text) {
  const char c = text.front();
  if (c == ' ' || c == '-' || c == '/') return true;
  return is_word(c) && leading_blank(text) == 0;
}

// Of UTF-8: bytes that do not go on with a character.
std::size_t characters(std::string_view text) {
  return static_cast<std::size_t>(std::ranges::count_if(
      text, [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }));
}

std::string json_text(std::string_view text) {
  return json::serialize(json::value(json::string(text)));
}

std::string quote(const std::string& value) {
  const bool plain = value.find_first_of(",\n:") == std::string::npos && value.front() != '"' &&
                     strip(value).size() == value.size();
  return plain ? value : json_text(value);
}

// Writes the last line.
class LastLine {
 public:
  void add(std::string_view key, const std::string& value) {
    if (value.empty()) return;
    if (!text_.empty()) text_ += ", ";
    text_ += key == value ? value : fmt::format("{}: {}", key, quote(value));
  }
  const std::string& text() const { return text_; }

 private:
  std::string text_;
};

// Gathers the entries of a parsed text; a later one of the same key replaces the value.
class Fields {
 public:
  bool has(std::string_view key) const { return places_.contains(std::string(key)); }

  void set(std::string_view key, std::string_view value, bool is_number = false) {
    const auto [place, is_new] = places_.try_emplace(std::string(key), fields_.size());
    if (is_new) fields_.push_back({std::string(key), "", false});
    fields_[place->second].value = value;
    fields_[place->second].is_number = is_number;
  }

  void set_default(std::string_view key, std::string_view value, bool is_number = false) {
    if (!has(key)) set(key, value, is_number);
  }

  std::vector<InfotextField> take() && { return std::move(fields_); }

 private:
  std::vector<InfotextField> fields_;
  std::unordered_map<std::string, std::size_t> places_;  // Of the keys in `fields_`.
};

// A "Key: value" of the last line, as views of it.
struct Pair {
  std::string_view key;
  std::string_view value;  // With its quotation marks.
};

// The value that begins `text`: up to the comma that ends it, which is not inside a JSON string.
// Source: infotext_utils.py, re_param_code: ("(?:\\.|[^\\"])+"|[^,]*)(?:,|$)
std::string_view value_at(std::string_view text) {
  if (text.starts_with('"')) {
    std::size_t end = 1;
    while (end < text.size() && text[end] != '"') end += text[end] == '\\' ? 2U : 1U;
    const std::size_t after = end + 1;
    if (end > 1 && end < text.size() && (after == text.size() || text[after] == ',')) {
      return text.substr(0, after);
    }
  }
  return text.substr(0, text.find(','));
}

// The pairs of a line, left to right, as findall() of Python finds them: \s*(\w[\w \-/]+):\s* in
// front of each value.
std::vector<Pair> find_pairs(std::string_view line) {
  std::vector<Pair> pairs;
  std::size_t at = 0;
  while (at < line.size()) {
    if (!begins_key(line.substr(at))) {
      at += std::max<std::size_t>(leading_blank(line.substr(at)), 1);
      continue;
    }
    // A key is the rest of a run of its characters that ends at a colon.
    std::size_t end = at;
    while (end < line.size() && begins_key(line.substr(end))) ++end;
    while (at < end && !is_word(line[at])) ++at;
    if (end == line.size() || line[end] != ':' || characters(line.substr(at, end - at)) < 2) {
      at = end;
      continue;
    }
    std::size_t begin = end + 1;
    while (const std::size_t blank = leading_blank(line.substr(begin))) begin += blank;
    const std::string_view value = value_at(line.substr(begin));
    pairs.push_back({line.substr(at, end - at), value});
    at = std::min(begin + value.size() + 1, line.size());
  }
  return pairs;
}

// Without the quotation marks, where it is a JSON string.
std::string unquote(std::string_view value) {
  if (!value.starts_with('"') || !value.ends_with('"')) return std::string(value);
  boost::system::error_code error;
  const json::value parsed = json::parse(json::string_view(value.data(), value.size()), error);
  if (error || !parsed.is_string()) return std::string(value);
  return std::string(parsed.get_string());
}

// The two numbers of "512x768".
std::optional<std::pair<std::string_view, std::string_view>> split_size(std::string_view value) {
  const std::size_t cross = value.find('x');
  if (cross == std::string_view::npos) return std::nullopt;
  const std::string_view width = value.substr(0, cross);
  const std::string_view height = value.substr(cross + 1);
  if (width.empty() || height.empty()) return std::nullopt;
  if (!std::ranges::all_of(width, is_digit) || !std::ranges::all_of(height, is_digit)) {
    return std::nullopt;
  }
  return std::pair(width, height);
}

void add_line(std::string& text, std::string_view line) {
  if (!text.empty()) text += '\n';
  text += line;
}

void set_prompts(std::string_view text, Fields& fields) {
  std::string prompt;
  std::string negative;
  bool is_negative = false;
  for (std::size_t begin = 0; begin <= text.size();) {
    const std::size_t end = std::min(text.find('\n', begin), text.size());
    std::string_view line = strip(text.substr(begin, end - begin));
    begin = end + 1;
    if (line.starts_with(kNegativePrompt)) {
      is_negative = true;
      line = strip(line.substr(kNegativePrompt.size()));
    }
    add_line(is_negative ? negative : prompt, line);
  }
  fields.set("Prompt", prompt);
  fields.set("Negative prompt", negative);
}

void set_pairs(const std::vector<Pair>& pairs, Fields& fields) {
  for (const Pair& pair : pairs) {
    if (pair.value.empty()) continue;  // A1111 reports these and goes on.
    const std::string value = unquote(pair.value);
    if (const auto size = split_size(value)) {
      fields.set(fmt::format("{}-1", pair.key), size->first);
      fields.set(fmt::format("{}-2", pair.key), size->second);
    } else {
      fields.set(pair.key, value);
    }
  }
}

void set_defaults(Fields& fields) {
  fields.set_default("Clip skip", "1");
  if (!fields.has("Hires resize-1")) {
    fields.set("Hires resize-1", "0", true);
    fields.set("Hires resize-2", "0", true);
  }
  fields.set_default("Hires sampler", "Use same sampler");
  fields.set_default("Hires checkpoint", "Use same checkpoint");
  fields.set_default("Hires prompt", "");
  fields.set_default("Hires negative prompt", "");
  fields.set_default("Mask mode", "Inpaint masked");
  fields.set_default("Masked content", "original");
  fields.set_default("Inpaint area", "Whole picture");
  fields.set_default("Masked area padding", "32", true);
  fields.set_default("RNG", "GPU");
  fields.set_default("Schedule type", "Automatic");
  fields.set_default("Schedule max sigma", "0", true);
  fields.set_default("Schedule min sigma", "0", true);
  fields.set_default("Schedule rho", "0", true);
  fields.set_default("VAE Encoder", "Full");
  fields.set_default("VAE Decoder", "Full");
  fields.set_default("FP8 weight", "Disable");
}

}  // namespace

std::string python_float(double value) {
  std::string text = fmt::format("{}", value);
  if (text.find_first_not_of("-0123456789") == std::string::npos) text += ".0";
  return text;
}

std::string short_hash(const std::string& sha256) { return sha256.substr(0, 10); }

std::string write_infotext(const Infotext& picture) {
  LastLine line;
  line.add("Steps", fmt::format("{}", picture.steps));
  line.add("Sampler", picture.sampler);
  line.add("Schedule type", picture.schedule_type);
  line.add("CFG scale", python_float(picture.cfg_scale));
  line.add("Seed", fmt::format("{}", picture.seed));
  line.add("Size", fmt::format("{}x{}", picture.width, picture.height));
  line.add("Model hash", picture.model_hash);
  line.add("Model", picture.model);
  if (picture.variation && picture.variation->strength != 0.0) {
    line.add("Variation seed", fmt::format("{}", picture.variation->seed));
    line.add("Variation seed strength", python_float(picture.variation->strength));
  }
  if (picture.denoising_strength) {
    line.add("Denoising strength", python_float(*picture.denoising_strength));
  }
  line.add("Init image hash", picture.init_image_hash);
  line.add("RNG", picture.rng);
  for (const auto& [key, value] : picture.extras) line.add(key, value);
  line.add("Version", picture.version);

  std::string text = picture.prompt;
  if (!picture.negative_prompt.empty()) {
    text += fmt::format("\n{} {}", kNegativePrompt, picture.negative_prompt);
  }
  text += '\n';
  text += line.text();
  return std::string(strip(text));
}

const std::string* ParsedInfotext::find(std::string_view key) const {
  const auto found = std::ranges::find(fields, key, &InfotextField::key);
  return found == fields.end() ? nullptr : &found->value;
}

ParsedInfotext parse_infotext(std::string_view text) {
  text = strip(text);
  const std::size_t line_end = text.rfind('\n');
  const std::string_view last =
      line_end == std::string_view::npos ? text : text.substr(line_end + 1);
  std::vector<Pair> pairs = find_pairs(last);
  std::string_view prompts = text.substr(0, text.size() - last.size());
  if (pairs.size() < kFewestPairs) {
    pairs.clear();
    prompts = text;
  }
  if (prompts.ends_with('\n')) prompts.remove_suffix(1);
  Fields fields;
  set_prompts(prompts, fields);
  set_pairs(pairs, fields);
  set_defaults(fields);
  return {std::move(fields).take()};
}

}  // namespace axle::pictures
