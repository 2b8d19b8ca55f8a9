#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "api/openai/request_error.h"
#include "image/picture.h"
#include "pictures/output.h"

namespace axle::api {

inline constexpr std::int32_t kMaxPictures = 10;             // Of one request, as OpenAI allows.
inline constexpr std::int32_t kMaxPartialPictures = 3;       // The same.
inline constexpr std::size_t kMaxPromptCharacters = 32'000;  // As OpenAI has it.
inline constexpr std::size_t kMaxReplaceKeyBytes = 256;

// What a request is for: the three routes of /v1/images.
enum class ImageTask : std::uint8_t { kGenerate, kEdit, kVary };

// A picture as a request brings it.
struct GivenPicture {
  std::string content;
  bool is_file = false;  // The bytes of a file; else base64, a data URI or an address.
  bool empty() const { return content.empty(); }
};

// A body of POST /v1/images/... in our own types, checked and with defaults filled in, but for what
// depends on the model.
struct ImageRequest {
  std::string model;   // Empty: the request named none.
  std::string prompt;  // Empty only in variations.
  std::string negative_prompt;
  std::int32_t count = 1;           // `n`.
  std::optional<image::Size> size;  // Absent: "auto".
  std::optional<std::int32_t> steps;
  std::optional<double> strength;  // Of edits and variations.
  double guidance = 1.0;           // `cfg_scale` or `guidance_scale`.
  std::optional<std::uint64_t> seed;
  GivenPicture picture;  // Of edits and variations.
  GivenPicture mask;     // Of edits; may be empty.
  bool as_url = false;   // `response_format`.
  bool stream = false;
  std::int32_t partial_pictures = 0;  // `partial_images`.
  std::string quality = "auto";
  pictures::Output output;
  std::string replace_key;
  std::int32_t priority = 0;
  std::optional<std::chrono::milliseconds> deadline;  // `deadline_s`, from the request's arrival.
};

// Reads and checks a body: a form where `content_type` is multipart/form-data, else JSON. Unknown
// fields are ignored; null equals absent, as does an empty field of a form.
//
// Errors: kInvalidArgument  no form or JSON, a field that is missing, of a wrong type or out of its
//                           range; more than one picture to start from.
//         kUnsupported      a value that OpenAI knows and this server does not do: transparent
//                           backgrounds.
Parsed<ImageRequest> parse_image_request(ImageTask task, std::string_view content_type,
                                         std::string_view body);

}  // namespace axle::api
