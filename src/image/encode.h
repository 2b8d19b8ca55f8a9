#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"
#include "image/picture.h"

// Pictures as files. The same picture and options give the same bytes, whenever and on whichever
// thread (another version of the libraries may give others): no times and no names are written.
//
// `parameters`, where it is not empty, is a text (UTF-8) about how the picture was made, which
// read_metadata() (metadata.h) and other programs find where A1111 puts it. NUL and what is not
// UTF-8 becomes U+FFFD in it.
namespace axle::image {

// How hard the PNG encoder tries. Both are without loss.
enum class PngEffort : std::uint8_t {
  kFast,   // For answers.
  kSmall,  // For keeping: never larger, smaller where colours are few; ten times as long.
};

struct PngOptions {
  PngEffort effort = PngEffort::kFast;
  std::string_view parameters = {};
};

// A PNG of 8 bits a channel: grey, RGB or RGBA. `parameters` becomes a text chunk of that keyword
// in front of the pixels: tEXt where Latin-1 has all its characters, else iTXt.
//
// Errors: kInvalidArgument  not a picture (check()).
//         kExhausted        no memory.
Result<std::string> encode_png(const Picture& picture, const PngOptions& options = {});

// Sides of a JPEG and of a WebP file are at most this long, by libjpeg and by the format.
inline constexpr int kMaxJpegSide = 65500;
inline constexpr int kMaxWebpSide = 16383;

struct JpegOptions {
  int quality = 90;  // 1 to 100. From 90 on colours have the resolution of brightness, else half.
  std::string_view parameters = {};
};

// A JPEG (baseline, JFIF), grey or YCbCr. `parameters` becomes the UserComment of an EXIF block as
// piexif writes it: "UNICODE" and UTF-16 big endian.
//
// Errors: kInvalidArgument  not a picture (check()); 4 channels (flatten() it first); a side above
//                           kMaxJpegSide; a quality that is none; `parameters` of more than 32,739
//                           UTF-16 units, which have no place in one segment.
//         kExhausted        no memory.
Result<std::string> encode_jpeg(const Picture& picture, const JpegOptions& options = {});

enum class WebpForm : std::uint8_t { kLossy, kLossless };

struct WebpOptions {
  WebpForm form = WebpForm::kLossy;
  int quality = 90;  // 1 to 100, of kLossy.
  std::string_view parameters = {};
};

// A WebP file; grey becomes RGB, alpha stays. `parameters` becomes an EXIF chunk, as in a JPEG.
//
// Errors: kInvalidArgument  not a picture (check()); a side above kMaxWebpSide; a quality that is
//                           none.
//         kExhausted        no memory, or more bits than the format has room for.
Result<std::string> encode_webp(const Picture& picture, const WebpOptions& options = {});

}  // namespace axle::image
