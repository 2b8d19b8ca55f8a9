#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"

namespace axle::image {

// A text that a picture file carries, both parts UTF-8.
struct TextItem {
  std::string key;
  std::string text;
  friend bool operator==(const TextItem&, const TextItem&) = default;
};

// What a picture file says in words.
struct Metadata {
  // How the picture was made, as A1111 finds it: the EXIF UserComment where there is one, else the
  // PNG text of the keyword "parameters", else the first comment. Empty where there is none.
  std::string parameters;
  // PNG: the texts of all tEXt, zTXt and iTXt chunks in their order. JPEG and GIF: the comments,
  // with the key "comment". WebP has none.
  std::vector<TextItem> items;
};

// The most that read_metadata() takes from one file: texts, and their bytes together, unpacked.
inline constexpr std::size_t kMaxTexts = 1000;
inline constexpr std::size_t kMaxTextBytes = std::size_t{4} << 20;

// The texts in `file`, a PNG, JPEG, WebP or GIF. Pixels are not looked at, and a part that cannot
// be read (a wrong check sum, a broken EXIF block, a file that ends too soon) is left out: what is
// there is told.
//
// Source: PNG (third edition) 11.3.3, EXIF 2.32.
//
// Errors: kInvalidArgument  none of the four kinds; more than kMaxTexts or kMaxTextBytes.
//         kExhausted        no memory.
Result<Metadata> read_metadata(std::span<const std::byte> file);

}  // namespace axle::image
