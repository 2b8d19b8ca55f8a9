#pragma once

#include <cstddef>
#include <string>

#include "base/result.h"
#include "package/picture_files.h"
#include "package/picture_package.h"

// What the engines of a picture package say about it. Not part of the room's interface.
namespace axle::package {

struct PictureEngines {
  PictureVariant variant;
  std::size_t text_length = 0;  // L
  std::size_t text_width = 0;   // D
  std::size_t time_width = 0;   // E
  Producer producer = Producer::kAxle;
  std::string toolchain;
  bool has_weights = true;
};

// Reads the engines of one size and checks that they fit each other.
// Errors: kCorrupt      a damaged file, a tensor of a shape that contradicts the others (file,
//                       tensor, wanted, found).
//         kUnsupported  an element type that the card does not take.
//         And those of MappedFile::open().
Result<PictureEngines> read_picture_engines(const PictureVariantFiles& files);

}  // namespace axle::package
