#include "api/sdcpp/sdcpp.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json.hpp>
#include <utility>

namespace axle::api::sdcpp {
namespace {

namespace json = boost::json;

http::Response error(int status, std::string_view code, const std::string& message) {
  return http::json_response(
      status, json::serialize(json::object{{"error",
                                            {{"code", json::string_view(code.data(), code.size())},
                                             {"message", message}}}}));
}

json::object defaults_of(const pictures::ServedPictures& model) {
  const package::PictureVariant& size = model.package.variants.front();
  return {{"prompt", ""},
          {"negative_prompt", ""},
          {"clip_skip", -1},
          {"width", size.width},
          {"height", size.height},
          {"strength", Request{}.strength},
          {"seed", -1},
          {"batch_count", 1},
          {"sample_params",
           {{"scheduler", "lcm"},
            {"sample_method", "lcm"},
            {"sample_steps", model.nearest_steps(pictures::kUsualSteps)},
            {"eta", nullptr},
            {"shifted_timestep", 0},
            {"flow_shift", nullptr},
            {"guidance", {{"txt_cfg", 1.0}, {"img_cfg", nullptr}, {"distilled_guidance", 0.0}}}}},
          {"output_format", "png"},
          {"output_compression", 90}};
}

json::object limits_of(const pictures::ServedPictures& model) {
  const auto& sizes = model.package.variants;
  const auto [narrow, wide] = std::ranges::minmax(sizes, {}, &package::PictureVariant::width);
  const auto [low, high] = std::ranges::minmax(sizes, {}, &package::PictureVariant::height);
  return {{"min_width", narrow.width},
          {"max_width", wide.width},
          {"min_height", low.height},
          {"max_height", high.height},
          {"max_batch_count", kMaxCount}};
}

}  // namespace

SdcppApi::SdcppApi(pictures::Studio& studio, pictures::SourceRules rules)
    : studio_(studio), rules_(std::move(rules)) {}

void SdcppApi::add_routes(http::Router& router) {
  router.add("GET", "/sdcpp/v1/capabilities",
             [this](const Exchange& exchange) { exchange->respond(capabilities()); });
  router.add("POST", "/sdcpp/v1/img_gen",
             [this](const Exchange& exchange) { exchange->respond(img_gen(exchange->request())); });
  router.add("GET", "/sdcpp/v1/jobs/{id}", [this](const Exchange& exchange) {
    exchange->respond(show(exchange->request().param("id")));
  });
  router.add("POST", "/sdcpp/v1/jobs/{id}/cancel", [this](const Exchange& exchange) {
    exchange->respond(cancel(exchange->request().param("id")));
  });
  router.set_error_writer("/sdcpp", [](const http::ErrorInfo& info) {
    return error(info.status, info.code, info.message);
  });
}

http::Response SdcppApi::capabilities() const {
  const auto model = studio_.find("");
  if (model == nullptr) return refusal(not_found("no picture model is served"));
  json::array formats;
  for (const char* name : {"png", "jpeg", "webp"}) formats.emplace_back(name);
  const bool edits = model->begins_with(pictures::Start::kPicture);
  const json::object features{
      {"init_image", edits},       {"mask_image", edits},      {"control_image", false},
      {"ip_adapter_image", false}, {"ref_images", false},      {"lora", false},
      {"vae_tiling", false},       {"hires", false},           {"cache", false},
      {"cancel_queued", true},     {"cancel_generating", true}};
  const json::object defaults = defaults_of(*model);
  return http::json_response(
      200, json::serialize(json::object{
               {"model", {{"name", model->name}, {"stem", model->name}, {"path", model->name}}},
               {"current_mode", "img_gen"},
               {"supported_modes", json::array{"img_gen"}},
               {"defaults", defaults},
               {"output_formats", formats},
               {"features", features},
               {"defaults_by_mode", {{"img_gen", defaults}}},
               {"output_formats_by_mode", {{"img_gen", formats}}},
               {"features_by_mode", {{"img_gen", features}}},
               {"samplers", json::array{"lcm"}},
               {"schedulers", json::array{"lcm"}},
               {"loras", json::array{}},
               {"upscalers", json::array{}},
               {"limits", limits_of(*model)}}));
}

http::Response SdcppApi::img_gen(const http::Request& http_request) {
  const Result<Request> request = parse_request(http_request.body, rules_);
  if (!request.ok()) return refusal(request.status());
  const Result<std::shared_ptr<Job>> job = begin(*request);
  if (!job.ok()) return refusal(job.status());
  const auto created =
      std::chrono::duration_cast<std::chrono::seconds>((*job)->created().time_since_epoch());
  return http::json_response(
      202, json::serialize(json::object{{"id", (*job)->id()},
                                        {"kind", "img_gen"},
                                        {"status", (*job)->status()},
                                        {"created", created.count()},
                                        {"poll_url", "/sdcpp/v1/jobs/" + (*job)->id()}}));
}

Result<std::shared_ptr<Job>> SdcppApi::begin(const Request& request) {
  const auto model = studio_.find(request.model);
  if (model == nullptr) {
    return not_found(fmt::format("'model': there is no picture model \"{}\"; this server has {}",
                                 request.model, studio_.known_names()));
  }
  AXLE_TRY_ASSIGN(Plan plan, make_plan(request, *model, rules_, pictures::random_seed()));
  const auto job =
      std::make_shared<Job>(jobs_.new_id(), request.output, request.text, std::move(plan.notes));
  AXLE_TRY_ASSIGN(const std::shared_ptr<pictures::Run> run,
                  studio_.start(std::move(plan.order), model, job, {request.replace_key, {}}));
  job->set_run(run);
  jobs_.add(job);
  return job;
}

http::Response SdcppApi::show(const std::string& id) {
  const std::shared_ptr<Job> job = jobs_.find(id);
  return job == nullptr ? no_job(id) : http::json_response(200, job->json());
}

http::Response SdcppApi::cancel(const std::string& id) {
  const std::shared_ptr<Job> job = jobs_.find(id);
  if (job == nullptr) return no_job(id);
  if (!job->cancel())
    return error(409, "conflict", fmt::format("job {} has ended: {}", id, job->status()));
  return http::json_response(200, job->json());
}

http::Response SdcppApi::no_job(const std::string& id) const {
  if (jobs_.is_gone(id))
    return error(410, "gone", fmt::format("job {} is no longer kept: it ended some time ago", id));
  return error(404, "not_found", fmt::format("there is no job {}", id));
}

http::Response SdcppApi::refusal(const Status& status) const {
  switch (status.code()) {
    case Code::kInvalidArgument:
    case Code::kCorrupt:
    case Code::kUnsupported:
      return error(400, "invalid_request", status.message());
    case Code::kNotFound:
      return error(404, "not_found", status.message());
    case Code::kExhausted:
    case Code::kUnavailable:
    case Code::kCardLost: {
      const bool full = status.code() == Code::kExhausted;
      http::Response response =
          error(full ? 429 : 503, full ? "queue_full" : "unavailable", status.message());
      response.headers.emplace_back("Retry-After",
                                    std::to_string(studio_.fleet().retry_after().count()));
      return response;
    }
    default:
      return error(500, "internal", status.message());
  }
}

}  // namespace axle::api::sdcpp
