#include "app/terminal_picture.h"

#include <fmt/format.h>
#include <poll.h>
#include <sixel.h>
#include <termios.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <memory>
#include <span>
#include <utility>

#include "base/base64.h"
#include "image/convert.h"
#include "image/decode.h"

namespace axle::app {
namespace {

constexpr std::size_t kKittyChunk = 4096;  // Base64 characters in one command, by the protocol.
constexpr int kSixelColours = 256;
constexpr int kAnswerLimitMs = 200;

std::string kitty_text(const std::string& png) {
  const std::string base64 = encode_base64(png);
  std::string text;
  for (std::size_t at = 0; at < base64.size(); at += kKittyChunk) {
    const bool more = at + kKittyChunk < base64.size();
    text += fmt::format("\x1b_G{}m={};{}\x1b\\", at == 0 ? "a=T,f=100," : "", more ? 1 : 0,
                        std::string_view(base64).substr(at, kKittyChunk));
  }
  return text + "\n";
}

std::string iterm2_text(const std::string& png) {
  return fmt::format("\x1b]1337;File=inline=1;size={}:{}\a\n", png.size(), encode_base64(png));
}

int append_to_text(char* data, int size, void* text) {
  static_cast<std::string*>(text)->append(data, static_cast<std::size_t>(size));
  return 0;
}

Result<std::string> sixel_text(const std::string& png) {
  AXLE_TRY_ASSIGN(const image::Picture decoded, image::decode(std::as_bytes(std::span(png))));
  AXLE_TRY_ASSIGN(image::Picture picture, image::flatten(decoded, {255, 255, 255, 255}));
  std::string text;
  sixel_output_t* output = nullptr;
  sixel_dither_t* dither = nullptr;
  const auto none = [] { return exhausted("no memory to show the picture"); };
  if (SIXEL_FAILED(sixel_output_new(&output, append_to_text, &text, nullptr))) return none();
  const std::unique_ptr<sixel_output_t, void (*)(sixel_output_t*)> output_owner(output,
                                                                                sixel_output_unref);
  if (SIXEL_FAILED(sixel_dither_new(&dither, kSixelColours, nullptr))) return none();
  const std::unique_ptr<sixel_dither_t, void (*)(sixel_dither_t*)> dither_owner(dither,
                                                                                sixel_dither_unref);
  if (SIXEL_FAILED(sixel_dither_initialize(dither, picture.pixels.data(), picture.width,
                                           picture.height, SIXEL_PIXELFORMAT_RGB888,
                                           SIXEL_LARGE_AUTO, SIXEL_REP_AUTO, SIXEL_QUALITY_AUTO)) ||
      SIXEL_FAILED(
          sixel_encode(picture.pixels.data(), picture.width, picture.height, 0, dither, output))) {
    return none();
  }
  return text + "\n";
}

// Reads from the terminal until `end`, or as long as it answers.
std::string read_answer(char end) {
  std::string answer;
  pollfd waits{STDIN_FILENO, POLLIN, 0};
  while (answer.size() < 256 && ::poll(&waits, 1, kAnswerLimitMs) == 1) {
    char byte = 0;
    if (::read(STDIN_FILENO, &byte, 1) != 1) break;
    answer += byte;
    if (byte == end) break;
  }
  return answer;
}

}  // namespace

Result<std::optional<PictureProtocol>> protocol_named(std::string_view name) {
  constexpr std::array<std::pair<std::string_view, PictureProtocol>, 4> kNames{
      {{"none", PictureProtocol::kNone},
       {"kitty", PictureProtocol::kKitty},
       {"iterm2", PictureProtocol::kITerm2},
       {"sixel", PictureProtocol::kSixel}}};
  if (name == "auto") return std::optional<PictureProtocol>();
  for (const auto& [text, protocol] : kNames) {
    if (text == name) return std::optional(protocol);
  }
  return invalid_argument(
      fmt::format("--show: wanted auto, kitty, iterm2, sixel or none, found {}", name));
}

PictureProtocol protocol_of(const std::function<const char*(const char*)>& variable) {
  const auto value = [&variable](const char* name) {
    const char* found = variable(name);
    return std::string_view(found == nullptr ? "" : found);
  };
  const auto is_set = [&value](const char* name) { return !value(name).empty(); };
  const std::string_view term = value("TERM");
  const std::string_view program = value("TERM_PROGRAM");
  if (is_set("TMUX") || term.starts_with("screen") || term.starts_with("tmux"))
    return PictureProtocol::kNone;
  if (is_set("KITTY_WINDOW_ID") || is_set("KONSOLE_VERSION") || term == "xterm-kitty" ||
      term == "xterm-ghostty" || program == "ghostty") {
    return PictureProtocol::kKitty;
  }
  if (program == "iTerm.app" || program == "WezTerm" || program == "mintty" ||
      program == "vscode" || is_set("ITERM_SESSION_ID")) {
    return PictureProtocol::kITerm2;
  }
  if (term.starts_with("foot") || term.starts_with("mlterm") || term.starts_with("contour") ||
      term.find("sixel") != std::string_view::npos) {
    return PictureProtocol::kSixel;
  }
  return PictureProtocol::kNone;
}

bool attributes_have_sixel(std::string_view answer) {
  const std::size_t begin = answer.find("\x1b[?");
  if (begin == std::string_view::npos || !answer.ends_with('c')) return false;
  std::string_view list = answer.substr(begin + 3);
  list.remove_suffix(1);
  while (!list.empty()) {
    const std::size_t end = std::min(list.find(';'), list.size());
    if (list.substr(0, end) == "4") return true;
    list.remove_prefix(std::min(end + 1, list.size()));
  }
  return false;
}

bool terminal_has_sixel() {
  if (::isatty(STDIN_FILENO) != 1 || ::isatty(STDOUT_FILENO) != 1) return false;
  termios before{};
  if (::tcgetattr(STDIN_FILENO, &before) != 0) return false;
  termios raw = before;
  raw.c_lflag &= ~static_cast<tcflag_t>(ICANON | ECHO);
  if (::tcsetattr(STDIN_FILENO, TCSANOW, &raw) != 0) return false;
  constexpr std::string_view kQuestion = "\x1b[c";
  const bool asked = ::write(STDOUT_FILENO, kQuestion.data(), kQuestion.size()) ==
                     static_cast<ssize_t>(kQuestion.size());
  const std::string answer = asked ? read_answer('c') : "";
  ::tcsetattr(STDIN_FILENO, TCSANOW, &before);
  return attributes_have_sixel(answer);
}

Result<std::string> show_text(PictureProtocol protocol, const std::string& png) {
  switch (protocol) {
    case PictureProtocol::kKitty:
      return kitty_text(png);
    case PictureProtocol::kITerm2:
      return iterm2_text(png);
    case PictureProtocol::kSixel:
      return sixel_text(png);
    case PictureProtocol::kNone:
      break;
  }
  return std::string();
}

}  // namespace axle::app
