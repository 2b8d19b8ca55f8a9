#include "image/metadata.h"

#include <fmt/format.h>
#include <zlib.h>

#include <algorithm>
#include <array>
#include <optional>
#include <string_view>
#include <utility>

#include "image/containers.h"
#include "image/exif.h"
#include "image/memory.h"
#include "image/unicode.h"

namespace axle::image {
namespace {

// Keys of texts that say how a picture was made.
constexpr std::string_view kParameters = "parameters";
constexpr std::string_view kComment = "comment";

constexpr std::uint8_t kCommentMarker = 0xfe;  // ITU-T T.81 table B.1.

// Unpacks a zlib stream. Nothing where it is broken or gives more than `limit_bytes`, which
// `too_much` then says.
std::optional<std::string> inflate_text(std::string_view packed, std::size_t limit_bytes,
                                        bool& too_much) {
  z_stream stream{};
  if (inflateInit(&stream) != Z_OK) return std::nullopt;
  // zlib does not write to its input.
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(packed.data()));
  stream.avail_in = static_cast<uInt>(packed.size());
  std::string text;
  std::array<char, 16384> block;
  int code = Z_OK;
  while (code == Z_OK && text.size() <= limit_bytes) {
    stream.next_out = reinterpret_cast<Bytef*>(block.data());
    stream.avail_out = block.size();
    code = inflate(&stream, Z_NO_FLUSH);
    text.append(block.data(), block.size() - stream.avail_out);
  }
  inflateEnd(&stream);
  too_much = text.size() > limit_bytes;
  if (too_much || code != Z_STREAM_END) return std::nullopt;
  return text;
}

// Takes what comes before the first NUL off `text`, and the NUL. Nothing where there is none.
std::optional<std::string_view> take_until_nul(std::string_view& text) {
  const std::size_t nul = text.find('\0');
  if (nul == std::string_view::npos) return std::nullopt;
  const std::string_view part = text.substr(0, nul);
  text.remove_prefix(nul + 1);
  return part;
}

// Gathers the texts of one file.
class Collector {
 public:
  Status add_chunk(const Chunk& chunk) {
    if (chunk.name != "tEXt" && chunk.name != "zTXt" && chunk.name != "iTXt") return {};
    std::string_view rest = as_text(chunk.data);
    const std::optional<std::string_view> key = take_until_nul(rest);
    if (!key) return {};
    if (chunk.name == "tEXt") return add(*key, latin1_to_utf8(rest));
    if (chunk.name == "zTXt") return add_packed(*key, rest);
    return add_international(*key, rest);
  }

  Status add(std::string_view key, std::string text) {
    size_bytes_ += key.size() + text.size();
    if (size_bytes_ > kMaxTextBytes || metadata_.items.size() == kMaxTexts) return too_much();
    metadata_.items.push_back({latin1_to_utf8(key), std::move(text)});
    return {};
  }

  // The texts; `comment` is that of EXIF.
  Result<Metadata> finish(std::optional<std::string> comment) && {
    if (comment && comment->size() > kMaxTextBytes - size_bytes_) return too_much();
    for (const std::string_view key : {kParameters, kComment}) {
      const auto named = std::find_if(metadata_.items.begin(), metadata_.items.end(),
                                      [&](const TextItem& item) { return item.key == key; });
      if (named == metadata_.items.end()) continue;
      metadata_.parameters = named->text;
      break;
    }
    if (comment) metadata_.parameters = *std::move(comment);
    return std::move(metadata_);
  }

 private:
  static Status too_much() {
    return invalid_argument(fmt::format("texts in the picture: at most {} of {} bytes together",
                                        kMaxTexts, kMaxTextBytes));
  }

  // Compression method, then the packed text, which `to_utf8` makes UTF-8 of.
  Status add_unpacked(std::string_view key, std::string_view packed,
                      std::string (*to_utf8)(std::string_view)) {
    bool too_long = false;
    const std::optional<std::string> text =
        inflate_text(packed, kMaxTextBytes - size_bytes_, too_long);
    if (too_long) return too_much();
    return text ? add(key, to_utf8(*text)) : Status{};
  }

  Status add_packed(std::string_view key, std::string_view rest) {
    if (rest.empty() || rest[0] != 0) return {};
    return add_unpacked(key, rest.substr(1), latin1_to_utf8);
  }

  // Flag, method, language, translated keyword, text.
  Status add_international(std::string_view key, std::string_view rest) {
    if (rest.size() < 2 || rest[1] != 0) return {};
    const bool packed = rest[0] != 0;
    rest.remove_prefix(2);
    if (!take_until_nul(rest) || !take_until_nul(rest)) return {};
    if (packed) return add_unpacked(key, rest, to_valid_utf8);
    return add(key, to_valid_utf8(rest));
  }

  Metadata metadata_;
  std::size_t size_bytes_ = 0;
};

Status collect(Kind kind, Bytes file, Collector& collector) {
  if (kind == Kind::kPng) {
    PngChunks chunks(file);
    while (const std::optional<Chunk> chunk = chunks.next()) {
      AXLE_TRY(collector.add_chunk(*chunk));
    }
  }
  if (kind == Kind::kJpeg) {
    JpegSegments segments(file);
    while (const std::optional<Segment> segment = segments.next()) {
      if (segment->marker != kCommentMarker) continue;
      AXLE_TRY(collector.add(kComment, to_valid_utf8(as_text(segment->data))));
    }
  }
  if (kind == Kind::kGif) {
    for (const std::string& comment : gif_comments(file)) {
      AXLE_TRY(collector.add(kComment, to_valid_utf8(comment)));
    }
  }
  return {};
}

}  // namespace

Result<Metadata> read_metadata(std::span<const std::byte> file) {
  const std::optional<Kind> kind = sniff(file);
  if (!kind) return invalid_argument("not a picture: wanted PNG, JPEG, WebP or GIF");
  return or_exhausted([&]() -> Result<Metadata> {
    Collector collector;
    AXLE_TRY(collect(*kind, file, collector));
    return std::move(collector).finish(exif_user_comment(find_exif(*kind, file)));
  });
}

}  // namespace axle::image
