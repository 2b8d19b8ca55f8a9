#include "api/openai/images.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>
#include <utility>

#include "api/openai/errors.h"
#include "api/openai/image_plan.h"

namespace axle::api {
ImagesApi::ImagesApi(pictures::Studio& studio, ImagesOptions options)
    : studio_(studio),
      options_(std::move(options)),
      files_(options_.files),
      keep_alive_(options_.ping_interval) {}

void ImagesApi::add_routes(http::Router& router) {
  using Shared = std::shared_ptr<http::Exchange>;
  const auto add = [&](const char* path, ImageTask task) {
    router.add("POST", path, [this, task](const Shared& exchange) { paint(task, exchange); });
  };
  add("/v1/images/generations", ImageTask::kGenerate);
  add("/v1/images/edits", ImageTask::kEdit);
  add("/v1/images/variations", ImageTask::kVary);
  // Without a key, as OpenAI's addresses: the name is the secret.
  router.add(
      "GET", "/v1/images/files/{name}", [this](const Shared& exchange) { show_file(exchange); },
      http::Access::kOpen);
}

void ImagesApi::paint(ImageTask task, const std::shared_ptr<http::Exchange>& exchange) {
  const auto refuse = [&](const RequestError& error) {
    exchange->respond(error_response(error, studio_.fleet().retry_after()));
  };
  const http::Request& body = exchange->request();
  Parsed<ImageRequest> request =
      parse_image_request(task, body.header("content-type").value_or(""), body.body);
  if (!request.ok()) return refuse(request.error());
  std::shared_ptr<const pictures::ServedPictures> model = studio_.find(request.value().model);
  if (model == nullptr) return refuse(model_error(request.value().model));
  Parsed<ImagePlan> plan =
      plan_image(task, request.value(), *model, options_.sources, pictures::random_seed());
  if (!plan.ok()) return refuse(plan.error());
  request.value().picture = {};
  request.value().mask = {};
  const auto answer = std::make_shared<ImageAnswer>(ImageContext{studio_, files_}, exchange, task,
                                                    std::move(request.value()));
  answer->start(std::move(plan.value()), std::move(model));
  keep_alive_.watch(answer);
}

RequestError ImagesApi::model_error(const std::string& name) const {
  const std::string known = studio_.models().empty()
                                ? "this server has no picture models"
                                : "its picture models are " + studio_.known_names();
  if (std::ranges::find(options_.chat_models, name) != options_.chat_models.end()) {
    return {invalid_argument(fmt::format("\"{}\" is a language model, which paints nothing; use "
                                         "it with /v1/chat/completions; {}",
                                         name, known)),
            "model", "wrong_model_kind"};
  }
  if (name.empty()) return {not_found(known), "model", "model_not_found"};
  return {not_found(fmt::format("there is no model \"{}\"; {}", name, known)), "model",
          "model_not_found"};
}

void ImagesApi::show_file(const std::shared_ptr<http::Exchange>& exchange) const {
  const auto file =
      files_.find(exchange->request().param("name"), std::chrono::steady_clock::now());
  if (file == nullptr) {
    return exchange->respond(error_response(
        {not_found(fmt::format("there is no such picture, or not any more: addresses live for {} "
                               "minutes, fewer where many are asked for",
                               options_.files.lifetime.count())),
         "", "not_found"},
        std::chrono::seconds(1)));
  }
  exchange->respond(
      {200,
       {{"Content-Type", file->media_type}, {"Cache-Control", "private, immutable, max-age=3600"}},
       file->bytes});
}

}  // namespace axle::api
