#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

// The text about a picture that A1111 keeps in its files under "parameters": the prompt, a line
// with the negative prompt, and a last line "Steps: 4, Sampler: LCM, ...". image/encode.h puts it
// into files and image/metadata.h finds it there.
//
// Source: AUTOMATIC1111/stable-diffusion-webui 1.10, modules/processing.py (create_infotext) and
// modules/infotext_utils.py (quote, parse_generation_parameters).
namespace axle::pictures {

// Where a picture's first noise was led away from that of its seed.
struct Variation {
  std::uint64_t seed = 0;
  double strength = 0.0;  // 0 to 1.
  friend bool operator==(const Variation&, const Variation&) = default;
};

// What one picture was made of. Texts are UTF-8; empty ones are not told.
struct Infotext {
  std::string prompt;
  std::string negative_prompt;
  std::int32_t steps = 0;
  std::string sampler = "LCM";
  std::string schedule_type;
  double cfg_scale = 1.0;
  std::uint64_t seed = 0;
  std::int32_t width = 0;   // Pixels.
  std::int32_t height = 0;  // Pixels.
  std::string model_hash;
  std::string model;
  std::optional<Variation> variation;
  std::optional<double> denoising_strength;  // Of a picture that began with another one.
  std::string init_image_hash;
  std::string rng = "CPU";  // A1111's name for random numbers in the order of PyTorch on a CPU.
  std::vector<std::pair<std::string, std::string>> extras;  // Further keys and values.
  std::string version;                                      // "axle 0.1.0".
  friend bool operator==(const Infotext&, const Infotext&) = default;
};

// How A1111 tells models apart in texts and lists: the first ten digits of a model's SHA-256. Empty
// where that is.
std::string short_hash(const std::string& sha256);

// The text for `picture`, as A1111 writes it: its keys in its order, values that hold a comma, a
// colon or a line break as JSON strings. Values that A1111's parser would otherwise read as
// something else (blanks at an end, a quotation mark in front) are written as JSON strings too.
std::string write_infotext(const Infotext& picture);

// `value` as Python writes a float: the shortest digits that mean it, with ".0" where it is whole.
std::string python_float(double value);

// One entry of a parsed text.
struct InfotextField {
  std::string key;  // "Prompt", "Steps", "Size-1" ...
  std::string value;
  bool is_number = false;  // A number in A1111's answers (some filled-in defaults are).
  friend bool operator==(const InfotextField&, const InfotextField&) = default;
};

// A parsed text: "Prompt" and "Negative prompt", then the keys of the last line in their order,
// then the defaults of what was absent.
struct ParsedInfotext {
  std::vector<InfotextField> fields;

  // The value of `key`; nullptr where there is none.
  const std::string* find(std::string_view key) const;
};

// What A1111 reads from `text`. Any text can be read: one without a last line of at least three
// "Key: value" is a prompt. Takes time in proportion to the text.
//
// It differs in this: every character outside ASCII but white space counts as a letter of a key;
// styles are not looked for; old forms ("First pass size", the compatibility of A1111's own older
// versions) are left as they are.
ParsedInfotext parse_infotext(std::string_view text);

}  // namespace axle::pictures
