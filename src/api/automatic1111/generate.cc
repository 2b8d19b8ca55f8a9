#include "api/automatic1111/generate.h"

#include <fmt/format.h>

#include <boost/json.hpp>
#include <utility>
#include <vector>

#include "api/automatic1111/request_object.h"
#include "api/automatic1111/tolerant_reader.h"
#include "base/base64.h"
#include "base/check.h"

namespace axle::api::automatic1111 {
namespace {

namespace json = boost::json;

constexpr double kDefaultStrength = 0.5;
constexpr std::int64_t kPadBlackMode = 2;  // resize_mode

bool is_missing(const json::object& object, json::string_view name) {
  const json::value* value = object.if_contains(name);
  return value == nullptr || value->is_null() ||
         (value->is_string() && value->get_string().empty()) ||
         (value->is_array() && value->get_array().empty());
}

// Gives the fields the names that A1111 has for them.
void rename(json::object& object) {
  if (!is_missing(object, "init_image")) {
    json::value picture = std::move(object["init_image"]);
    object["init_images"] = json::array{std::move(picture)};
  }
  object.erase("init_image");
  if (is_missing(object, "denoising_strength")) {
    object["denoising_strength"] =
        is_missing(object, "strength") ? json::value(kDefaultStrength) : object["strength"];
  }
  object.erase("strength");
}

Task read_task(const json::object& object, std::vector<std::string>& notes) {
  TolerantReader reader(object, notes);
  const std::string mode = reader.text("mode").value_or("");
  if (mode == "txt2img") return Task::kTxt2img;
  if (mode == "img2img") return Task::kImg2img;
  const bool has_picture = !is_missing(object, "init_images");
  reader.note(fmt::format("mode: '{}' asked, {} done", mode, has_picture ? "img2img" : "txt2img"));
  return has_picture ? Task::kImg2img : Task::kTxt2img;
}

// This interface has one picture in an answer.
void keep_one(Request& request) {
  const std::int32_t asked = request.batch_size * request.n_iter;
  if (asked > 1) request.notes.push_back(fmt::format("{} pictures asked, 1 done", asked));
  request.batch_size = 1;
  request.n_iter = 1;
}

}  // namespace

Result<Request> parse_generate(std::string_view body, const pictures::SourceRules& sources) {
  AXLE_TRY_ASSIGN(json::object object, parse_object(body));
  rename(object);
  std::vector<std::string> notes;
  const Task task = read_task(object, notes);
  std::vector<std::string> unused;
  const bool pads = TolerantReader(object, unused).integer("resize_mode", {0, 3}) == kPadBlackMode;
  AXLE_TRY_ASSIGN(Request request, parse_request_object(task, std::move(object), sources));
  request.notes.insert(request.notes.begin(), notes.begin(), notes.end());
  if (pads && task == Task::kImg2img) request.fit = pictures::SourceFit::kPadBlack;
  keep_one(request);
  return request;
}

std::string generate_json(const PaintedPicture& picture, const std::vector<std::string>& notes,
                          const GenerateTimes& times) {
  return json::serialize(json::object{{"status", "ok"},
                                      {"base64", encode_base64(picture.file)},
                                      {"seed", picture.seed},
                                      {"text_time_ms", times.text.count()},
                                      {"total_time_ms", times.total.count()},
                                      {"width", picture.size.width},
                                      {"height", picture.size.height},
                                      {"steps", picture.steps},
                                      {"notes", json::array(notes.begin(), notes.end())}});
}

ErrorAnswer generate_error(const Status& status) {
  AXLE_CHECK(!status.ok());
  int http_status = 400;
  if (status.code() != Code::kInvalidArgument && status.code() != Code::kNotFound &&
      status.code() != Code::kCorrupt && status.code() != Code::kUnsupported) {
    http_status = error_answer(status).http_status;
  }
  return {http_status, service_error_body(status.message())};
}

std::string service_error_body(const std::string& message) {
  return json::serialize(json::object{{"status", "error"}, {"error", message}});
}

}  // namespace axle::api::automatic1111
