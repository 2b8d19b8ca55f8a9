#include "image/decode.h"

#include <fmt/format.h>

#include <utility>

#include "image/codecs.h"
#include "image/containers.h"
#include "image/exif.h"
#include "image/memory.h"

namespace axle::image {
namespace {

Result<Picture> decode_kind(Kind kind, std::span<const std::byte> file,
                            const DecodeLimits& limits) {
  switch (kind) {
    case Kind::kPng:
      return decode_png(file, limits);
    case Kind::kJpeg:
      return decode_jpeg(file, limits);
    case Kind::kWebp:
      return decode_webp(file, limits);
    case Kind::kGif:
      return decode_gif(file, limits);
  }
  return internal("a kind of picture that does not exist");
}

}  // namespace

std::string_view kind_name(Kind kind) {
  constexpr std::string_view kNames[] = {"PNG", "JPEG", "WebP", "GIF"};
  return kNames[static_cast<std::size_t>(kind)];
}

std::string_view media_type(Kind kind) {
  constexpr std::string_view kTypes[] = {"image/png", "image/jpeg", "image/webp", "image/gif"};
  return kTypes[static_cast<std::size_t>(kind)];
}

std::optional<Kind> sniff(std::span<const std::byte> file) {
  const std::string_view text = as_text(file);
  // Sources: PNG (third edition) 5.2; JPEG (ITU-T T.81) B.1.1.3; RFC 9649 2.4; GIF89a 17.
  if (text.starts_with("\x89PNG\r\n\x1a\n")) return Kind::kPng;
  if (text.starts_with("\xff\xd8\xff")) return Kind::kJpeg;
  if (text.starts_with("RIFF") && text.substr(0, 12).ends_with("WEBP")) return Kind::kWebp;
  if (text.starts_with("GIF87a") || text.starts_with("GIF89a")) return Kind::kGif;
  return std::nullopt;
}

Result<Picture> make_decoded(Kind kind, Size size, int channels, const DecodeLimits& limits) {
  if (std::int64_t{size.width} * size.height > limits.max_pixels) {
    return invalid_argument(fmt::format("{} of {} x {} pixels: at most {} pixels are taken",
                                        kind_name(kind), size.width, size.height,
                                        limits.max_pixels));
  }
  return make_picture(size, channels);
}

Result<Picture> decode(std::span<const std::byte> file, const DecodeLimits& limits) {
  if (file.size() > limits.max_bytes) {
    return invalid_argument(fmt::format("picture file of {} bytes: at most {} are taken",
                                        file.size(), limits.max_bytes));
  }
  const std::optional<Kind> kind = sniff(file);
  if (!kind) {
    return invalid_argument(fmt::format(
        "not a picture that can be read: wanted PNG, JPEG, WebP or GIF, found {} bytes that "
        "begin otherwise",
        file.size()));
  }
  return or_exhausted([&]() -> Result<Picture> {
    AXLE_TRY_ASSIGN(Picture picture, decode_kind(*kind, file, limits));
    return apply_orientation(std::move(picture), exif_orientation(find_exif(*kind, file)));
  });
}

}  // namespace axle::image
