#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "pictures/output.h"
#include "pictures/source.h"

// What a client of A1111 asks for, in A1111's words. Nothing that could be painted at all is
// refused: unknown fields are ignored, and what was done in place of a value that cannot be taken
// is said in words in `notes`.
//
// Source: AUTOMATIC1111/stable-diffusion-webui 1.10, modules/api/models.py and processing.py.
namespace axle::api::automatic1111 {

enum class Task : std::uint8_t { kTxt2img, kImg2img };

// The mask of an img2img request.
struct MaskRequest {
  std::string file;       // Bytes of a picture file.
  bool inverted = false;  // inpainting_mask_invert: black is painted anew, not white.
  double blur_x = 4;      // Pixels: the sigma of the blur of its edge.
  double blur_y = 4;
};

// How the pictures of an answer are written, as far as the request says. These fields are axle's.
struct OutputRequest {
  std::optional<pictures::Form> form;  // format, or output_format. Absent: see samples_format.
  std::optional<std::int32_t> width;   // output_width. Absent: as painted.
  std::optional<std::int32_t> height;  // output_height.
  pictures::Output look;               // fit, quality, dither, gamma, inverted; the rest is unset.
};

struct Request {
  Task task = Task::kTxt2img;
  std::string prompt;
  std::string negative_prompt;
  std::int64_t seed = -1;     // Below 0: any.
  std::int64_t subseed = -1;  // Below 0: any.
  double subseed_strength = 0.0;
  // Absent: whatever the model does best.
  std::optional<std::int32_t> steps;
  std::optional<double> cfg_scale;
  std::optional<std::int32_t> width;   // Pixels.
  std::optional<std::int32_t> height;  // Pixels.
  std::int32_t batch_size = 1;
  std::int32_t n_iter = 1;
  double denoising_strength = 0.75;      // Of img2img, 0 to 1.
  std::vector<std::string> init_images;  // Bytes of picture files; not empty for img2img.
  std::optional<MaskRequest> mask;
  // resize_mode 0: kStretch, 1: kCrop, 2: kFillEdges; 2 of /generate: kPadBlack.
  pictures::SourceFit fit = pictures::SourceFit::kStretch;
  bool send_images = true;
  bool save_images = false;
  bool include_init_images = false;
  // override_settings.sd_model_checkpoint, or axle's "model"; empty: the one of options.
  std::string model;
  std::string
      samples_format;     // override_settings: "png", "jpg", "jpeg" or "webp"; empty: as above.
  std::string task_id;    // force_task_id
  std::string sampler;    // As asked for; empty: none.
  std::string scheduler;  // As asked for; empty: none.
  OutputRequest output;
  std::string replace_key;    // axle's: an older request with the same one ends. Empty: none.
  std::int32_t priority = 0;  // axle's: higher goes first; -1000 to 1000.
  std::optional<std::chrono::duration<double>> deadline;  // deadline_s, axle's: of use until then.
  // The request with A1111's defaults in it, as a JSON object: "parameters" of the answer.
  std::string parameters_json = "{}";
  std::vector<std::string> notes;
};

// The most pictures of one request; more are noted.
inline constexpr std::int32_t kMaxPictures = 64;

// The request in `body`, the JSON of POST /sdapi/v1/txt2img or img2img.
//
// Errors: kInvalidArgument  the body is no JSON object.
//         kNotFound         img2img without a picture to begin with.
//         kCorrupt          a picture that is no base64, or whose address gives none.
//         kUnsupported      a picture by its address, where `sources` fetch none.
Result<Request> parse_request(Task task, std::string_view body,
                              const pictures::SourceRules& sources = {});

// The bytes of the picture file in a field.
//
// Errors: kCorrupt, kUnsupported  as parse_request(), in A1111's words.
//         kExhausted              no memory; too much is being fetched.
Result<std::string> read_picture_text(std::string_view text, const pictures::SourceRules& sources);

}  // namespace axle::api::automatic1111
