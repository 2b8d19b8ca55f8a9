#include "api/automatic1111/request.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <boost/json.hpp>
#include <utility>

#include "api/automatic1111/request_object.h"
#include "api/automatic1111/tolerant_reader.h"
#include "pictures/infotext.h"

namespace axle::api::automatic1111 {
namespace {

namespace json = boost::json;

constexpr double kMaxSide = 16384;  // Pixels asked for; what is painted is a size of the model.
constexpr double kMaxSteps = 1000;
constexpr double kMaxCfgScale = 100;
constexpr double kMaxBlur = 64;  // Pixels.
constexpr double kMaxPriority = 1000;
constexpr double kMaxDeadline = 86400;  // Seconds.

// Fields of both tasks with the values that A1111 gives them where a request has none.
constexpr std::string_view kDefaults = R"({
  "prompt":"","negative_prompt":"","styles":null,"seed":-1,"subseed":-1,"subseed_strength":0.0,
  "seed_resize_from_h":-1,"seed_resize_from_w":-1,"sampler_name":null,"scheduler":null,
  "batch_size":1,"n_iter":1,"steps":50,"cfg_scale":7.0,"width":512,"height":512,
  "restore_faces":null,"tiling":null,"do_not_save_samples":false,"do_not_save_grid":false,
  "eta":null,"denoising_strength":0.75,"s_min_uncond":null,"s_churn":null,"s_tmax":null,
  "s_tmin":null,"s_noise":null,"override_settings":null,
  "override_settings_restore_afterwards":true,"refiner_checkpoint":null,
  "refiner_switch_at":null,"disable_extra_networks":false,"comments":null})";
constexpr std::string_view kTxt2imgDefaults = R"({
  "enable_hr":false,"firstphase_width":0,"firstphase_height":0,"hr_scale":2.0,"hr_upscaler":null,
  "hr_second_pass_steps":0,"hr_resize_x":0,"hr_resize_y":0,"hr_checkpoint_name":null,
  "hr_sampler_name":null,"hr_scheduler":null,"hr_prompt":"","hr_negative_prompt":""})";
constexpr std::string_view kImg2imgDefaults = R"({
  "init_images":null,"resize_mode":0,"image_cfg_scale":null,"mask":null,"mask_blur_x":4,
  "mask_blur_y":4,"mask_blur":null,"mask_round":true,"inpainting_fill":0,
  "inpaint_full_res":true,"inpaint_full_res_padding":0,"inpainting_mask_invert":0,
  "initial_noise_multiplier":null,"latent_mask":null})";
constexpr std::string_view kLastDefaults = R"({
  "force_task_id":null,"sampler_index":"Euler","script_name":null,"script_args":[],
  "send_images":true,"save_images":false,"alwayson_scripts":{},"infotext":null})";

// What a text about a picture fills in. Source: modules/ui.py, the paste fields of both tabs.
struct FilledField {
  std::string_view key;
  std::string_view field;
};
constexpr std::array<FilledField, 13> kFilled = {{{"Prompt", "prompt"},
                                                  {"Negative prompt", "negative_prompt"},
                                                  {"Steps", "steps"},
                                                  {"Sampler", "sampler_name"},
                                                  {"CFG scale", "cfg_scale"},
                                                  {"Size-1", "width"},
                                                  {"Size-2", "height"},
                                                  {"Batch size", "batch_size"},
                                                  {"Seed", "seed"},
                                                  {"Variation seed", "subseed"},
                                                  {"Variation seed strength", "subseed_strength"},
                                                  {"Denoising strength", "denoising_strength"},
                                                  {"Mask blur", "mask_blur"}}};

// Sets the fields that the request's "infotext" tells and the request itself does not have.
void fill_from_infotext(json::object& object) {
  const json::value* infotext = object.if_contains("infotext");
  if (infotext == nullptr || !infotext->is_string() || infotext->get_string().empty()) return;
  const json::string& text = infotext->get_string();
  const pictures::ParsedInfotext parsed = pictures::parse_infotext({text.data(), text.size()});
  for (const FilledField& filled : kFilled) {
    const json::string_view field(filled.field.data(), filled.field.size());
    const std::string* value = parsed.find(filled.key);
    if (value != nullptr && !object.contains(field)) object[field] = *value;
  }
}

