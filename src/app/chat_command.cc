#include <fmt/format.h>
#include <histedit.h>
#include <poll.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <clocale>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cwchar>
#include <iostream>
#include <iterator>
#include <memory>
#include <optional>

#include "app/chat_session.h"
#include "app/commands.h"
#include "http/client.h"
#include "http/sse.h"

namespace axle::app {
namespace {

std::atomic<bool> g_interrupted{false};

void on_interrupt(int) { g_interrupted = true; }

// Reads lines with editing and a history in a terminal. Source: editline(3), NetBSD.
class LineReader {
 public:
  LineReader() : history_(::history_init()), editor_(::el_init("axle", stdin, stdout, stderr)) {
    HistEvent event;
    ::history(history_, &event, H_SETSIZE, 500);
    ::el_set(editor_, EL_PROMPT, &LineReader::prompt);
    ::el_set(editor_, EL_EDITOR, "emacs");
    ::el_set(editor_, EL_HIST, ::history, history_);
    ::el_set(editor_, EL_GETCFN, &LineReader::read_character);
  }
  ~LineReader() {
    ::el_end(editor_);
    ::history_end(history_);
  }
  LineReader(const LineReader&) = delete;
  LineReader& operator=(const LineReader&) = delete;

  // Nothing at the end of input.
  std::optional<std::string> read() {
    int length = 0;
    const char* line = ::el_gets(editor_, &length);
    if (line == nullptr || length <= 0) return std::nullopt;
    std::string text(line, static_cast<std::size_t>(length));
    while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) text.pop_back();
    HistEvent event;
    if (!text.empty()) ::history(history_, &event, H_ENTER, text.c_str());
    return text;
  }

 private:
  static const char* prompt(EditLine*) { return "> "; }

  // The next character of standard input: 1; 0 at its end; -1 on failure. Ctrl-C comes as a signal
  // and becomes Ctrl-U, which empties the line.
  static int read_character(EditLine*, wchar_t* character) {
    constexpr int kLookIntervalMs = 100;  // A signal just before the poll would be missed.
    std::mbstate_t state{};
    for (;;) {
      if (g_interrupted.exchange(false)) {
        *character = L'\x15';
        return 1;
      }
      pollfd input{STDIN_FILENO, POLLIN, 0};
      // What can be read after a Ctrl-C was typed after it: the terminal drops what came before.
      if (::poll(&input, 1, kLookIntervalMs) <= 0 || g_interrupted) continue;
      char byte = 0;
      const ssize_t count = ::read(STDIN_FILENO, &byte, 1);
      if (count < 0 && errno == EINTR) continue;
      if (count <= 0) return static_cast<int>(count);
      const std::size_t used = std::mbrtowc(character, &byte, 1, &state);
      if (used == static_cast<std::size_t>(-2)) continue;  // The character goes on.
      if (used != static_cast<std::size_t>(-1)) return 1;
      state = {};  // A byte that is no UTF-8 is dropped.
    }
  }

  History* history_;  // Owned; libedit is a C library.
  EditLine* editor_;
};

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

// libedit drops every character that the locale does not know, so one of UTF-8 is wanted.
void use_utf8() {
  std::setlocale(LC_CTYPE, "");
  if (MB_CUR_MAX == 1) std::setlocale(LC_CTYPE, "C.UTF-8");
}

Status converse(http::Client& client, ChatSession& session) {
  use_utf8();
  std::fputs("Type a message; /help shows the commands.\n", stdout);
  LineReader reader;
  while (const std::optional<std::string> line = reader.read()) {
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
  const Result<http::Response> models = client.get("/v1/models");
  if (!models.ok()) {
    return models.status().with_context(
        fmt::format("no server at {} (start one with: axle serve)", arguments.url));
  }
  if (models->status != 200) return answer_error(*models);
  ChatArguments resolved = arguments;
  if (resolved.model.empty()) {
    AXLE_TRY_ASSIGN(resolved.model, first_model(models->body));
  }
  std::signal(SIGINT, on_interrupt);
  ChatSession session(resolved);
  std::string prompt = arguments.prompt;
  if (prompt.empty() && ::isatty(STDIN_FILENO) == 0) {
    prompt.assign(std::istreambuf_iterator<char>(std::cin), {});
    if (prompt.empty()) return invalid_argument("standard input is empty; give a question");
  }
  if (prompt.empty()) return converse(client, session);
  session.add_user(prompt);
  AXLE_TRY(stream_answer(client, session).status());
  return g_interrupted ? cancelled("interrupted") : Status();
}

}  // namespace axle::app
