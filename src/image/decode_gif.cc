#include <fmt/format.h>
#include <gif_lib.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <memory>
#include <utility>
#include <vector>

#include "image/codecs.h"

namespace axle::image {
namespace {

struct Close {
  void operator()(GifFileType* gif) const { DGifCloseFile(gif, nullptr); }
};

// What the reader needs of the file; giflib's own error codes are in the handle.
class Reader {
 public:
  explicit Reader(std::span<const std::byte> file) : rest_(file) {
    gif_.reset(DGifOpen(this, read, &error_));
  }
  Reader(const Reader&) = delete;
  Reader& operator=(const Reader&) = delete;

  GifFileType* gif() { return gif_.get(); }

  Status failure() const {
    const int code = gif_ != nullptr ? gif_->Error : error_;
    const char* text = GifErrorString(code);
    if (code == D_GIF_ERR_NOT_ENOUGH_MEM) return exhausted("GIF: no memory to read it");
    return corrupt(fmt::format("GIF: {}", text != nullptr ? text : "it ends too soon"));
  }

 private:
  static int read(GifFileType* gif, GifByteType* target, int length) {
    auto* reader = static_cast<Reader*>(gif->UserData);
    const std::size_t count =
        std::min(static_cast<std::size_t>(std::max(length, 0)), reader->rest_.size());
    if (count > 0) std::memcpy(target, reader->rest_.data(), count);
    reader->rest_ = reader->rest_.subspan(count);
    return static_cast<int>(count);
  }

  std::span<const std::byte> rest_;
  int error_ = 0;
  std::unique_ptr<GifFileType, Close> gif_;
};

// Reads an extension; `transparent` becomes the colour that one of the kind "graphics control"
// names.
Status read_extension(Reader& reader, int& transparent) {
  int code = 0;
  GifByteType* block = nullptr;  // Its length, then its bytes.
  if (DGifGetExtension(reader.gif(), &code, &block) == GIF_ERROR) return reader.failure();
  while (block != nullptr) {
    GraphicsControlBlock control;
    if (code == GRAPHICS_EXT_FUNC_CODE &&
        DGifExtensionToGCB(block[0], block + 1, &control) == GIF_OK) {
      transparent = control.TransparentColor;
    }
    if (DGifGetExtensionNext(reader.gif(), &block) == GIF_ERROR) return reader.failure();
  }
  return {};
}

// Reads up to the first image and its description. The colour that is transparent, or -1.
Result<int> find_image(Reader& reader) {
  int transparent = NO_TRANSPARENT_COLOR;
  while (true) {
    GifRecordType record = UNDEFINED_RECORD_TYPE;
    if (DGifGetRecordType(reader.gif(), &record) == GIF_ERROR) return reader.failure();
    if (record == EXTENSION_RECORD_TYPE) {
      AXLE_TRY(read_extension(reader, transparent));
    } else if (record == IMAGE_DESC_RECORD_TYPE) {
      if (DGifGetImageDesc(reader.gif()) == GIF_ERROR) return reader.failure();
      return transparent;
    } else {
      return corrupt("GIF: it holds no picture");
    }
  }
}

// RGBA of each of the 256 indices; those that the file has no colour for are black.
std::array<Colour, 256> palette(const GifFileType& gif, int transparent) {
  std::array<Colour, 256> colours{};
  const ColorMapObject* map = gif.Image.ColorMap != nullptr ? gif.Image.ColorMap : gif.SColorMap;
  const int count = map != nullptr ? std::min(map->ColorCount, 256) : 0;
  for (int i = 0; i < count; ++i) {
    const GifColorType& colour = map->Colors[i];
    colours[static_cast<std::size_t>(i)] = {colour.Red, colour.Green, colour.Blue, 255};
  }
  if (transparent >= 0) colours[static_cast<std::size_t>(transparent & 255)].alpha = 0;
  return colours;
}

// The rows of an image in the order in which they are stored. Source: GIF89a appendix E.
std::vector<int> row_order(int height, bool interlaced) {
  struct Pass {
    int first, step;
  };
  constexpr Pass kWhole[] = {{0, 1}};
  constexpr Pass kInterlaced[] = {{0, 8}, {4, 8}, {2, 4}, {1, 2}};
  std::vector<int> rows;
  rows.reserve(static_cast<std::size_t>(height));
  for (const Pass& pass : interlaced ? std::span<const Pass>(kInterlaced) : kWhole) {
    for (int y = pass.first; y < height; y += pass.step) rows.push_back(y);
  }
  return rows;
}

Status read_rows(Reader& reader, const std::array<Colour, 256>& colours, Picture& picture) {
  const GifImageDesc& image = reader.gif()->Image;
  const auto channels = static_cast<std::size_t>(picture.channels);
  std::vector<GifPixelType> line(static_cast<std::size_t>(image.Width));
  for (const int y : row_order(image.Height, image.Interlace)) {
    if (DGifGetLine(reader.gif(), line.data(), image.Width) == GIF_ERROR) return reader.failure();
    std::uint8_t* target =
        picture.row(image.Top + y).data() + static_cast<std::size_t>(image.Left) * channels;
    for (const GifPixelType index : line) {
      const Colour& colour = colours[index];
      const std::uint8_t values[] = {colour.red, colour.green, colour.blue, colour.alpha};
      std::memcpy(target, values, channels);
      target += channels;
    }
  }
  return {};
}

}  // namespace

Result<Picture> decode_gif(std::span<const std::byte> file, const DecodeLimits& limits) {
  Reader reader(file);
  if (reader.gif() == nullptr) return reader.failure();
  AXLE_TRY_ASSIGN(const int transparent, find_image(reader));
  const GifFileType& gif = *reader.gif();
  const GifImageDesc& image = gif.Image;
  if (image.Width < 1 || image.Height < 1 || image.Left < 0 || image.Top < 0) {
    return corrupt(
        fmt::format("GIF: its first image is of {} x {} pixels", image.Width, image.Height));
  }
  // As browsers have it: a first image that is larger than the screen makes the screen larger.
  const Size canvas{std::max(gif.SWidth, image.Left + image.Width),
                    std::max(gif.SHeight, image.Top + image.Height)};
  const bool covers = canvas == Size{image.Width, image.Height};
  const int channels = transparent == NO_TRANSPARENT_COLOR && covers ? 3 : 4;
  AXLE_TRY_ASSIGN(Picture picture, make_decoded(Kind::kGif, canvas, channels, limits));
  AXLE_TRY(read_rows(reader, palette(gif, transparent), picture));
  return picture;
}

}  // namespace axle::image
