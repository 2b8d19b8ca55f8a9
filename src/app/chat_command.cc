#include <fmt/format.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <cstdio>
#include <iostream>
#include <iterator>
#include <optional>

#include "app/chat_session.h"
#include "app/chat_terminal.h"
#include "app/commands.h"
#include "http/client.h"
#include "http/sse.h"

namespace axle::app {
namespace {

std::atomic<bool> g_interrupted{false};

void on_interrupt(int) { g_interrupted = true; }

// What the model thinks, for people only: it is no part of the answer.
void print_dim(const std::string& text) {
  if (!text.empty()) fmt::print("\x1b[2m{}\x1b[0m", text);
}

// Streams one answer to standard output; returns its text. Ctrl-C ends the answer only.
Result<std::string> stream_answer(http::Client& client, const ChatSession& session) {
  std::string answer;
  Status failure;
  http::SseParser parser;
  const bool show_thoughts = ::isatty(STDOUT_FILENO) == 1;
  g_interrupted = false;
  const auto on_chunk = [&](std::string_view bytes) {
    const Result<std::vector<http::SseEvent>> events = parser.feed(bytes);
    if (!events.ok()) {
      failure = events.status();
      return false;
    }
    for (const http::SseEvent& event : *events) {
      if (event.data == "[DONE]") continue;
      const Result<std::string> text = event_text(event.data);
      if (!text.ok()) {
        failure = text.status();
        return false;
      }
      answer += *text;
      if (show_thoughts) print_dim(event_reasoning(event.data));
      std::fputs(text->c_str(), stdout);
      std::fflush(stdout);
    }
    return !g_interrupted.load();
  };
  const Result<http::Response> response =
      client.post_stream("/v1/chat/completions", session.request_body(), on_chunk);
  std::fputs("\n", stdout);
  if (!failure.ok()) return failure;
  const bool ended = !response.ok() && response.status().code() == Code::kCancelled;
  if (!response.ok() && !ended) return response.status();
  if (response.ok() && response->status != 200) return answer_error(*response);
  return answer;
}

constexpr const char* kHelp =
    "/reset          forget the conversation\n/system TEXT    set the system message and forget "
    "the conversation\n"
    "/exit           end (or Ctrl-D)\nCtrl-C          end the answer, or empty the line\n";

// Commands that begin with a slash; false when the conversation shall end.
bool run_slash(const std::string& line, ChatSession& session) {
  if (line == "/exit" || line == "/quit") return false;
  if (line == "/reset") {
    session.reset();
  } else if (line.starts_with("/system ")) {
    session.set_system(line.substr(8));
    session.reset();
  } else {
    std::fputs(kHelp, stdout);
  }
  return true;
}

Status converse(ChatTerminal& terminal, http::Client& client, ChatSession& session) {
  std::fputs("Type a message; /help shows the commands.\n", stdout);
  while (const std::optional<std::string> line = terminal.read()) {
    if (line->empty()) continue;
    if (line->front() == '/') {
      if (!run_slash(*line, session)) break;
      continue;
    }
    session.add_user(*line);
    const Result<std::string> answer = stream_answer(client, session);
    if (answer.ok() && !answer->empty()) {
      session.add_assistant(*answer);
    } else {
      session.drop_last();
    }
    if (!answer.ok()) fmt::print(stderr, "axle chat: {}\n", answer.status().message());
  }
  std::fputs("\n", stdout);
  return {};
}

}  // namespace

Status run_chat(const ChatArguments& arguments) {
  AXLE_TRY_ASSIGN(http::Client client,
                  http::Client::create(arguments.url,
                                       {.cancel = &g_interrupted, .api_key = arguments.api_key}));
  std::signal(SIGINT, on_interrupt);
  std::optional<ChatTerminal> terminal;
  if (arguments.prompt.empty() && ::isatty(STDIN_FILENO) == 1) terminal.emplace(g_interrupted);
  const Result<http::Response> models = client.get("/v1/models");
  if (g_interrupted) return cancelled("interrupted");
  if (!models.ok()) {
    return models.status().with_context(
        fmt::format("no server at {} (start one with: axle serve)", arguments.url));
  }
  if (models->status != 200) return answer_error(*models);
  ChatArguments resolved = arguments;
  if (resolved.model.empty()) {
    AXLE_TRY_ASSIGN(resolved.model, first_model(models->body));
  }
  ChatSession session(resolved);
  if (terminal) return converse(*terminal, client, session);
  std::string prompt = arguments.prompt;
  if (prompt.empty()) {
    prompt.assign(std::istreambuf_iterator<char>(std::cin), {});
    if (prompt.empty()) return invalid_argument("standard input is empty; give a question");
  }
  session.add_user(prompt);
  AXLE_TRY(stream_answer(client, session).status());
  return g_interrupted ? cancelled("interrupted") : Status();
}

}  // namespace axle::app
