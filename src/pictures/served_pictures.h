#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "image/picture.h"
#include "package/picture_package.h"
#include "text/clip_tokenizer.h"

namespace axle::pictures {

// What the front knows of a picture model that it serves: its sizes, steps and words, not its
// weights.
//
// Threading: immutable; used by all request threads.
struct ServedPictures {
  std::string name;  // The `model` of requests.
  package::PicturePackageInfo package;
  text::ClipTokenizer tokenizer;
  std::vector<std::int32_t> step_counts;  // Numbers of steps that it can run, rising; not empty.

  // Errors: those of PicturePackage::open and ClipTokenizer::from_files; kNotFound, kUnavailable
  // the files of the tokenizer. kUnsupported  time rows that allow no run at all.
  static Result<std::shared_ptr<const ServedPictures>> load(const std::string& name,
                                                            const std::string& folder);

  // Its size that is nearest to what is wanted: of those whose proportions are nearest the one
  // whose area is.
  const package::PictureVariant& nearest_size(image::Size wanted) const;
  // Its number of steps that is nearest to what is wanted; of two the larger.
  std::int32_t nearest_steps(std::int32_t wanted) const;
};

}  // namespace axle::pictures
