#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "api/openai/image_request.h"

// The answers of /v1/images/... as OpenAI writes them, with `seed`, `index` and `notes` beside.
namespace axle::api {

// What all answers to one request have in common.
struct ImageHead {
  std::int64_t created = 0;  // Unix seconds.
  std::string size;          // "128x128", of what is handed out.
  std::string output_format;
  std::string quality;
  std::int32_t input_tokens = 0;
  std::vector<std::string> notes;
};

// A finished picture.
struct ImageEntry {
  std::string content;  // Base64, or an address with `is_url`.
  bool is_url = false;
  std::uint64_t seed = 0;
};

std::string images_json(const ImageHead& head, const std::vector<ImageEntry>& entries);

// An event of a stream: its name is the `type` of its data.
struct ImageEvent {
  std::string name;
  std::string data;
};
// `number`: of the partial pictures of this one, from 0. `index`: of the picture, from 0.
ImageEvent partial_event(ImageTask task, const ImageHead& head, std::int32_t index,
                         std::int32_t number, std::string_view base64);
ImageEvent completed_event(ImageTask task, const ImageHead& head, std::int32_t index,
                           const ImageEntry& entry);

}  // namespace axle::api
