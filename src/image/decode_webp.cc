#include <fmt/format.h>
#include <webp/decode.h>
#include <webp/demux.h>

#include <memory>
#include <utility>

#include "image/codecs.h"

namespace axle::image {
namespace {

const std::uint8_t* data_of(std::span<const std::byte> bytes) {
  return reinterpret_cast<const std::uint8_t*>(bytes.data());
}

Status failure(VP8StatusCode code) {
  switch (code) {
    case VP8_STATUS_OUT_OF_MEMORY:
      return exhausted("WebP: no memory to decode it");
    case VP8_STATUS_SUSPENDED:
    case VP8_STATUS_NOT_ENOUGH_DATA:
      return corrupt("WebP: it ends too soon");
    case VP8_STATUS_UNSUPPORTED_FEATURE:
      return unsupported("WebP: it uses a feature that is not read");
    default:
      return corrupt(
          fmt::format("WebP: it breaks the rules of its kind (status {})", static_cast<int>(code)));
  }
}

// Decodes `still`, which has the size `size`, with its upper left corner at (left, top) of
// `picture`, which has room for it.
Status decode_into(std::span<const std::byte> still, Size size, Picture& picture, int left,
                   int top) {
  WebPDecoderConfig config;
  if (WebPInitDecoderConfig(&config) == 0) return internal("libwebp is of another version");
  config.output.colorspace = picture.channels == 4 ? MODE_RGBA : MODE_RGB;
  config.output.is_external_memory = 1;
  config.output.width = size.width;
  config.output.height = size.height;
  const std::size_t begin = static_cast<std::size_t>(top) * picture.row_bytes() +
                            static_cast<std::size_t>(left * picture.channels);
  config.output.u.RGBA.rgba = picture.pixels.data() + begin;
  config.output.u.RGBA.size = picture.pixels.size() - begin;
  config.output.u.RGBA.stride = static_cast<int>(picture.row_bytes());
  const VP8StatusCode code = WebPDecode(data_of(still), still.size(), &config);
  return code == VP8_STATUS_OK ? Status{} : failure(code);
}

// The first frame of an animation on its canvas.
class FirstFrame {
 public:
  explicit FirstFrame(std::span<const std::byte> file) {
    const WebPData data{data_of(file), file.size()};
    demuxer_.reset(WebPDemux(&data));
    valid_ = demuxer_ != nullptr && WebPDemuxGetFrame(demuxer_.get(), 1, &frame_) != 0;
  }
  FirstFrame(const FirstFrame&) = delete;
  FirstFrame& operator=(const FirstFrame&) = delete;
  ~FirstFrame() { WebPDemuxReleaseIterator(&frame_); }

  bool valid() const { return valid_; }
  const WebPIterator& operator*() const { return frame_; }

 private:
  std::unique_ptr<WebPDemuxer, decltype(&WebPDemuxDelete)> demuxer_{nullptr, WebPDemuxDelete};
  WebPIterator frame_{};
  bool valid_ = false;
};

Result<Picture> decode_animation(std::span<const std::byte> file, Size canvas, bool alpha,
                                 const DecodeLimits& limits) {
  const FirstFrame first(file);
  if (!first.valid()) return corrupt("WebP: its frames cannot be found");
  const WebPIterator& frame = *first;
  const bool inside = frame.x_offset >= 0 && frame.y_offset >= 0 && frame.width > 0 &&
                      frame.height > 0 && frame.width <= canvas.width - frame.x_offset &&
                      frame.height <= canvas.height - frame.y_offset;
  if (!inside) return corrupt("WebP: its first frame does not fit on the canvas");
  const Size size{frame.width, frame.height};
  const int channels = alpha || size != canvas ? 4 : 3;
  AXLE_TRY_ASSIGN(Picture picture, make_decoded(Kind::kWebp, canvas, channels, limits));
  const auto still = std::as_bytes(std::span(frame.fragment.bytes, frame.fragment.size));
  AXLE_TRY(decode_into(still, size, picture, frame.x_offset, frame.y_offset));
  return picture;
}

}  // namespace

Result<Picture> decode_webp(std::span<const std::byte> file, const DecodeLimits& limits) {
  WebPBitstreamFeatures features;
  const VP8StatusCode code = WebPGetFeatures(data_of(file), file.size(), &features);
  if (code != VP8_STATUS_OK) return failure(code);
  const Size size{features.width, features.height};
  const bool alpha = features.has_alpha != 0;
  if (features.has_animation != 0) return decode_animation(file, size, alpha, limits);
  AXLE_TRY_ASSIGN(Picture picture, make_decoded(Kind::kWebp, size, alpha ? 4 : 3, limits));
  AXLE_TRY(decode_into(file, size, picture, 0, 0));
  return picture;
}

}  // namespace axle::image
