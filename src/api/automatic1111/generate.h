#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "api/automatic1111/answers.h"
#include "api/automatic1111/request.h"
#include "base/result.h"

// POST /generate: the interface of a small picture service for the same card, which kiosks and
// hand-held programs use. Source: gregm123456/sd1.5-lcm.axera, pi_axera_sd_generator.py.
namespace axle::api::automatic1111 {

// The request in `body`, in A1111's words: one picture of "mode" txt2img or img2img. The picture to
// begin with is "init_image", else the first of "init_images"; the strength is
// "denoising_strength", else "strength", else 0.5; "resize_mode" 2 pads with black. A mode that is
// missing or unknown is img2img where there is a picture, else txt2img.
//
// Errors: kInvalidArgument  the body is no JSON object.
//         kNotFound         img2img without a picture to begin with.
//         kCorrupt          a picture that is no base64, or whose address gives none.
//         kUnsupported      a picture by its address, where `sources` fetch none.
Result<Request> parse_generate(std::string_view body, const pictures::SourceRules& sources = {});

struct GenerateTimes {
  std::chrono::duration<double, std::milli> text{0};   // Of the text encoder.
  std::chrono::duration<double, std::milli> total{0};  // From the request to the picture.
};

// {"status":"ok","base64","seed","text_time_ms","total_time_ms","width","height","steps","notes"}:
// the size is that of the file, the steps are those that were done.
std::string generate_json(const PaintedPicture& picture, const std::vector<std::string>& notes,
                          const GenerateTimes& times);

// {"status":"error","error"}
std::string service_error_body(const std::string& message);
// The same for a status; 400 where the request is at fault.
// REQUIRES: !status.ok().
ErrorAnswer generate_error(const Status& status);

}  // namespace axle::api::automatic1111
