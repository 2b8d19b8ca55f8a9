#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "image/picture.h"

namespace axle::app {

// How a terminal shows pictures.
enum class PictureProtocol : std::uint8_t {
  kNone,
  kKitty,   // Source: kitty, "Terminal graphics protocol". Also Ghostty, Konsole, WezTerm.
  kITerm2,  // Source: iTerm2, "Inline Images Protocol". Also WezTerm, mintty, VS Code.
  kSixel,   // DEC VT340. xterm -ti 340, foot, mlterm, contour, Windows Terminal.
};

// "auto", "kitty", "iterm2", "sixel" or "none"; nothing for "auto".
// Errors: kInvalidArgument  another name.
Result<std::optional<PictureProtocol>> protocol_named(std::string_view name);

// What the terminal of this environment can show, as far as its variables tell. Inside of tmux and
// screen nothing, since these swallow pictures unless told otherwise.
PictureProtocol protocol_of(const std::function<const char*(const char*)>& variable);

// True when the terminal on standard input and output says that it has Sixel (primary device
// attributes, parameter 4). Waits a fifth of a second for its answer.
bool terminal_has_sixel();
// The same of an answer to "ESC [ c".
bool attributes_have_sixel(std::string_view answer);

// The bytes that make a terminal show the picture file (PNG), and a line's end after it.
// Errors: those of image::decode(), of kSixel; kExhausted  no memory.
Result<std::string> show_text(PictureProtocol protocol, const std::string& png);

}  // namespace axle::app
