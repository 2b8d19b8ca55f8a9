#include "image/exif.h"

#include <algorithm>
#include <cstdint>

#include "image/unicode.h"

namespace axle::image {
namespace {

using Bytes = std::span<const std::byte>;

constexpr std::uint32_t kOrientationTag = 0x0112;
constexpr std::uint32_t kExifTag = 0x8769;
constexpr std::uint32_t kUserCommentTag = 0x9286;
constexpr std::uint32_t kShortType = 3;
constexpr std::uint32_t kLongType = 4;
constexpr std::uint32_t kUndefinedType = 7;
constexpr std::size_t kHeaderBytes = 8;
constexpr std::size_t kEntryBytes = 12;
constexpr std::size_t kCharacterCodeBytes = 8;  // In front of the text of a UserComment.

constexpr std::string_view kUnicodeCode{"UNICODE\0", 8};

// One field of a directory.
struct Entry {
  std::uint32_t type = 0;
  std::uint32_t count = 0;
  std::size_t value_offset = 0;  // Of the 4 bytes that hold the value or say where it is.
};

// Numbers at offsets of an EXIF block; what lies outside reads as nothing.
class Tiff {
 public:
  explicit Tiff(Bytes bytes) : bytes_(bytes) {
    if (bytes.size() < kHeaderBytes) return;
    const bool little = bytes[0] == std::byte{'I'} && bytes[1] == std::byte{'I'};
    const bool big = bytes[0] == std::byte{'M'} && bytes[1] == std::byte{'M'};
    little_ = little;
    valid_ = (little || big) && number(2, 2) == 42u;
  }

  bool valid() const { return valid_; }

  std::optional<std::uint32_t> number(std::size_t offset, std::size_t size) const {
    if (offset > bytes_.size() || size > bytes_.size() - offset) return std::nullopt;
    std::uint32_t value = 0;
    for (std::size_t i = 0; i < size; ++i) {
      const std::size_t at = little_ ? offset + size - 1 - i : offset + i;
      value = value << 8 | std::to_integer<std::uint32_t>(bytes_[at]);
    }
    return value;
  }

  std::optional<Bytes> bytes_at(std::size_t offset, std::size_t size) const {
    if (offset > bytes_.size() || size > bytes_.size() - offset) return std::nullopt;
    return bytes_.subspan(offset, size);
  }

  // The field `tag` of the directory at `directory`.
  std::optional<Entry> find(std::size_t directory, std::uint32_t tag) const {
    const std::uint32_t entries = number(directory, 2).value_or(0);
    for (std::size_t i = 0; i < entries; ++i) {
      const std::size_t at = directory + 2 + i * kEntryBytes;
      const auto found = number(at, 2), type = number(at + 2, 2), count = number(at + 4, 4);
      if (!count) return std::nullopt;
      if (found == tag) return Entry{*type, *count, at + 8};
    }
    return std::nullopt;
  }

 private:
  Bytes bytes_;
  bool little_ = false;
  bool valid_ = false;
};

// Without the NULs that fill up the field in some writers' files.
Bytes without_filling(Bytes text, std::size_t unit_bytes) {
  const auto is_nul = [](std::byte byte) { return byte == std::byte{0}; };
  while (text.size() >= unit_bytes && std::ranges::all_of(text.last(unit_bytes), is_nul)) {
    text = text.first(text.size() - unit_bytes);
  }
  return text;
}

std::string utf16_text(Bytes text) {
  if (text.size() >= 2) {
    const auto first = std::to_integer<unsigned>(text[0]);
    const auto second = std::to_integer<unsigned>(text[1]);
    if (first == 0xfe && second == 0xff) return utf16_to_utf8(text.subspan(2), Endian::kBig);
    if (first == 0xff && second == 0xfe) return utf16_to_utf8(text.subspan(2), Endian::kLittle);
  }
  std::size_t big = 0, little = 0;
  for (std::size_t i = 0; i + 1 < text.size(); i += 2) {
    big += text[i] == std::byte{0};
    little += text[i + 1] == std::byte{0};
  }
  return utf16_to_utf8(text, little > big ? Endian::kLittle : Endian::kBig);
}

void append_big(std::string& out, std::uint32_t value, unsigned size) {
  for (unsigned i = size; i > 0; --i) out += static_cast<char>(value >> (8 * (i - 1)) & 0xffu);
}

void append_entry(std::string& out, std::uint32_t tag, std::uint32_t type, std::uint32_t count,
                  std::uint32_t value) {
  append_big(out, tag, 2);
  append_big(out, type, 2);
  append_big(out, count, 4);
  append_big(out, value, 4);
}

}  // namespace

int exif_orientation(std::span<const std::byte> tiff) {
  const Tiff block(tiff);
  if (!block.valid()) return 1;
  const std::optional<Entry> entry = block.find(block.number(4, 4).value_or(0), kOrientationTag);
  if (!entry || entry->type != kShortType || entry->count != 1) return 1;
  const std::uint32_t value = block.number(entry->value_offset, 2).value_or(1);
  return value >= 1 && value <= 8 ? static_cast<int>(value) : 1;
}

std::optional<std::string> exif_user_comment(std::span<const std::byte> tiff) {
  const Tiff block(tiff);
  if (!block.valid()) return std::nullopt;
  const std::optional<Entry> exif = block.find(block.number(4, 4).value_or(0), kExifTag);
  if (!exif) return std::nullopt;
  const std::uint32_t directory = block.number(exif->value_offset, 4).value_or(0);
  const std::optional<Entry> comment = block.find(directory, kUserCommentTag);
  if (!comment || comment->count <= kCharacterCodeBytes) return std::nullopt;
  const std::optional<std::uint32_t> offset = block.number(comment->value_offset, 4);
  if (!offset) return std::nullopt;
  const std::optional<Bytes> value = block.bytes_at(*offset, comment->count);
  if (!value) return std::nullopt;
  const Bytes code = value->first(kCharacterCodeBytes), text = value->subspan(kCharacterCodeBytes);
  const bool unicode =
      std::string_view(reinterpret_cast<const char*>(code.data()), code.size()) == kUnicodeCode;
  if (unicode) return utf16_text(without_filling(text, 2));
  const Bytes plain = without_filling(text, 1);
  return to_valid_utf8({reinterpret_cast<const char*>(plain.data()), plain.size()});
}

std::string make_exif(std::string_view text) {
  // One directory with one field that points to a second directory, which has one field too.
  constexpr std::uint32_t kDirectoryBytes = 2 + kEntryBytes + 4;
  constexpr std::uint32_t kExifDirectory = kHeaderBytes + kDirectoryBytes;
  // piexif ends the second directory without the offset of a next one.
  constexpr std::uint32_t kComment = kExifDirectory + 2 + kEntryBytes;
  const std::string comment = std::string(kUnicodeCode) + utf8_to_utf16_big(text);

  std::string out = "MM";
  append_big(out, 42, 2);
  append_big(out, kHeaderBytes, 4);
  append_big(out, 1, 2);
  append_entry(out, kExifTag, kLongType, 1, kExifDirectory);
  append_big(out, 0, 4);
  append_big(out, 1, 2);
  append_entry(out, kUserCommentTag, kUndefinedType, static_cast<std::uint32_t>(comment.size()),
               kComment);
  out += comment;
  return out;
}

}  // namespace axle::image
