#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "app/commands.h"
#include "base/result.h"
#include "http/message.h"

namespace axle::app {

// What `axle image` sends: a form where it begins with a picture, else JSON.
struct ImageCall {
  std::string path;
  std::string body;
  http::HeaderList headers;
};

// Pure, for tests. `picture` and `mask`: contents of files, empty where there are none.
ImageCall image_call(const ImageArguments& arguments, const std::string& picture,
                     const std::string& mask);

// What an event of the answer's stream says.
struct ImageNews {
  bool finished = false;     // A picture is done; else how one looks.
  std::int32_t index = 0;    // Of the picture.
  std::int32_t partial = 0;  // Of those of a picture that is not finished.
  std::uint64_t seed = 0;
  std::string file;  // Of one that is finished.
};

// Errors: kUnavailable  the event is an error object (its message). kCorrupt  not such an event.
Result<ImageNews> image_news(std::string_view data);

// The file of picture `index` of `count`: the output as it was named, with a number where there are
// several; else the prompt's first words and the seed.
std::filesystem::path image_file(const ImageArguments& arguments, std::int32_t index,
                                 std::int32_t count, std::uint64_t seed);

}  // namespace axle::app
