#include "text/utf8.h"

namespace axle::text {
namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";  // U+FFFD.

// What may follow a first byte: how many bytes in all, and the range of the second.
// Source: The Unicode Standard 15.0, table 3-7, "Well-Formed UTF-8 Byte Sequences".
struct Lead {
  std::size_t length = 0;  // 0: no character begins so.
  unsigned char low = 0x80;
  unsigned char high = 0xBF;
};

Lead lead_of(unsigned char byte) {
  if (byte < 0x80) return {1};
  if (byte >= 0xC2 && byte <= 0xDF) return {2};
  if (byte == 0xE0) return {3, 0xA0, 0xBF};
  if (byte == 0xED) return {3, 0x80, 0x9F};
  if (byte >= 0xE1 && byte <= 0xEF) return {3};
  if (byte == 0xF0) return {4, 0x90, 0xBF};
  if (byte >= 0xF1 && byte <= 0xF3) return {4};
  if (byte == 0xF4) return {4, 0x80, 0x8F};
  return {};
}

}  // namespace

std::optional<std::size_t> find_invalid_utf8(std::string_view text) {
  std::size_t at = 0;
  while (at < text.size()) {
    const Lead lead = lead_of(static_cast<unsigned char>(text[at]));
    if (lead.length == 0 || lead.length > text.size() - at) return at;
    for (std::size_t i = 1; i < lead.length; ++i) {
      const auto byte = static_cast<unsigned char>(text[at + i]);
      const unsigned char low = i == 1 ? lead.low : 0x80;
      const unsigned char high = i == 1 ? lead.high : 0xBF;
      if (byte < low || byte > high) return at;
    }
    at += lead.length;
  }
  return std::nullopt;
}

void Utf8Stream::push(std::string_view bytes, std::string& out) {
  for (const char byte : bytes) push_byte(static_cast<unsigned char>(byte), out);
}

void Utf8Stream::push_byte(unsigned char byte, std::string& out) {
  if (want_ != 0 && (byte < low_ || byte > high_)) finish(out);
  if (want_ == 0) {
    begin(byte, out);
    return;
  }
  held_[held_size_++] = static_cast<char>(byte);
  low_ = 0x80;
  high_ = 0xBF;
  if (held_size_ == want_) {
    out.append(held_.data(), held_size_);
    want_ = 0;
  }
}

void Utf8Stream::begin(unsigned char byte, std::string& out) {
  const Lead lead = lead_of(byte);
  if (lead.length == 0) {
    out += kReplacement;
  } else if (lead.length == 1) {
    out += static_cast<char>(byte);
  } else {
    held_[0] = static_cast<char>(byte);
    held_size_ = 1;
    want_ = lead.length;
    low_ = lead.low;
    high_ = lead.high;
  }
}

void Utf8Stream::finish(std::string& out) {
  if (want_ != 0) out += kReplacement;
  want_ = 0;
}

}  // namespace axle::text
