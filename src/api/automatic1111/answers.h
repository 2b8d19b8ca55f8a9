#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/automatic1111/paint_plan.h"
#include "api/automatic1111/request.h"
#include "base/status.h"
#include "image/metadata.h"
#include "image/picture.h"

// The JSON that /sdapi/v1 answers, as pure functions of plain values.
//
// Source: AUTOMATIC1111/stable-diffusion-webui 1.10, modules/api/api.py, modules/api/models.py,
// Processed.js() of modules/processing.py and State.dict() of modules/shared_state.py.
namespace axle::api::automatic1111 {

// A model as /sdapi/v1/sd-models lists it.
struct ModelEntry {
  std::string name;
  std::string sha256;  // Hexadecimal; empty: not known.
  std::string file;    // What it is read from, as clients may see it.

  std::string short_hash() const;  // The first ten digits.
  std::string title() const;       // "name [short hash]", or the name: what options take.
};

struct PaintedPicture {
  std::string file;      // A picture file, or what a display takes.
  std::string infotext;  // pictures::Painted::parameters
  std::uint64_t seed = 0;
  std::uint64_t variation_seed = 0;
  std::int32_t steps = 0;  // As many as were done.
  image::Size size;        // Of the file.
};

// What all pictures of one answer share.
struct PaintedHead {
  ModelEntry model;
  std::string job_timestamp;  // "20260101235959", local time.
  std::string version;        // "axle 0.1.0"
};

// The answer of txt2img and img2img: "images" in base64 (none where send_images is false),
// "parameters", "info" (a JSON object in a string), and "notes": what was done differently.
// `pictures` may be fewer than were asked for, after an interrupt.
std::string painted_json(const Request& request, const PaintPlan& plan,
                         const std::vector<PaintedPicture>& pictures, const PaintedHead& head);

// The settings that clients read and set.
struct Options {
  std::string model_title;
  std::string model_sha256;
  std::string samples_format = "png";
};
std::string options_json(const Options& options);

// What POST /sdapi/v1/options may change; everything else in it is taken and has no effect.
struct OptionsChange {
  std::optional<std::string> model_title;
  std::optional<std::string> samples_format;  // "png", "jpg", "jpeg" or "webp".
  std::vector<std::string> notes;
};

// Errors: kInvalidArgument  the body is no JSON object.
Result<OptionsChange> parse_options(std::string_view body);

// The answer of POST options: null, as A1111 has it, where there is nothing to tell.
std::string options_changed_json(const std::vector<std::string>& notes);

std::string models_json(const std::vector<ModelEntry>& models);

// The answer of a GET whose content never changes, by the last part of its path: samplers,
// schedulers, upscalers, latent-upscale-modes, sd-vae, loras, embeddings, hypernetworks,
// face-restorers, realesrgan-models, prompt-styles, scripts, script-info, extensions. Nothing for
// other names.
std::optional<std::string_view> fixed_answer(std::string_view name);

struct CommandFlags {
  int port = 7860;
  bool listens = false;        // To other machines.
  bool has_passwords = false;  // They are not told.
};
std::string command_flags_json(const CommandFlags& flags);

struct MemoryUse {
  std::uint64_t free_bytes = 0;
  std::uint64_t used_bytes = 0;
  std::uint64_t total_bytes = 0;
};
// `card`: none where no card is there. It stands where A1111 has its GPU.
std::string memory_json(const MemoryUse& ram, const std::optional<MemoryUse>& card);

// What /sdapi/v1/progress tells of the caller's pictures.
struct Progress {
  Task task = Task::kTxt2img;
  std::int32_t job_count = 0;  // Pictures; 0: nothing runs.
  std::int32_t job_no = 0;     // Those that are done.
  std::int32_t step = 0;       // Of the running picture, done.
  std::int32_t steps = 0;      // 0: it has not begun.
  std::chrono::duration<double> elapsed{0};
  // Until all is done, where it can be told; else it is made of `elapsed` and the share.
  std::optional<std::chrono::duration<double>> left;
  std::string job_timestamp = "0";
  std::string task_id;
  std::string preview;  // A picture file; empty: none.
  bool interrupted = false;
  bool skipped = false;
};
// 0 to 1: 0.01, and the share of the pictures and steps that are done.
double progress_share(const Progress& progress);
std::string progress_json(const Progress& progress);

// The answer of png-info about a file with these texts.
std::string png_info_json(const image::Metadata& metadata);

// Which request is asked about, by its task id.
struct TaskQuestion {
  std::string task_id;  // id_task, task_id or force_task_id; empty: none.
  bool wants_preview = true;
  std::int64_t preview_id = -1;  // The one that the client has.
};
// Errors: kInvalidArgument  the body is no JSON object.
Result<TaskQuestion> parse_task_question(std::string_view body);

// What /internal/progress tells of one request by its task id.
struct TaskProgress {
  bool active = false;               // It is painted.
  bool queued = false;               // It waits.
  bool completed = false;            // It was here and is over.
  std::optional<Progress> progress;  // Of one that is active.
  std::int64_t preview_id = -1;      // Of `progress->preview`; -1: none.
};
std::string task_progress_json(const TaskProgress& task);

// Status and body of a request that is refused, as A1111 has them.
struct ErrorAnswer {
  int http_status = 500;
  std::string body;
};
// REQUIRES: !status.ok().
ErrorAnswer error_answer(const Status& status);
// The same for an answer that has no Status: `detail` is for a person.
ErrorAnswer http_error(int http_status, const std::string& detail);
// As A1111 says that options name a model which is not there.
ErrorAnswer unknown_model_error(const std::string& title);

}  // namespace axle::api::automatic1111
