#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "app/commands.h"
#include "http/message.h"

namespace axle::app {

// A conversation as `axle chat` keeps it, and the request that asks for the next answer. Pure; for
// tests.
class ChatSession {
 public:
  explicit ChatSession(const ChatArguments& arguments);

  void add_user(std::string text);
  void add_assistant(std::string text);
  // Takes back the last user message, after an answer that failed.
  void drop_last();
  // Forgets all but the system message.
  void reset();
  void set_system(std::string text);

  // The body of POST /v1/chat/completions, streaming.
  std::string request_body() const;

 private:
  struct Message {
    std::string role;
    std::string text;
  };
  const ChatArguments arguments_;
  std::string system_;
  std::vector<Message> messages_;
};

// The text of a stream event's first choice; "" for events without one.
// Errors: kUnavailable  the event is an error object (its message). kCorrupt  not such an event.
Result<std::string> event_text(std::string_view data);

// What an answer that is not 200 says. Errors: kUnavailable, always.
Status answer_error(const http::Response& response);

// What a stream event's first choice thought; "" for events without such.
std::string event_reasoning(std::string_view data);

// The id of the first language model of a /v1/models answer.
// Errors: kCorrupt  not such an answer. kNotFound  none in the list.
Result<std::string> first_model(std::string_view models_json);

}  // namespace axle::app
