#include <fmt/format.h>

// jpeglib.h needs these two before it.
#include <cstddef>
#include <cstdio>

// clang-format off
#include <jpeglib.h>
#include <jerror.h>
// clang-format on

#include <array>
#include <csetjmp>
#include <new>
#include <utility>

#include "image/encode.h"
#include "image/exif.h"
#include "image/memory.h"

namespace axle::image {
namespace {

static_assert(kMaxJpegSide == JPEG_MAX_DIMENSION);

constexpr std::string_view kExifHeader{"Exif\0\0", 6};
// The length of a segment has 16 bits and counts itself. Source: ITU-T T.81 B.1.1.4.
constexpr std::size_t kMaxSegmentBytes = 65533;
constexpr int kFullColourQuality = 90;

// What one file needs. As in decode_jpeg.cc, the functions that errors jump out of own nothing.
struct Writer {
  Writer() = default;
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;
  ~Writer() { jpeg_destroy_compress(&jpeg); }

  jpeg_compress_struct jpeg{};  // All zero: may be destroyed before it is created.
  jpeg_error_mgr errors{};
  jpeg_destination_mgr destination{};
  std::jmp_buf escape;
  std::array<JOCTET, 16384> block;
  std::string file;
  char message[JMSG_LENGTH_MAX] = "";
};

[[noreturn]] void on_error(j_common_ptr jpeg) {
  auto* writer = static_cast<Writer*>(jpeg->client_data);
  jpeg->err->format_message(jpeg, writer->message);
  std::longjmp(writer->escape, 1);
}

void on_message(j_common_ptr, int) {}

void start_block(j_compress_ptr jpeg) {
  auto* writer = static_cast<Writer*>(jpeg->client_data);
  jpeg->dest->next_output_byte = writer->block.data();
  jpeg->dest->free_in_buffer = writer->block.size();
}

bool append(Writer& writer, std::size_t length) {
  try {
    writer.file.append(reinterpret_cast<const char*>(writer.block.data()), length);
    return true;
  } catch (const std::bad_alloc&) {
    return false;
  }
}

void flush(j_compress_ptr jpeg, std::size_t length) {
  auto* writer = static_cast<Writer*>(jpeg->client_data);
  if (!append(*writer, length)) ERREXIT1(jpeg, JERR_OUT_OF_MEMORY, 0);
}

boolean on_full_block(j_compress_ptr jpeg) {
  flush(jpeg, static_cast<Writer*>(jpeg->client_data)->block.size());
  start_block(jpeg);
  return TRUE;
}

void on_end(j_compress_ptr jpeg) {
  auto* writer = static_cast<Writer*>(jpeg->client_data);
  flush(jpeg, writer->block.size() - jpeg->dest->free_in_buffer);
}

void set_quality(jpeg_compress_struct& jpeg, int quality) {
  jpeg_set_defaults(&jpeg);
  jpeg_set_quality(&jpeg, quality, TRUE);
  if (quality >= kFullColourQuality && jpeg.num_components == 3) {
    jpeg.comp_info[0].h_samp_factor = jpeg.comp_info[0].v_samp_factor = 1;
  }
}

// Writes the whole file; `exif` is the content of its APP1 segment, or empty. False after an error.
bool write(Writer& writer, const Picture& picture, int quality, std::string_view exif) {
  jpeg_compress_struct& jpeg = writer.jpeg;
  jpeg.err = jpeg_std_error(&writer.errors);
  jpeg.client_data = &writer;
  writer.errors.error_exit = on_error;
  writer.errors.emit_message = on_message;
  if (setjmp(writer.escape) != 0) return false;
  jpeg_CreateCompress(&jpeg, JPEG_LIB_VERSION, sizeof(jpeg));
  writer.destination = {nullptr, 0, start_block, on_full_block, on_end};
  jpeg.dest = &writer.destination;
  jpeg.image_width = static_cast<JDIMENSION>(picture.width);
  jpeg.image_height = static_cast<JDIMENSION>(picture.height);
  jpeg.input_components = picture.channels;
  jpeg.in_color_space = picture.channels == 1 ? JCS_GRAYSCALE : JCS_RGB;
  set_quality(jpeg, quality);
  jpeg_start_compress(&jpeg, TRUE);
  if (!exif.empty()) {
    jpeg_write_marker(&jpeg, JPEG_APP0 + 1, reinterpret_cast<const JOCTET*>(exif.data()),
                      static_cast<unsigned>(exif.size()));
  }
  const std::size_t row_bytes = picture.row_bytes();
  while (jpeg.next_scanline < jpeg.image_height) {
    // The library does not write to its input.
    auto* row = const_cast<JSAMPLE*>(picture.pixels.data() + jpeg.next_scanline * row_bytes);
    jpeg_write_scanlines(&jpeg, &row, 1);
  }
  jpeg_finish_compress(&jpeg);
  return true;
}

Status check_jpeg(const Picture& picture, const JpegOptions& options) {
  AXLE_TRY(check(picture));
  if (picture.channels == 4) {
    return invalid_argument("JPEG has no alpha: flatten the picture first");
  }
  if (picture.width > kMaxJpegSide || picture.height > kMaxJpegSide) {
    return invalid_argument(fmt::format("JPEG of {} x {}: its sides may have {} at most",
                                        picture.width, picture.height, kMaxJpegSide));
  }
  if (options.quality < 1 || options.quality > 100) {
    return invalid_argument(fmt::format("JPEG quality {}: wanted 1 to 100", options.quality));
  }
  return {};
}

// As encode_jpeg(), for what it has checked.
Result<std::string> encode(const Picture& picture, const JpegOptions& options) {
  std::string exif;
  if (!options.parameters.empty()) {
    exif = std::string(kExifHeader) + make_exif(options.parameters);
  }
  if (exif.size() > kMaxSegmentBytes) {
    return invalid_argument(
        fmt::format("text for a JPEG: {} bytes, at most {} fit", exif.size(), kMaxSegmentBytes));
  }
  Writer writer;
  if (write(writer, picture, options.quality, exif)) return std::move(writer.file);
  return exhausted(fmt::format("JPEG: {}", writer.message));
}

}  // namespace

Result<std::string> encode_jpeg(const Picture& picture, const JpegOptions& options) {
  AXLE_TRY(check_jpeg(picture, options));
  return or_exhausted([&] { return encode(picture, options); });
}

}  // namespace axle::image
