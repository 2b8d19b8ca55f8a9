#include "api/openai/image_json.h"

#include <fmt/format.h>

#include "http/message.h"

namespace axle::api {
namespace {

// Pictures have no tokens here: only those of the prompt are counted.
std::string usage_json(std::int32_t input_tokens) {
  return fmt::format(
      R"({{"input_tokens":{0},"input_tokens_details":{{"image_tokens":0,"text_tokens":{0}}},)"
      R"("output_tokens":0,"total_tokens":{0}}})",
      input_tokens);
}

// The fields that the whole answer and every event have, without braces.
std::string common_fields(const ImageHead& head) {
  return fmt::format(R"("background":"opaque","output_format":{},"quality":{},"size":{})",
                     http::json_quote(head.output_format), http::json_quote(head.quality),
                     http::json_quote(head.size));
}

// ,"notes":[...] where there are some.
std::string notes_field(const ImageHead& head) {
  if (head.notes.empty()) return {};
  std::string list;
  for (const std::string& note : head.notes) {
    if (!list.empty()) list += ',';
    list += http::json_quote(note);
  }
  return fmt::format(R"(,"notes":[{}])", list);
}

// Edits have events of their own; variations, which OpenAI does not stream, share them.
std::string event_name(ImageTask task, std::string_view what) {
  return fmt::format("{}.{}", task == ImageTask::kGenerate ? "image_generation" : "image_edit",
                     what);
}

}  // namespace

std::string images_json(const ImageHead& head, const std::vector<ImageEntry>& entries) {
  std::string json = fmt::format(R"({{"created":{},"data":[)", head.created);
  for (const ImageEntry& entry : entries) {
    if (&entry != &entries.front()) json += ',';
    json += fmt::format(R"({{"{}":{},"seed":{}}})", entry.is_url ? "url" : "b64_json",
                        http::json_quote(entry.content), entry.seed);
  }
  json += fmt::format(R"(],{},"usage":{}{}}})", common_fields(head), usage_json(head.input_tokens),
                      notes_field(head));
  return json;
}

ImageEvent partial_event(ImageTask task, const ImageHead& head, std::int32_t index,
                         std::int32_t number, std::string_view base64) {
  ImageEvent event;
  event.name = event_name(task, "partial_image");
  event.data = fmt::format(
      R"({{"type":"{}","b64_json":"{}","partial_image_index":{},"created_at":{},{},"index":{}}})",
      event.name, base64, number, head.created, common_fields(head), index);
  return event;
}

ImageEvent completed_event(ImageTask task, const ImageHead& head, std::int32_t index,
                           const ImageEntry& entry) {
  ImageEvent event;
  event.name = event_name(task, "completed");
  event.data = fmt::format(
      R"({{"type":"{}","b64_json":"{}","created_at":{},{},"usage":{},"index":{},"seed":{}{}}})",
      event.name, entry.content, head.created, common_fields(head), usage_json(head.input_tokens),
      index, entry.seed, notes_field(head));
  return event;
}

}  // namespace axle::api
