#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace axle::text {

// Byte offset of the first byte of `text` that is not part of valid UTF-8; nothing when all is.
std::optional<std::size_t> find_invalid_utf8(std::string_view text);

// Turns bytes that come in pieces into UTF-8 in whole characters. Each longest run of bytes that
// begins a character but cannot end it becomes one U+FFFD.
// Source: The Unicode Standard 15.0, section 3.9, table 3-7 and "substitution of maximal subparts".
//
// Threading: not synchronised.
class Utf8Stream {
 public:
  // Appends to `out` the characters that `bytes` complete.
  void push(std::string_view bytes, std::string& out);
  // Appends U+FFFD to `out` when a character is unfinished. The stream is then as new.
  void finish(std::string& out);

 private:
  void push_byte(unsigned char byte, std::string& out);
  void begin(unsigned char byte, std::string& out);

  std::array<char, 4> held_{};  // The unfinished character's bytes.
  std::size_t held_size_ = 0;
  std::size_t want_ = 0;  // Its full length; 0: none is unfinished.
  // What the next byte must lie in.
  unsigned char low_ = 0x80;
  unsigned char high_ = 0xBF;
};

}  // namespace axle::text
