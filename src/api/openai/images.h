#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "api/openai/image_answer.h"
#include "api/openai/image_request.h"
#include "api/openai/keep_alive.h"
#include "api/openai/picture_files.h"
#include "http/router.h"
#include "pictures/source.h"
#include "pictures/studio.h"

namespace axle::api {

struct ImagesOptions {
  // Silence on a stream after which it gets a ": ping" comment; 0: never.
  std::chrono::milliseconds ping_interval = std::chrono::seconds(15);
  pictures::SourceRules sources = {};         // For the pictures that edits start from.
  PictureFilesOptions files = {};             // For "response_format": "url".
  std::vector<std::string> chat_models = {};  // Whose names are no picture models: for messages.
};

// The OpenAI routes for pictures: POST /v1/images/generations, /edits and /variations,
// GET /v1/images/files/{name}.
//
// Threading: handlers run on the server's worker threads.
// Lifetime: the studio must outlive it, and it must outlive the server that has its routes and,
// stopped, the fleet.
class ImagesApi {
 public:
  ImagesApi(pictures::Studio& studio, ImagesOptions options);

  void add_routes(http::Router& router);

 private:
  void paint(ImageTask task, const std::shared_ptr<http::Exchange>& exchange);
  void show_file(const std::shared_ptr<http::Exchange>& exchange) const;
  RequestError model_error(const std::string& name) const;

  pictures::Studio& studio_;
  const ImagesOptions options_;
  PictureFiles files_;
  KeepAlive keep_alive_;
};

}  // namespace axle::api
