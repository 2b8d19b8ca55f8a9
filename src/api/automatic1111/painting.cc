#include "api/automatic1111/painting.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "api/automatic1111/generate.h"

namespace axle::api::automatic1111 {
namespace {

// As the display programs know it.
std::string_view header_name(pictures::Form form) {
  return form == pictures::Form::kRgb565BigEndian ? "rgb565-be" : pictures::form_name(form);
}

}  // namespace

Painting::Painting(Parts parts) : parts_(std::move(parts)) {
  // They are in the order by now, and large.
  parts_.request.init_images.clear();
  parts_.request.mask.reset();
}

void Painting::on_glimpse(const pictures::Glimpse& /*glimpse*/) {}  // The run keeps the newest.

Result<std::string> Painting::write(const pictures::Painted& painted) {
  const bool one = parts_.delivery.direct || parts_.reply.dialect() == Dialect::kService;
  const bool is_sent = one ? pictures_.empty() : parts_.request.send_images;
  if (!is_sent) return std::string();
  const pictures::Output& output = parts_.delivery.output;
  Result<std::string> file = pictures::write_picture(painted.picture, painted.parameters, output);
  if (file.ok() || painted.parameters.empty()) return file;
  // A JPEG has no room for a text of more than 64 KiB.
  Result<std::string> bare = pictures::write_picture(painted.picture, "", output);
  if (bare.ok()) parts_.plan.notes.push_back("the file has no text: " + file.status().message());
  return bare;
}

void Painting::on_picture(pictures::Painted painted) {
  if (pictures_.empty()) timings_ = painted.timings;
  Result<std::string> file = write(painted);
  if (!file.ok()) {
    if (flaw_.ok()) flaw_ = file.status();
    return;
  }
  pictures_.push_back({*std::move(file), std::move(painted.parameters), painted.seed,
                       painted.variation_seed, painted.steps,
                       pictures::size_of(painted.picture, parts_.delivery.output)});
}

void Painting::on_end(const Status& status) {
  if (!status.ok()) return parts_.reply.error(status);
  if (!flaw_.ok())
    return parts_.reply.error(internal("a picture was not written: " + flaw_.message()));
  if (parts_.delivery.direct) return answer_with_bytes();
  answer_with_json();
}

void Painting::answer_with_bytes() {
  if (pictures_.empty()) {
    return parts_.reply.error(cancelled("interrupted before the picture was begun"));
  }
  PaintedPicture& first = pictures_.front();
  const pictures::Form form = parts_.delivery.output.form;
  http::Response response;
  response.headers = {{"Content-Type", std::string(pictures::media_type(form))},
                      {"X-Image-Width", fmt::format("{}", first.size.width)},
                      {"X-Image-Height", fmt::format("{}", first.size.height)},
                      {"X-Image-Format", std::string(header_name(form))},
                      {"X-Image-Seed", fmt::format("{}", first.seed)}};
  const std::string notes = notes_header(parts_.plan.notes);
  if (!notes.empty()) response.headers.emplace_back("X-Image-Notes", notes);
  response.body = std::move(first.file);
  parts_.reply.send(std::move(response));
}

void Painting::answer_with_json() {
  if (parts_.reply.dialect() == Dialect::kAutomatic1111) {
    return parts_.reply.json(painted_json(parts_.request, parts_.plan, pictures_, parts_.head));
  }
  if (pictures_.empty()) {
    return parts_.reply.error(cancelled("interrupted before the picture was begun"));
  }
  parts_.reply.json(
      generate_json(pictures_.front(), parts_.plan.notes, {timings_.text, parts_.reply.elapsed()}));
}

}  // namespace axle::api::automatic1111
