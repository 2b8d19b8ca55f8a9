#include "app/chat_session.h"

#include <fmt/format.h>

#include <boost/json.hpp>
#include <utility>

namespace axle::app {
namespace {
namespace json = boost::json;
}

ChatSession::ChatSession(const ChatArguments& arguments)
    : arguments_(arguments), system_(arguments.system) {}

void ChatSession::add_user(std::string text) { messages_.push_back({"user", std::move(text)}); }

void ChatSession::add_assistant(std::string text) {
  messages_.push_back({"assistant", std::move(text)});
}

void ChatSession::drop_last() {
  if (!messages_.empty()) messages_.pop_back();
}

void ChatSession::reset() { messages_.clear(); }

void ChatSession::set_system(std::string text) { system_ = std::move(text); }

std::string ChatSession::request_body() const {
  json::array messages;
  if (!system_.empty()) messages.push_back(json::object{{"role", "system"}, {"content", system_}});
  for (const Message& message : messages_) {
    messages.push_back(json::object{{"role", message.role}, {"content", message.text}});
  }
  json::object body{{"stream", true}, {"messages", std::move(messages)}};
  if (!arguments_.model.empty()) body["model"] = arguments_.model;
  if (arguments_.temperature) body["temperature"] = *arguments_.temperature;
  if (arguments_.max_tokens) body["max_tokens"] = *arguments_.max_tokens;
  if (arguments_.seed) body["seed"] = *arguments_.seed;
  return json::serialize(body);
}

Result<std::string> event_text(std::string_view data) {
  boost::system::error_code error;
  const json::value event = json::parse(data, error);
  if (error || !event.is_object())
    return corrupt(fmt::format("the server sent an event that is no JSON object: {}", data));
  const json::object& object = event.get_object();
  if (const json::value* failure = object.if_contains("error");
      failure != nullptr && failure->is_object()) {
    const json::value* message = failure->get_object().if_contains("message");
    return unavailable(message != nullptr && message->is_string()
                           ? std::string(message->get_string())
                           : std::string(data));
  }
  const json::value* content = event.find_pointer("/choices/0/delta/content", error);
  if (error || content == nullptr || !content->is_string()) return std::string();
  return std::string(content->get_string());
}

Status answer_error(const http::Response& response) {
  const Result<std::string> text = event_text(response.body);
  const std::string reason = text.ok() ? response.body : text.status().message();
  return unavailable(fmt::format("the server answers {}: {}", response.status, reason));
}

std::string event_reasoning(std::string_view data) {
  boost::system::error_code error;
  const json::value event = json::parse(data, error);
  if (error) return {};
  const json::value* text = event.find_pointer("/choices/0/delta/reasoning_content", error);
  return !error && text != nullptr && text->is_string() ? std::string(text->get_string())
                                                        : std::string();
}

Result<std::string> first_model(std::string_view models_json) {
  boost::system::error_code error;
  const json::value answer = json::parse(models_json, error);
  const json::value* list = error ? nullptr : answer.find_pointer("/data", error);
  if (list == nullptr || !list->is_array()) {
    return corrupt("the server's list of models is not one; is it an OpenAI-compatible server?");
  }
  for (const json::value& entry : list->get_array()) {
    const json::object* model = entry.if_object();
    const json::value* id = model == nullptr ? nullptr : model->if_contains("id");
    if (id == nullptr || !id->is_string())
      return corrupt("the server's list of models has an entry without id");
    const json::value* kind = model->if_contains("kind");
    if (kind == nullptr || *kind == "chat") return std::string(id->get_string());
  }
  return not_found("the server has no language model");
}

}  // namespace axle::app