// The request over the defaults of its task; pictures only where the client wants them back.
std::string echo(Task task, const json::object& object, bool with_pictures) {
  json::object all;
  const auto add = [&](std::string_view defaults) {
    const json::value parsed = json::parse(json::string_view(defaults.data(), defaults.size()));
    for (const auto& [key, value] : parsed.get_object()) {
      const json::value* asked = object.if_contains(key);
      const bool is_picture = key == "init_images" || key == "mask" || key == "latent_mask";
      all[key] = is_picture && !with_pictures ? json::value() : asked ? *asked : value;
    }
  };
  add(kDefaults);
  add(task == Task::kImg2img ? kImg2imgDefaults : kTxt2imgDefaults);
  add(kLastDefaults);
  return json::serialize(all);
}

bool is_http(std::string_view text) {
  return text.starts_with("http://") || text.starts_with("https://");
}

Result<std::string> read_picture(const json::value& value, const pictures::SourceRules& sources) {
  if (!value.is_string()) return corrupt("Invalid encoded image");
  return read_picture_text({value.get_string().data(), value.get_string().size()}, sources);
}

// Reads one request.
class Parser {
 public:
  Parser(Task task, const json::object& object, const pictures::SourceRules& sources)
      : object_(object), sources_(sources), reader_(object, request_.notes) {
    request_.task = task;
  }

  Result<Request> parse() && {
    read_texts();
    read_numbers();
    read_count();
    read_delivery();
    read_settings();
    read_output();
    read_place();
    if (request_.task == Task::kImg2img) AXLE_TRY(read_pictures());
    note_what_is_not_done();
    request_.parameters_json = echo(request_.task, object_, request_.include_init_images);
    return std::move(request_);
  }

 private:
  void read_texts() {
    request_.prompt = reader_.text("prompt").value_or("");
    request_.negative_prompt = reader_.text("negative_prompt").value_or("");
    request_.sampler = reader_.text("sampler_name").value_or("");
    if (request_.sampler.empty()) request_.sampler = reader_.text("sampler_index").value_or("");
    request_.scheduler = reader_.text("scheduler").value_or("");
    request_.task_id = reader_.text("force_task_id").value_or("");
  }

  void read_numbers() {
    request_.seed = reader_.seed("seed").value_or(-1);
    request_.subseed = reader_.seed("subseed").value_or(-1);
    request_.subseed_strength = reader_.number("subseed_strength", {0, 1}).value_or(0.0);
    request_.steps = whole("steps", {1, kMaxSteps});
    request_.cfg_scale = reader_.number("cfg_scale", {0, kMaxCfgScale});
    request_.width = whole("width", {1, kMaxSide});
    request_.height = whole("height", {1, kMaxSide});
    request_.denoising_strength = reader_.number("denoising_strength", {0, 1}).value_or(0.75);
  }

  void read_count() {
    const Bounds bounds{1, kMaxPictures};
    request_.batch_size = whole("batch_size", bounds).value_or(1);
    request_.n_iter = whole("n_iter", bounds).value_or(1);
    const std::int32_t most = std::max(kMaxPictures / request_.batch_size, 1);
    if (request_.n_iter > most) {
      reader_.note(fmt::format("n_iter: {} asked, {} done: at most {} pictures", request_.n_iter,
                               most, kMaxPictures));
      request_.n_iter = most;
    }
  }

  void read_delivery() {
    request_.send_images = reader_.boolean("send_images").value_or(true);
    request_.save_images = reader_.boolean("save_images").value_or(false);
    request_.include_init_images = reader_.boolean("include_init_images").value_or(false);
  }

