#include "base/base64.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <new>
#include <utility>

namespace axle {
namespace {

constexpr std::string_view kAlphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

// What a character of the text is, where it is none of the 64.
constexpr std::uint8_t kBlank = 64, kPadding = 65, kStranger = 66;

constexpr std::array<std::uint8_t, 256> make_values() {
  std::array<std::uint8_t, 256> values{};
  for (std::uint8_t& value : values) value = kStranger;
  for (std::size_t i = 0; i < kAlphabet.size(); ++i) {
    values[static_cast<unsigned char>(kAlphabet[i])] = static_cast<std::uint8_t>(i);
  }
  values['-'] = 62;
  values['_'] = 63;
  for (const char blank : {' ', '\t', '\r', '\n', '\f', '\v'}) {
    values[static_cast<unsigned char>(blank)] = kBlank;
  }
  values['='] = kPadding;
  return values;
}

constexpr std::array<std::uint8_t, 256> kValues = make_values();

// Reads base64 character by character.
class Decoder {
 public:
  explicit Decoder(std::size_t limit_bytes) : limit_bytes_(limit_bytes) {}

  Status add(char c, std::size_t offset) {
    const std::uint8_t value = kValues[static_cast<unsigned char>(c)];
    if (value == kBlank) return {};
    if (value == kPadding) {
      ++padding_;
      return {};
    }
    if (value == kStranger || padding_ > 0) {
      return invalid_argument(fmt::format(
          "base64: character {} (0x{:02x}) {}", offset, static_cast<unsigned char>(c),
          padding_ > 0 ? "stands behind the padding" : "is not of the alphabet A-Z a-z 0-9 + /"));
    }
    bits_ = (bits_ << 6) | value;
    if (++characters_ % 4 == 1) return {};
    if (bytes_.size() == limit_bytes_) {
      return invalid_argument(fmt::format("base64: more than the {} bytes allowed", limit_bytes_));
    }
    bytes_ += static_cast<char>((bits_ >> kSpareBits[characters_ % 4]) & 0xffu);
    return {};
  }

  Result<std::string> finish() && {
    const std::size_t rest = characters_ % 4;
    if (rest == 1) return invalid_argument("base64: it ends after the first character of a group");
    if (padding_ > 0 && (rest == 0 || padding_ != 4 - rest)) {
      return invalid_argument(
          fmt::format("base64: {} padding characters after {} others", padding_, characters_));
    }
    const std::uint32_t unused = bits_ & ((1u << kSpareBits[rest]) - 1u);
    if (unused != 0) return invalid_argument("base64: its last bits are not zero: it was cut off");
    return std::move(bytes_);
  }

  void reserve(std::size_t bytes) { bytes_.reserve(bytes); }

 private:
  // Bits behind the last whole byte, by the characters of the group so far (0 means all four).
  static constexpr std::array<unsigned, 4> kSpareBits{0, 6, 4, 2};

  std::size_t limit_bytes_;
  std::string bytes_;
  std::uint32_t bits_ = 0;  // The latest characters, 6 bits each.
  std::size_t characters_ = 0;
  std::size_t padding_ = 0;
};

}  // namespace

std::string encode_base64(std::string_view bytes) {
  std::string text;
  text.reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    const std::string_view group = bytes.substr(i, 3);
    std::uint32_t bits = 0;
    for (std::size_t j = 0; j < 3; ++j) {
      bits = (bits << 8) | (j < group.size() ? static_cast<unsigned char>(group[j]) : 0u);
    }
    for (std::size_t j = 0; j < 4; ++j) {
      text += j <= group.size() ? kAlphabet[(bits >> (18 - 6 * j)) & 63u] : '=';
    }
  }
  return text;
}

Result<std::string> decode_base64(std::string_view text, std::size_t limit_bytes) try {
  Decoder decoder(limit_bytes);
  decoder.reserve(std::min(limit_bytes, text.size() / 4 * 3 + 3));
  for (std::size_t i = 0; i < text.size(); ++i) AXLE_TRY(decoder.add(text[i], i));
  return std::move(decoder).finish();
} catch (const std::bad_alloc&) {
  return exhausted(fmt::format("base64: no memory for what {} characters stand for", text.size()));
}

}  // namespace axle
