#include <fmt/format.h>
#include <webp/encode.h>
#include <webp/mux.h>

#include <memory>
#include <new>
#include <utility>

#include "image/convert.h"
#include "image/encode.h"
#include "image/exif.h"
#include "image/memory.h"

namespace axle::image {
namespace {

static_assert(kMaxWebpSide == WEBP_MAX_DIMENSION);

// Of the presets 0 (fast) to 9 (small).
constexpr int kLosslessEffort = 2;

// What libwebp fills and frees.
struct Source {
  Source() { valid = WebPPictureInit(&picture) != 0; }
  Source(const Source&) = delete;
  Source& operator=(const Source&) = delete;
  ~Source() { WebPPictureFree(&picture); }

  WebPPicture picture{};
  bool valid = false;
};

struct Assembled {
  Assembled() = default;
  Assembled(const Assembled&) = delete;
  Assembled& operator=(const Assembled&) = delete;
  ~Assembled() { WebPDataClear(&data); }

  WebPData data{};
};

int on_write(const std::uint8_t* bytes, std::size_t length, const WebPPicture* source) {
  try {
    static_cast<std::string*>(source->custom_ptr)
        ->append(reinterpret_cast<const char*>(bytes), length);
    return 1;
  } catch (const std::bad_alloc&) {
    return 0;
  }
}

WebPData data_of(std::string_view bytes) {
  return {reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()};
}

Result<WebPConfig> configure(const WebpOptions& options) {
  WebPConfig config;
  if (WebPConfigInit(&config) == 0) return internal("libwebp is of another version");
  config.quality = static_cast<float>(options.quality);
  if (options.form == WebpForm::kLossless) {
    WebPConfigLosslessPreset(&config, kLosslessEffort);
    config.exact = 1;  // Colours stay below alpha 0 too.
  }
  return config;
}

// RGB or RGBA to a file without metadata.
Result<std::string> encode_pixels(const Picture& picture, const WebpOptions& options) {
  AXLE_TRY_ASSIGN(const WebPConfig config, configure(options));
  Source source;
  if (!source.valid) return internal("libwebp is of another version");
  std::string file;
  source.picture.use_argb = options.form == WebpForm::kLossless ? 1 : 0;
  source.picture.width = picture.width;
  source.picture.height = picture.height;
  source.picture.writer = on_write;
  source.picture.custom_ptr = &file;
  const int row_bytes = static_cast<int>(picture.row_bytes());
  const int imported =
      picture.channels == 4
          ? WebPPictureImportRGBA(&source.picture, picture.pixels.data(), row_bytes)
          : WebPPictureImportRGB(&source.picture, picture.pixels.data(), row_bytes);
  if (imported != 0 && WebPEncode(&config, &source.picture) != 0) return file;
  return exhausted(fmt::format("WebP of {} x {}: it cannot be encoded (libwebp's error {})",
                               picture.width, picture.height,
                               static_cast<int>(source.picture.error_code)));
}

// `file` with `exif` as its EXIF chunk.
Result<std::string> with_exif(const std::string& file, const std::string& exif) {
  const WebPData whole = data_of(file), chunk = data_of(exif);
  const std::unique_ptr<WebPMux, decltype(&WebPMuxDelete)> mux(WebPMuxCreate(&whole, 0),
                                                               WebPMuxDelete);
  Assembled assembled;
  if (mux == nullptr || WebPMuxSetChunk(mux.get(), "EXIF", &chunk, 0) != WEBP_MUX_OK ||
      WebPMuxAssemble(mux.get(), &assembled.data) != WEBP_MUX_OK) {
    return exhausted("WebP: no memory to add its text");
  }
  return std::string(reinterpret_cast<const char*>(assembled.data.bytes), assembled.data.size);
}

// As encode_webp(), for what it has checked.
Result<std::string> encode(const Picture& picture, const WebpOptions& options) {
  if (picture.channels == 1) {
    AXLE_TRY_ASSIGN(const Picture rgb, to_rgb(picture));
    return encode(rgb, options);
  }
  AXLE_TRY_ASSIGN(std::string file, encode_pixels(picture, options));
  if (options.parameters.empty()) return file;
  return with_exif(file, make_exif(options.parameters));
}

}  // namespace

Result<std::string> encode_webp(const Picture& picture, const WebpOptions& options) {
  AXLE_TRY(check(picture));
  if (picture.width > kMaxWebpSide || picture.height > kMaxWebpSide) {
    return invalid_argument(fmt::format("WebP of {} x {}: its sides may have {} at most",
                                        picture.width, picture.height, kMaxWebpSide));
  }
  if (options.quality < 1 || options.quality > 100) {
    return invalid_argument(fmt::format("WebP quality {}: wanted 1 to 100", options.quality));
  }
  return or_exhausted([&] { return encode(picture, options); });
}

}  // namespace axle::image
