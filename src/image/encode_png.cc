#include <fmt/format.h>
#include <png.h>
#include <zlib.h>

#include <csetjmp>
#include <cstdint>
#include <cstring>
#include <new>
#include <optional>
#include <utility>

#include "image/encode.h"
#include "image/memory.h"
#include "image/unicode.h"

namespace axle::image {
namespace {

constexpr std::size_t kMessageBytes = 128;

// What one file needs. As in decode_png.cc, the functions that errors jump out of own nothing.
struct Writer {
  Writer() = default;
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;
  ~Writer() { png_destroy_write_struct(&png, &info); }

  png_structp png = nullptr;
  png_infop info = nullptr;
  std::string file;
  char keyword[11] = "parameters";
  std::string text;
  png_text chunk{};
  char message[kMessageBytes] = "";
};

[[noreturn]] void on_error(png_structp png, png_const_charp text) {
  auto* writer = static_cast<Writer*>(png_get_error_ptr(png));
  std::strncpy(writer->message, text, kMessageBytes - 1);
  png_longjmp(png, 1);
}

void on_warning(png_structp, png_const_charp) {}

bool append(std::string& file, const png_byte* bytes, std::size_t length) {
  try {
    file.append(reinterpret_cast<const char*>(bytes), length);
    return true;
  } catch (const std::bad_alloc&) {
    return false;
  }
}

void on_write(png_structp png, png_bytep bytes, std::size_t length) {
  auto* writer = static_cast<Writer*>(png_get_io_ptr(png));
  if (!append(writer->file, bytes, length)) png_error(png, "no memory for the file");
}

void on_flush(png_structp) {}

void set_text(Writer& writer, std::string_view parameters) {
  if (parameters.empty()) return;
  std::optional<std::string> latin1 = utf8_to_latin1(parameters);
  writer.text = latin1 ? *std::move(latin1) : to_valid_utf8(parameters);
  writer.chunk.compression = latin1 ? PNG_TEXT_COMPRESSION_NONE : PNG_ITXT_COMPRESSION_NONE;
  writer.chunk.key = writer.keyword;
  writer.chunk.text = writer.text.data();
  writer.chunk.text_length = writer.text.size();
}

// Two ways to pack the pixels.
enum class Packing : std::uint8_t {
  // Runs only, behind the filter that leaves least of a picture: on pictures as models make them
  // half the time of level 1, a tenth smaller, and hardly larger than anything else.
  kRuns,
  // libpng's own: level 6, filters tried for each row. Better where colours are few.
  kMatches,
};

void set_packing(png_structp png, Packing packing) {
  if (packing == Packing::kMatches) return;
  png_set_compression_strategy(png, Z_RLE);
  png_set_filter(png, PNG_FILTER_TYPE_BASE, PNG_FILTER_AVG);
}

// Writes the whole file. False after an error.
bool write(Writer& writer, const Picture& picture, Packing packing) {
  if (setjmp(png_jmpbuf(writer.png)) != 0) return false;
  png_set_write_fn(writer.png, &writer, on_write, on_flush);
  const int colour = picture.channels == 1   ? PNG_COLOR_TYPE_GRAY
                     : picture.channels == 3 ? PNG_COLOR_TYPE_RGB
                                             : PNG_COLOR_TYPE_RGB_ALPHA;
  png_set_IHDR(writer.png, writer.info, static_cast<png_uint_32>(picture.width),
               static_cast<png_uint_32>(picture.height), 8, colour, PNG_INTERLACE_NONE,
               PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
  set_packing(writer.png, packing);
  if (writer.chunk.text != nullptr) png_set_text(writer.png, writer.info, &writer.chunk, 1);
  png_write_info(writer.png, writer.info);
  const std::size_t row_bytes = picture.row_bytes();
  for (int y = 0; y < picture.height; ++y) {
    png_write_row(writer.png, picture.pixels.data() + static_cast<std::size_t>(y) * row_bytes);
  }
  png_write_end(writer.png, nullptr);
  return true;
}

Result<std::string> encode(const Picture& picture, std::string_view parameters, Packing packing) {
  Writer writer;
  set_text(writer, parameters);
  writer.png = png_create_write_struct(PNG_LIBPNG_VER_STRING, &writer, on_error, on_warning);
  if (writer.png != nullptr) writer.info = png_create_info_struct(writer.png);
  if (writer.info == nullptr) return exhausted("no memory to write a PNG");
  png_set_user_limits(writer.png, PNG_UINT_31_MAX, PNG_UINT_31_MAX);
  if (write(writer, picture, packing)) return std::move(writer.file);
  return exhausted(
      fmt::format("PNG of {} x {}: {}", picture.width, picture.height, writer.message));
}

}  // namespace

Result<std::string> encode_png(const Picture& picture, const PngOptions& options) {
  AXLE_TRY(check(picture));
  return or_exhausted([&]() -> Result<std::string> {
    AXLE_TRY_ASSIGN(std::string file, encode(picture, options.parameters, Packing::kRuns));
    if (options.effort == PngEffort::kFast) return file;
    AXLE_TRY_ASSIGN(std::string other, encode(picture, options.parameters, Packing::kMatches));
    return other.size() < file.size() ? other : file;
  });
}

}  // namespace axle::image