  void read_settings() {
    request_.model = reader_.text("model").value_or("");
    const json::value* settings = reader_.find("override_settings");
    if (settings == nullptr) return;
    if (!settings->is_object()) return reader_.note("override_settings: ignored: wanted an object");
    TolerantReader reader(settings->get_object(), request_.notes);
    request_.model = reader.text("sd_model_checkpoint").value_or(request_.model);
    request_.samples_format = reader.text("samples_format").value_or("");
    constexpr std::array<std::string_view, 5> kFormats = {"", "png", "jpg", "jpeg", "webp"};
    if (std::ranges::find(kFormats, request_.samples_format) == kFormats.end()) {
      reader.note(fmt::format("samples_format: {} asked, png done", request_.samples_format));
      request_.samples_format = "png";
    }
    if (reader.number("CLIP_stop_at_last_layers", {0, 100}).value_or(1) > 1) {
      reader.note(
          "CLIP_stop_at_last_layers: not done: the text encoder has no layers to leave out");
    }
  }

  void read_output() {
    OutputRequest& output = request_.output;
    read_form();
    const Bounds sides{1, pictures::kMaxOutputSide};
    output.width = whole("output_width", sides);
    output.height = whole("output_height", sides);
    read_fit_and_dither(output.look);
    output.look.gamma = reader_.number("gamma", {0.1, 10}).value_or(output.look.gamma);
    output.look.inverted = reader_.boolean("inverted").value_or(false);
    output.look.quality = whole("quality", {1, 100}).value_or(output.look.quality);
  }

  void read_form() {
    for (const std::string_view name : {"format", "output_format"}) {
      const std::string asked = reader_.text(name).value_or("");
      if (asked.empty()) continue;
      request_.output.form = pictures::form_named(asked);
      if (request_.output.form) return;
      reader_.note(
          fmt::format("{}: {} asked, ignored: there are {}", name, asked, pictures::form_names()));
    }
  }

  void read_fit_and_dither(pictures::Output& look) {
    const std::string fit = reader_.text("fit").value_or("");
    look.fit = pictures::fit_named(fit).value_or(look.fit);
    if (!fit.empty() && !pictures::fit_named(fit)) {
      reader_.note(fmt::format("fit: {} asked, crop done: there are stretch, crop, pad", fit));
    }
    std::string dither = reader_.text("dither").value_or("");
    if (dither == "true") dither = "floyd-steinberg";
    if (dither == "false") dither = "none";
    look.dither = pictures::dither_named(dither).value_or(look.dither);
    if (!dither.empty() && !pictures::dither_named(dither)) {
      reader_.note(fmt::format(
          "dither: {} asked, floyd-steinberg done: there are none, floyd-steinberg, bayer",
          dither));
    }
  }

  void read_place() {
    request_.replace_key = reader_.text("replace_key").value_or("");
    request_.priority = whole("priority", {-kMaxPriority, kMaxPriority}).value_or(0);
    const std::optional<double> seconds = reader_.number("deadline_s", {0.001, kMaxDeadline});
    if (seconds) request_.deadline = std::chrono::duration<double>(*seconds);
  }

  Status read_pictures() {
    const json::value* pictures = reader_.find("init_images");
    if (pictures == nullptr) return not_found("Init image not found");
    if (pictures->is_string()) {
      AXLE_TRY(add_picture(*pictures));
    } else if (pictures->is_array()) {
      for (const json::value& picture : pictures->get_array()) AXLE_TRY(add_picture(picture));
    }
    if (request_.init_images.empty()) return not_found("Init image not found");
    if (request_.init_images.size() > 1) {
      reader_.note(
          fmt::format("init_images: {} asked, the first one done", request_.init_images.size()));
    }
    read_fit();
    return read_mask();
  }

  Status add_picture(const json::value& value) {
    AXLE_TRY_ASSIGN(std::string bytes, read_picture(value, sources_));
    request_.init_images.push_back(std::move(bytes));
    return {};
  }

