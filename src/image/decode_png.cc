#include <fmt/format.h>
#include <png.h>

#include <csetjmp>
#include <cstring>

#include "image/codecs.h"

namespace axle::image {
namespace {

constexpr std::size_t kMessageBytes = 128;

// libpng reports errors by longjmp to the setjmp of the function that called it. No object with a
// destructor may live in a function that is left so; they are members here, which the caller owns.
struct Reader {
  explicit Reader(std::span<const std::byte> file) : rest(file) {}
  Reader(const Reader&) = delete;
  Reader& operator=(const Reader&) = delete;
  ~Reader() { png_destroy_read_struct(&png, &info, nullptr); }

  png_structp png = nullptr;
  png_infop info = nullptr;
  std::span<const std::byte> rest;
  char message[kMessageBytes] = "";
};

struct Header {
  Size size;
  int channels = 0;
};

[[noreturn]] void on_error(png_structp png, png_const_charp text) {
  auto* reader = static_cast<Reader*>(png_get_error_ptr(png));
  std::strncpy(reader->message, text, kMessageBytes - 1);
  png_longjmp(png, 1);
}

void on_warning(png_structp, png_const_charp) {}

void on_read(png_structp png, png_bytep target, std::size_t length) {
  auto* reader = static_cast<Reader*>(png_get_io_ptr(png));
  if (length > reader->rest.size()) png_error(png, "it ends too soon");
  std::memcpy(target, reader->rest.data(), length);
  reader->rest = reader->rest.subspan(length);
}

Status create(Reader& reader) {
  reader.png = png_create_read_struct(PNG_LIBPNG_VER_STRING, &reader, on_error, on_warning);
  if (reader.png != nullptr) reader.info = png_create_info_struct(reader.png);
  if (reader.info == nullptr) return exhausted("no memory to read a PNG");
  return {};
}

// Asks for 8 bits a channel and 1, 3 or 4 channels.
void set_transforms(png_structp png, png_infop info) {
  const int colour = png_get_color_type(png, info);
  const bool transparent_colour = png_get_valid(png, info, PNG_INFO_tRNS) != 0;
  if (colour == PNG_COLOR_TYPE_PALETTE) png_set_palette_to_rgb(png);
  if (colour == PNG_COLOR_TYPE_GRAY) png_set_expand_gray_1_2_4_to_8(png);
  if (transparent_colour) png_set_tRNS_to_alpha(png);
  png_set_scale_16(png);
  const bool alpha = transparent_colour || (colour & PNG_COLOR_MASK_ALPHA) != 0;
  if (alpha && (colour & PNG_COLOR_MASK_COLOR) == 0) png_set_gray_to_rgb(png);
}

// Reads up to the first pixels. False after an error.
bool read_header(Reader& reader, Header& header) {
  if (setjmp(png_jmpbuf(reader.png)) != 0) return false;
  // Text, profiles and the like may be compressed, and say nothing about the pixels.
  constexpr png_byte kSkipped[] = "iCCP\0iTXt\0zTXt\0tEXt\0eXIf\0sPLT\0hIST";
  png_set_keep_unknown_chunks(reader.png, PNG_HANDLE_CHUNK_NEVER, kSkipped,
                              static_cast<int>(sizeof(kSkipped) / 5));
  png_set_user_limits(reader.png, PNG_UINT_31_MAX, PNG_UINT_31_MAX);
  png_set_read_fn(reader.png, &reader, on_read);
  png_read_info(reader.png, reader.info);
  set_transforms(reader.png, reader.info);
  header.size = {static_cast<int>(png_get_image_width(reader.png, reader.info)),
                 static_cast<int>(png_get_image_height(reader.png, reader.info))};
  const int colour = png_get_color_type(reader.png, reader.info);
  const bool alpha = (colour & PNG_COLOR_MASK_ALPHA) != 0 ||
                     png_get_valid(reader.png, reader.info, PNG_INFO_tRNS) != 0;
  header.channels = alpha ? 4 : (colour & PNG_COLOR_MASK_COLOR) != 0 ? 3 : 1;
  return true;
}

// Reads the pixels and what follows them. False after an error.
bool read_rows(Reader& reader, png_bytep pixels, int height, std::size_t row_bytes) {
  if (setjmp(png_jmpbuf(reader.png)) != 0) return false;
  const int passes = png_set_interlace_handling(reader.png);
  png_read_update_info(reader.png, reader.info);
  if (png_get_rowbytes(reader.png, reader.info) != row_bytes) {
    png_error(reader.png, "its rows are not as long as its header says");
  }
  for (int pass = 0; pass < passes; ++pass) {
    for (int y = 0; y < height; ++y) {
      png_read_row(reader.png, pixels + static_cast<std::size_t>(y) * row_bytes, nullptr);
    }
  }
  png_read_end(reader.png, nullptr);
  return true;
}

Status failure(const Reader& reader) {
  if (std::strstr(reader.message, "emory") != nullptr) {
    return exhausted(fmt::format("PNG: {}", reader.message));
  }
  return corrupt(fmt::format("PNG: {}", reader.message));
}

}  // namespace

Result<Picture> decode_png(std::span<const std::byte> file, const DecodeLimits& limits) {
  Reader reader(file);
  AXLE_TRY(create(reader));
  Header header;
  if (!read_header(reader, header)) return failure(reader);
  AXLE_TRY_ASSIGN(Picture picture, make_decoded(Kind::kPng, header.size, header.channels, limits));
  if (!read_rows(reader, picture.pixels.data(), picture.height, picture.row_bytes())) {
    return failure(reader);
  }
  return picture;
}

}  // namespace axle::image
