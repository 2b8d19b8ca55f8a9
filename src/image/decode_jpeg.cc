#include <fmt/format.h>

// jpeglib.h needs these two before it.
#include <cstddef>
#include <cstdio>

// clang-format off
#include <jpeglib.h>
#include <jerror.h>
// clang-format on

#include <csetjmp>
#include <utility>
#include <vector>

#include "image/codecs.h"

namespace axle::image {
namespace {

// A progressive file of few bytes may ask for many passes over many pixels; ordinary ones have
// about ten.
constexpr int kMaxScans = 100;

// libjpeg reports errors by a callback that must not return: it jumps to the setjmp of the
// function that called the library. No object with a destructor may live in such a function.
struct Reader {
  Reader() = default;
  Reader(const Reader&) = delete;
  Reader& operator=(const Reader&) = delete;
  ~Reader() { jpeg_destroy_decompress(&jpeg); }

  jpeg_decompress_struct jpeg{};  // All zero: may be destroyed before it is created.
  jpeg_error_mgr errors{};
  jpeg_progress_mgr progress{};
  std::jmp_buf escape;
  int error_code = 0;
  char message[JMSG_LENGTH_MAX] = "";
};

[[noreturn]] void on_error(j_common_ptr jpeg) {
  auto* reader = static_cast<Reader*>(jpeg->client_data);
  reader->error_code = jpeg->err->msg_code;
  jpeg->err->format_message(jpeg, reader->message);
  std::longjmp(reader->escape, 1);
}

// The library mends what it can and goes on with a warning. What leaves pixels made up is an
// error here.
void on_message(j_common_ptr jpeg, int level) {
  if (level >= 0) return;
  switch (jpeg->err->msg_code) {
    case JWRN_ARITH_BAD_CODE:
    case JWRN_BOGUS_PROGRESSION:
    case JWRN_HIT_MARKER:
    case JWRN_HUFF_BAD_CODE:
    case JWRN_JPEG_EOF:
    case JWRN_MUST_RESYNC:
      on_error(jpeg);
    default:
      break;
  }
}

void on_progress(j_common_ptr jpeg) {
  auto* reader = static_cast<Reader*>(jpeg->client_data);
  if (reader->jpeg.input_scan_number <= kMaxScans) return;
  reader->error_code = JERR_BAD_PROGRESSION;
  std::snprintf(reader->message, sizeof(reader->message), "it has more than %d scans", kMaxScans);
  std::longjmp(reader->escape, 1);
}

// Reads up to the first scan and chooses the colours. False after an error.
bool read_header(Reader& reader, std::span<const std::byte> file) {
  jpeg_decompress_struct& jpeg = reader.jpeg;
  jpeg.err = jpeg_std_error(&reader.errors);
  jpeg.client_data = &reader;
  reader.errors.error_exit = on_error;
  reader.errors.emit_message = on_message;
  if (setjmp(reader.escape) != 0) return false;
  jpeg_CreateDecompress(&jpeg, JPEG_LIB_VERSION, sizeof(jpeg));
  reader.progress.progress_monitor = on_progress;
  jpeg.progress = &reader.progress;
  jpeg_mem_src(&jpeg, reinterpret_cast<const unsigned char*>(file.data()), file.size());
  jpeg_read_header(&jpeg, TRUE);
  if (jpeg.num_components == 1) {
    jpeg.out_color_space = JCS_GRAYSCALE;
  } else if (jpeg.jpeg_color_space == JCS_CMYK || jpeg.jpeg_color_space == JCS_YCCK) {
    jpeg.out_color_space = JCS_CMYK;
  } else {
    jpeg.out_color_space = JCS_RGB;
  }
  return true;
}

// 255 - ink under 255 - black, each 0 to 255, rounded to nearest: 255 is white.
std::uint8_t light(unsigned ink, unsigned black) {
  return static_cast<std::uint8_t>(((255 - ink) * (255 - black) + 127) / 255);
}

// One row, [width, 4] cyan, magenta, yellow, black to [width, 3] RGB. Adobe's programs store the
// inverse of each ink and say that they wrote the file by an APP14 marker.
void convert_inks(const JSAMPLE* source, JSAMPLE* target, unsigned width, bool inverted) {
  const unsigned flip = inverted ? 255 : 0;
  for (unsigned x = 0; x < width; ++x, source += 4, target += 3) {
    for (unsigned i = 0; i < 3; ++i) target[i] = light(source[i] ^ flip, source[3] ^ flip);
  }
}

// Decodes into `target`, [height, width, 1 or 3]; `inks` has room for a row of four channels where
// the file has them, else it is null. False after an error.
bool read_rows(Reader& reader, JSAMPLE* target, JSAMPLE* inks) {
  jpeg_decompress_struct& jpeg = reader.jpeg;
  if (setjmp(reader.escape) != 0) return false;
  jpeg_start_decompress(&jpeg);
  const std::size_t channels = inks != nullptr ? 3u : static_cast<unsigned>(jpeg.output_components);
  while (jpeg.output_scanline < jpeg.output_height) {
    JSAMPLE* const row = target + jpeg.output_scanline * channels * jpeg.output_width;
    JSAMPROW destination = inks != nullptr ? inks : row;
    jpeg_read_scanlines(&jpeg, &destination, 1);
    if (inks != nullptr) convert_inks(inks, row, jpeg.output_width, jpeg.saw_Adobe_marker);
  }
  jpeg_finish_decompress(&jpeg);
  return true;
}

Status failure(const Reader& reader) {
  std::string text = fmt::format("JPEG: {}", reader.message);
  switch (reader.error_code) {
    case JERR_OUT_OF_MEMORY:
      return exhausted(std::move(text));
    case JERR_ARITH_NOTIMPL:
    case JERR_BAD_PRECISION:
    case JERR_CCIR601_NOTIMPL:
    case JERR_CONVERSION_NOTIMPL:
    case JERR_FRACT_SAMPLE_NOTIMPL:
    case JERR_NOTIMPL:
    case JERR_SOF_UNSUPPORTED:
      return unsupported(std::move(text));
    default:
      return corrupt(std::move(text));
  }
}

}  // namespace

Result<Picture> decode_jpeg(std::span<const std::byte> file, const DecodeLimits& limits) {
  Reader reader;
  if (!read_header(reader, file)) return failure(reader);
  const Size size{static_cast<int>(reader.jpeg.image_width),
                  static_cast<int>(reader.jpeg.image_height)};
  const bool grey = reader.jpeg.out_color_space == JCS_GRAYSCALE;
  const bool has_inks = reader.jpeg.out_color_space == JCS_CMYK;
  AXLE_TRY_ASSIGN(Picture picture, make_decoded(Kind::kJpeg, size, grey ? 1 : 3, limits));
  std::vector<JSAMPLE> inks(has_inks ? std::size_t{4} * reader.jpeg.image_width : 0);
  if (!read_rows(reader, picture.pixels.data(), has_inks ? inks.data() : nullptr)) {
    return failure(reader);
  }
  return picture;
}

}  // namespace axle::image
