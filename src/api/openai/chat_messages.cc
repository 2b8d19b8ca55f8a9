#include "api/openai/chat_messages.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <set>
#include <string>
#include <string_view>

#include "api/openai/chat_request.h"

namespace axle::api {
namespace {

namespace json = boost::json;

constexpr std::array<std::string_view, 6> kRoles{"system",    "developer", "user",
                                                 "assistant", "tool",      "function"};

// Collects the messages one by one; knows the tool calls seen so far.
class Normaliser {
 public:
  explicit Normaliser(FieldReader& reader) : reader_(reader) {}

  json::object message(const json::value& value, std::size_t index) {
    where_ = fmt::format("messages[{}]", index);
    json::object result;
    if (!value.is_object()) {
      reader_.fail(where_,
                   fmt::format("'{}' must be an object, found {}", where_, kind_name(value)));
      return result;
    }
    const json::object& object = value.get_object();
    const std::string role = role_of(object);
    result["role"] = role == "developer" ? "system" : role;
    result["content"] = content_of(object);
    if (const json::value* name = present(object, "name"); name != nullptr && name->is_string()) {
      result["name"] = *name;
    }
    if (const json::value* calls = present(object, "tool_calls"))
      result["tool_calls"] = tool_calls(*calls);
    if (role == "tool") tool_result(object, result);
    return result;
  }

 private:
  static const json::value* present(const json::object& object, std::string_view name) {
    const json::value* value = object.if_contains(name);
    return value == nullptr || value->is_null() ? nullptr : value;
  }

  std::string role_of(const json::object& object) {
    const json::value* role = present(object, "role");
    if (role == nullptr || !role->is_string()) {
      reader_.fail(
          where_ + ".role",
          fmt::format("'{}.role' is missing; give system, developer, user, assistant or tool",
                      where_));
      return {};
    }
    const std::string name(role->get_string());
    if (std::find(kRoles.begin(), kRoles.end(), name) == kRoles.end()) {
      reader_.fail(
          where_ + ".role",
          fmt::format("'{}.role' is \"{}\"; use system, developer, user, assistant or tool", where_,
                      name));
    }
    return name;
  }

  std::string content_of(const json::object& object) {
    const json::value* content = present(object, "content");
    if (content == nullptr) return {};
    if (content->is_string()) return std::string(content->get_string());
    if (!content->is_array()) {
      reader_.fail(where_ + ".content",
                   fmt::format("'{}.content' must be a string or an array of parts, found {}",
                               where_, kind_name(*content)));
      return {};
    }
    std::string joined;
    for (std::size_t i = 0; i < content->get_array().size(); ++i) {
      joined += part_text(content->get_array()[i], fmt::format("{}.content[{}]", where_, i));
    }
    return joined;
  }

  std::string part_text(const json::value& part, const std::string& where) {
    if (part.is_string()) return std::string(part.get_string());
    const json::value* type = part.is_object() ? present(part.get_object(), "type") : nullptr;
    if (type == nullptr || !type->is_string()) {
      reader_.fail(where, fmt::format("'{}' must be an object with a \"type\"", where));
      return {};
    }
    const std::string_view name = type->get_string();
    if (name == "text" || name == "refusal") {
      const json::value* text = present(part.get_object(), name);
      if (text != nullptr && text->is_string()) return std::string(text->get_string());
      reader_.fail(where,
                   fmt::format("'{}' has the type \"{}\" but no string \"{}\"", where, name, name));
    } else if (name == "image_url" || name == "input_audio" || name == "file" ||
               name == "video_url") {
      reader_.fail_unsupported(
          where,
          fmt::format("'{}': parts of type \"{}\" are not supported yet; send text", where, name));
    } else {
      reader_.fail(where,
                   fmt::format("'{}' has the unknown type \"{}\"; use \"text\"", where, name));
    }
    return {};
  }

  json::value tool_calls(const json::value& calls) {
    json::array result;
    if (!calls.is_array()) {
      reader_.fail(where_ + ".tool_calls", fmt::format("'{}.tool_calls' must be an array", where_));
      return result;
    }
    for (const json::value& call : calls.get_array()) result.push_back(tool_call(call));
    return result;
  }

  json::value tool_call(const json::value& call) {
    const json::value* function =
        call.is_object() ? present(call.get_object(), "function") : nullptr;
    const json::value* name = function != nullptr && function->is_object()
                                  ? present(function->get_object(), "name")
                                  : nullptr;
    if (name == nullptr || !name->is_string()) {
      reader_.fail(where_ + ".tool_calls",
                   fmt::format("'{}.tool_calls' has an entry without function.name", where_));
      return {};
    }
    json::object result = call.get_object();
    if (const json::value* id = present(result, "id"); id != nullptr && id->is_string()) {
      known_calls_.insert(std::string(id->get_string()));
    }
    // OpenAI sends the arguments as a JSON text, templates want the object.
    const json::value* arguments = present(function->get_object(), "arguments");
    if (arguments != nullptr && arguments->is_string()) {
      boost::system::error_code error;
      const json::value parsed = json::parse(arguments->get_string(), error);
      if (!error && parsed.is_object()) result["function"].as_object()["arguments"] = parsed;
    }
    return result;
  }

  void tool_result(const json::object& object, json::object& result) {
    const json::value* id = present(object, "tool_call_id");
    if (id == nullptr || !id->is_string()) {
      return reader_.fail(where_ + ".tool_call_id",
                          fmt::format("'{}.tool_call_id' is missing", where_));
    }
    if (known_calls_.count(std::string(id->get_string())) == 0) {
      return reader_.fail(
          where_ + ".tool_call_id",
          fmt::format("'{}.tool_call_id' is \"{}\", which no earlier assistant message called",
                      where_, std::string_view(id->get_string())));
    }
    result["tool_call_id"] = *id;
  }

  FieldReader& reader_;
  std::string where_;
  std::set<std::string> known_calls_;
};

}  // namespace

json::array normalise_messages(const json::value& messages, FieldReader& reader) {
  json::array result;
  if (!messages.is_array()) {
    reader.fail("messages",
                fmt::format("'messages' must be an array, found {}", kind_name(messages)));
    return result;
  }
  const json::array& list = messages.get_array();
  if (list.empty() || list.size() > kMaxMessages) {
    reader.fail("messages", fmt::format("'messages' must have 1 to {} entries, found {}",
                                        kMaxMessages, list.size()));
    return result;
  }
  Normaliser normaliser(reader);
  for (std::size_t i = 0; i < list.size() && !reader.error(); ++i) {
    result.push_back(normaliser.message(list[i], i));
  }
  return result;
}

}  // namespace axle::api
