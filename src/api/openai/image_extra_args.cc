#include "api/openai/image_extra_args.h"

#include <fmt/format.h>

#include <string>
#include <string_view>

#include "api/openai/json_fields.h"

namespace axle::api {
namespace {

namespace json = boost::json;

constexpr std::string_view kBegin = "<sd_cpp_extra_args>";
constexpr std::string_view kEnd = "</sd_cpp_extra_args>";

void add(json::object& fields, std::string_view name, const json::object& from,
         std::string_view their_name) {
  const json::value* value = from.if_contains(their_name);
  if (value != nullptr && !fields.contains(name)) fields[name] = *value;
}

const json::object* inner(const json::object& object, std::string_view name) {
  const json::value* value = object.if_contains(name);
  return value == nullptr ? nullptr : value->if_object();
}

}  // namespace

std::optional<RequestError> take_extra_args(json::object& fields) {
  const json::value* value = fields.if_contains("prompt");
  if (value == nullptr || !value->is_string()) return {};
  std::string prompt(value->get_string());
  const std::size_t begin = prompt.find(kBegin);
  if (begin == std::string::npos) return {};
  const std::size_t inside = begin + kBegin.size();
  const std::size_t end = prompt.find(kEnd, inside);
  if (end == std::string::npos) {
    return RequestError{invalid_argument(fmt::format("'prompt' has {} without {}", kBegin, kEnd)),
                        "prompt", "invalid_value"};
  }
  Parsed<json::object> parsed =
      parse_json_object(std::string_view(prompt).substr(inside, end - inside));
  if (!parsed.ok()) {
    return RequestError{parsed.error().status.with_context(fmt::format("'prompt', {}", kBegin)),
                        "prompt", "invalid_value"};
  }
  prompt.erase(begin, end + kEnd.size() - begin);
  fields["prompt"] = prompt;
  const json::object& extra = parsed.value();
  for (const char* name : {"seed", "steps", "cfg_scale", "strength", "negative_prompt"})
    add(fields, name, extra, name);
  const json::object* sample = inner(extra, "sample_params");
  if (sample == nullptr) return {};
  add(fields, "steps", *sample, "sample_steps");
  if (const json::object* guidance = inner(*sample, "guidance"))
    add(fields, "cfg_scale", *guidance, "txt_cfg");
  return {};
}

}  // namespace axle::api