  void read_fit() {
    const std::int64_t mode = reader_.integer("resize_mode", {0, 3}).value_or(0);
    if (mode == 3) reader_.note("resize_mode: 3 asked, 0 done: the pixels are resized");
    using enum pictures::SourceFit;
    constexpr std::array kFits = {kStretch, kCrop, kFillEdges, kStretch};
    request_.fit = kFits[static_cast<std::size_t>(mode)];
  }

  Status read_mask() {
    const json::value* mask = reader_.find("mask");
    if (mask == nullptr || (mask->is_string() && mask->get_string().empty())) return {};
    MaskRequest read;
    AXLE_TRY_ASSIGN(read.file, read_picture(*mask, sources_));
    read.inverted = reader_.boolean("inpainting_mask_invert").value_or(false);
    const Bounds bounds{0, kMaxBlur};
    const std::optional<double> both = reader_.number("mask_blur", bounds);
    read.blur_x = both ? *both : reader_.number("mask_blur_x", bounds).value_or(4);
    read.blur_y = both ? *both : reader_.number("mask_blur_y", bounds).value_or(4);
    if (reader_.integer("inpainting_fill", {0, 3}).value_or(1) != 1) {
      reader_.note("inpainting_fill: 1 (original) done: the painted part begins with the picture");
    }
    if (reader_.boolean("inpaint_full_res").value_or(false)) {
      reader_.note("inpaint_full_res: not done: the whole picture is painted at once");
    }
    request_.mask = std::move(read);
    return {};
  }

  // Fields that would change the picture, which this program has nothing for.
  void note_what_is_not_done() {
    for (const std::string_view name : {"restore_faces", "tiling", "enable_hr"}) {
      if (reader_.boolean(name).value_or(false)) note_undone(name);
    }
    for (const std::string_view name : {"refiner_checkpoint", "script_name"}) {
      const std::string value = reader_.text(name).value_or("");
      if (!value.empty() && value != "None") note_undone(name);
    }
    for (const std::string_view name : {"styles", "alwayson_scripts", "latent_mask"}) {
      const json::value* value = reader_.find(name);
      if (value == nullptr) continue;
      const bool is_empty = (value->is_array() && value->get_array().empty()) ||
                            (value->is_string() && value->get_string().empty()) ||
                            (value->is_object() && value->get_object().empty());
      if (!is_empty) note_undone(name);
    }
    if (request_.save_images) reader_.note("save_images: not done: this server keeps no files");
    if (reader_.number("seed_resize_from_w", {-1, kMaxSide}).value_or(-1) > 0) {
      note_undone("seed_resize_from_w");
    }
  }

  void note_undone(std::string_view name) {
    reader_.note(fmt::format("{}: not done: there is nothing here that could", name));
  }

  std::optional<std::int32_t> whole(std::string_view name, Bounds bounds) {
    const std::optional<std::int64_t> number = reader_.integer(name, bounds);
    return number ? std::optional(static_cast<std::int32_t>(*number)) : std::nullopt;
  }

  const json::object& object_;
  const pictures::SourceRules& sources_;
  Request request_;
  TolerantReader reader_;  // Writes the notes of `request_`.
};

}  // namespace

Result<std::string> read_picture_text(std::string_view text, const pictures::SourceRules& sources) {
  if (is_http(text) && !sources.fetch) return unsupported("Requests not allowed");
  Result<std::string> bytes = pictures::source_file(text, sources);
  if (bytes.ok() || bytes.status().code() == Code::kExhausted) return bytes;
  return is_http(text) ? corrupt("Invalid image url: " + bytes.status().message())
                       : corrupt("Invalid encoded image");
}

Result<Request> parse_request_object(Task task, json::object object,
                                     const pictures::SourceRules& sources) {
  fill_from_infotext(object);
  return Parser(task, object, sources).parse();
}

Result<Request> parse_request(Task task, std::string_view body,
                              const pictures::SourceRules& sources) {
  AXLE_TRY_ASSIGN(json::object object, parse_object(body));
  return parse_request_object(task, std::move(object), sources);
}

}  // namespace axle::api::automatic1111
