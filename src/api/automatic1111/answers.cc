#include "api/automatic1111/answers.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <boost/json.hpp>
#include <charconv>
#include <utility>

#include "api/automatic1111/tolerant_reader.h"
#include "base/base64.h"
#include "base/check.h"
#include "pictures/infotext.h"

namespace axle::api::automatic1111 {
namespace {

namespace json = boost::json;

json::value text_or_null(const std::string& text) {
  return text.empty() ? json::value() : json::value(text);
}

// Processed.js()
json::object info_of(const Request& request, const PaintPlan& plan,
                     const std::vector<PaintedPicture>& pictures, const PaintedHead& head) {
  json::array prompts, negatives, seeds, subseeds, infotexts;
  for (const PaintedPicture& picture : pictures) {
    prompts.emplace_back(request.prompt);
    negatives.emplace_back(request.negative_prompt);
    seeds.emplace_back(picture.seed);
    subseeds.emplace_back(picture.variation_seed);
    infotexts.emplace_back(picture.infotext);
  }
  return {
      {"prompt", request.prompt},
      {"all_prompts", prompts},
      {"negative_prompt", request.negative_prompt},
      {"all_negative_prompts", negatives},
      {"seed", seeds.empty() ? json::value(request.seed) : seeds.front()},
      {"all_seeds", seeds},
      {"subseed", subseeds.empty() ? json::value(request.subseed) : subseeds.front()},
      {"all_subseeds", subseeds},
      {"subseed_strength", request.subseed_strength},
      {"width", plan.order.width},
      {"height", plan.order.height},
      {"sampler_name", "LCM"},
      {"cfg_scale", plan.order.guidance},
      {"steps", plan.order.steps},
      {"batch_size", request.batch_size},
      {"restore_faces", false},
      {"face_restoration_model", nullptr},
      {"sd_model_name", head.model.name},
      {"sd_model_hash", text_or_null(head.model.short_hash())},
      {"sd_vae_name", nullptr},
      {"sd_vae_hash", nullptr},
      {"seed_resize_from_w", -1},
      {"seed_resize_from_h", -1},
      {"denoising_strength", plan.from_picture ? json::value(plan.order.strength) : json::value()},
      {"extra_generation_params", json::object()},
      {"index_of_first_image", 0},
      {"infotexts", infotexts},
      {"styles", json::array()},
      {"job_timestamp", head.job_timestamp},
      {"clip_skip", 1},
      {"is_using_inpainting_conditioning", false},
      {"version", head.version},
      {"notes", json::array(plan.notes.begin(), plan.notes.end())}};
}

struct FixedAnswer {
  std::string_view name;
  std::string_view json;
};
constexpr std::array<FixedAnswer, 14> kFixedAnswers = {{
    {"samplers", R"([{"name":"LCM","aliases":["lcm","k_lcm"],"options":{}}])"},
    {"schedulers",
     R"([{"name":"automatic","label":"Automatic","aliases":null,"default_rho":-1.0,"need_inner_model":false}])"},
    {"upscalers",
     R"([{"name":"None","model_name":null,"model_path":null,"model_url":null,"scale":4.0},)"
     R"({"name":"Lanczos","model_name":null,"model_path":null,"model_url":null,"scale":4.0},)"
     R"({"name":"Nearest","model_name":null,"model_path":null,"model_url":null,"scale":4.0}])"},
    {"latent-upscale-modes",
     R"j([{"name":"Latent"},{"name":"Latent (antialiased)"},{"name":"Latent (bicubic)"},)j"
     R"j({"name":"Latent (bicubic antialiased)"},{"name":"Latent (nearest)"},)j"
     R"j({"name":"Latent (nearest-exact)"}])j"},
    {"sd-vae", "[]"},
    {"loras", "[]"},
    {"embeddings", R"({"loaded":{},"skipped":{}})"},
    {"hypernetworks", "[]"},
    {"face-restorers", "[]"},
    {"realesrgan-models", "[]"},
    {"prompt-styles", "[]"},
    {"scripts", R"({"txt2img":[],"img2img":[]})"},
    {"script-info", "[]"},
    {"extensions", "[]"},
}};

json::object memory_of(const MemoryUse& use) {
  return {{"free", use.free_bytes}, {"used", use.used_bytes}, {"total", use.total_bytes}};
}

// Seconds until it is done; where nothing else is known, as if it went on as it went so far.
double eta_of(const Progress& progress, double share) {
  if (progress.left) return progress.left->count();
  const double elapsed = progress.elapsed.count();
  return progress.job_count > 0 ? elapsed / share - elapsed : 0.0;
}

struct ErrorWords {
  std::string_view kind;
  std::string_view detail;
  std::string_view errors;
};
std::string error_body(const ErrorWords& words) {
  return json::serialize(json::object{
      {"error", words.kind}, {"detail", words.detail}, {"body", ""}, {"errors", words.errors}});
}

json::value number_of(const std::string& text) {
  std::int64_t number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

}  // namespace

std::string ModelEntry::short_hash() const { return pictures::short_hash(sha256); }

std::string ModelEntry::title() const {
  return sha256.empty() ? name : fmt::format("{} [{}]", name, short_hash());
}

std::string painted_json(const Request& request, const PaintPlan& plan,
                         const std::vector<PaintedPicture>& pictures, const PaintedHead& head) {
  json::array images;
  if (request.send_images) {
    for (const PaintedPicture& picture : pictures) {
      images.emplace_back(encode_base64(picture.file));
    }
  }
  boost::system::error_code error;
  json::value parameters = json::parse(request.parameters_json, error);
  if (error) parameters = json::object();
  return json::serialize(
      json::object{{"images", std::move(images)},
                   {"parameters", std::move(parameters)},
                   {"info", json::serialize(info_of(request, plan, pictures, head))},
                   {"notes", json::array(plan.notes.begin(), plan.notes.end())}});
}

std::string options_json(const Options& options) {
  return json::serialize(json::object{{"sd_model_checkpoint", options.model_title},
                                      {"sd_checkpoint_hash", options.model_sha256},
                                      {"samples_format", options.samples_format},
                                      {"sd_vae", "None"},
                                      {"CLIP_stop_at_last_layers", 1},
                                      {"show_progress_every_n_steps", 1},
                                      {"live_previews_enable", true},
                                      {"randn_source", "CPU"},
                                      {"enable_pnginfo", true}});
}

Result<OptionsChange> parse_options(std::string_view body) {
  AXLE_TRY_ASSIGN(const json::object object, parse_object(body));
  OptionsChange change;
  TolerantReader reader(object, change.notes);
  change.model_title = reader.text("sd_model_checkpoint");
  change.samples_format = reader.text("samples_format");
  constexpr std::array<std::string_view, 4> kFormats = {"png", "jpg", "jpeg", "webp"};
  if (change.samples_format &&
      std::ranges::find(kFormats, std::string_view(*change.samples_format)) == kFormats.end()) {
    reader.note(fmt::format("samples_format: {} asked, png done", *change.samples_format));
    change.samples_format = "png";
  }
  return change;
}

std::string options_changed_json(const std::vector<std::string>& notes) {
  if (notes.empty()) return "null";
  return json::serialize(json::object{{"notes", json::array(notes.begin(), notes.end())}});
}

std::string models_json(const std::vector<ModelEntry>& models) {
  json::array list;
  for (const ModelEntry& model : models) {
    list.push_back(json::object{{"title", model.title()},
                                {"model_name", model.name},
                                {"hash", text_or_null(model.short_hash())},
                                {"sha256", text_or_null(model.sha256)},
                                {"filename", model.file},
                                {"config", nullptr}});
  }
  return json::serialize(list);
}

std::optional<std::string_view> fixed_answer(std::string_view name) {
  const auto found = std::ranges::find(kFixedAnswers, name, &FixedAnswer::name);
  return found == kFixedAnswers.end() ? std::nullopt : std::optional(found->json);
}

std::string command_flags_json(const CommandFlags& flags) {
  return json::serialize(
      json::object{{"api", true},
                   {"port", flags.port},
                   {"listen", flags.listens},
                   {"api_auth", flags.has_passwords ? json::value("***") : json::value()},
                   {"nowebui", true}});
}

std::string memory_json(const MemoryUse& ram, const std::optional<MemoryUse>& card) {
  json::object cuda = {{"error", "unavailable"}};
  if (card) {
    // What is taken on the card stays taken, so that "current" and "peak" are the same.
    const json::object taken = {{"current", card->used_bytes}, {"peak", card->used_bytes}};
    cuda = {{"system", memory_of(*card)},
            {"active", taken},
            {"allocated", taken},
            {"reserved", taken},
            {"inactive", {{"current", 0}, {"peak", 0}}},
            {"events", {{"retries", 0}, {"oom", 0}}}};
  }
  return json::serialize(json::object{{"ram", memory_of(ram)}, {"cuda", cuda}});
}

double progress_share(const Progress& progress) {
  if (progress.job_count <= 0) return 0.0;
  double share = 0.01 + static_cast<double>(progress.job_no) / progress.job_count;
  if (progress.steps > 0) {
    share += static_cast<double>(progress.step) / progress.steps / progress.job_count;
  }
  return std::min(share, 1.0);
}

std::string progress_json(const Progress& progress) {
  const double share = progress_share(progress);
  const bool runs = progress.job_count > 0;
  const char* job = progress.task == Task::kImg2img ? "scripts_img2img" : "scripts_txt2img";
  return json::serialize(json::object{
      {"progress", share},
      {"eta_relative", eta_of(progress, share)},
      {"state", json::object{{"skipped", progress.skipped},
                             {"interrupted", progress.interrupted},
                             {"stopping_generation", false},
                             {"job", runs ? job : ""},
                             {"job_count", progress.job_count},
                             {"job_timestamp", progress.job_timestamp},
                             {"job_no", progress.job_no},
                             {"sampling_step", progress.step},
                             {"sampling_steps", progress.steps}}},
      {"current_image",
       progress.preview.empty() ? json::value() : json::value(encode_base64(progress.preview))},
      {"textinfo", nullptr},
      {"current_task", text_or_null(progress.task_id)}});
}

std::string png_info_json(const image::Metadata& metadata) {
  json::object items;
  for (const image::TextItem& item : metadata.items) {
    if (item.key != "parameters") items[item.key] = item.text;
  }
  json::object parameters;
  for (const pictures::InfotextField& field :
       pictures::parse_infotext(metadata.parameters).fields) {
    parameters[field.key] = field.is_number ? number_of(field.value) : json::value(field.value);
  }
  return json::serialize(
      json::object{{"info", metadata.parameters}, {"items", items}, {"parameters", parameters}});
}

Result<TaskQuestion> parse_task_question(std::string_view body) {
  AXLE_TRY_ASSIGN(const json::object object, parse_object(body));
  TaskQuestion question;
  std::vector<std::string> unused;
  TolerantReader reader(object, unused);
  for (const std::string_view name : {"id_task", "task_id", "force_task_id"}) {
    if (question.task_id.empty()) question.task_id = reader.text(name).value_or("");
  }
  question.wants_preview = reader.boolean("live_preview").value_or(true);
  question.preview_id = reader.integer("id_live_preview", {-1, 1e9}).value_or(-1);
  return question;
}

std::string task_progress_json(const TaskProgress& task) {
  json::object answer = {{"active", task.active},
                         {"queued", task.queued},
                         {"completed", task.completed},
                         {"progress", nullptr},
                         {"eta", nullptr},
                         {"live_preview", nullptr},
                         {"id_live_preview", task.preview_id},
                         {"textinfo", task.queued ? "Waiting..." : json::value()}};
  if (task.progress) {
    const double share = progress_share(*task.progress);
    answer["progress"] = share;
    answer["eta"] = eta_of(*task.progress, share);
    if (!task.progress->preview.empty()) {
      answer["live_preview"] = "data:image/png;base64," + encode_base64(task.progress->preview);
    }
  }
  return json::serialize(answer);
}

ErrorAnswer error_answer(const Status& status) {
  AXLE_CHECK(!status.ok());
  if (status.code() == Code::kInvalidArgument) {
    // As FastAPI has it for a body that it cannot read.
    const json::object detail = {{"loc", json::array{"body"}},
                                 {"msg", status.message()},
                                 {"type", "value_error.jsondecode"}};
    return {422, json::serialize(json::object{{"detail", json::array{detail}}})};
  }
  int http_status = 500;
  if (status.code() == Code::kNotFound) http_status = 404;
  if (status.code() == Code::kCancelled) http_status = 409;
  if (status.code() == Code::kExhausted) http_status = 429;
  if (status.code() == Code::kUnavailable || status.code() == Code::kCardLost) http_status = 503;
  if (status.code() == Code::kDeadlineExceeded) http_status = 504;
  return http_error(http_status, status.message());
}

ErrorAnswer http_error(int http_status, const std::string& detail) {
  return {http_status, error_body({"HTTPException", detail, ""})};
}

ErrorAnswer unknown_model_error(const std::string& title) {
  return {500, error_body({"RuntimeError", "", "Unknown checkpoint: " + title})};
}

}  // namespace axle::api::automatic1111
