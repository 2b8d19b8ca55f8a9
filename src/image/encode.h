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
  kFast,   // For answers: little time.
  kSmall,  // For keeping: smaller, most of all where colours are few; several times as long.
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

}  // namespace axle::image
