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

// What a picture begins with: noise, or another picture.
enum class Start : std::uint8_t { kNoise, kPicture };

// What the front knows of a picture model that it serves: its sizes, steps and words, not its
// weights.
//
// Threading: immutable; used by all request threads.
struct ServedPictures {
  std::string name;    // The `model` of requests.
  std::string sha256;  // package::recorded_sha256(): empty where nothing is recorded.
  package::PicturePackageInfo package;
  text::ClipTokenizer tokenizer;
  std::vector<std::int32_t> step_counts;  // Numbers of steps that it can run, rising; not empty.

  // Errors: those of PicturePackage::open and ClipTokenizer::from_files; kNotFound, kUnavailable
  // the files of the tokenizer. kUnsupported  time rows that allow no run at all.
  static Result<std::shared_ptr<const ServedPictures>> load(const std::string& name,
                                                            const std::string& folder);

  // Has it a size that can begin with `start`?
  bool begins_with(Start start) const;
  // Its size that is nearest to what is wanted, of those that can begin with `start`: of those
  // whose proportions are nearest the one whose area is. REQUIRES: begins_with(start).
  const package::PictureVariant& nearest_size(image::Size wanted,
                                              Start start = Start::kNoise) const;
  // Its number of steps that is nearest to what is wanted; of two the larger.
  std::int32_t nearest_steps(std::int32_t wanted) const;
};

}  // namespace axle::pictures
