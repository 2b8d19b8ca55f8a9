// Time of what the front does with a picture of 512 x 512: encode, decode, resize, change for a
// display. The picture has slopes of all widths and a little noise, as those of a model have.
#include <benchmark/benchmark.h>

#include <cstdint>
#include <random>
#include <string>

#include "image/decode.h"
#include "image/encode.h"
#include "image/panel.h"
#include "image/resize.h"

namespace axle::image {
namespace {

constexpr Size kSize{512, 512};

Picture noise(Size size, std::mt19937& random) {
  Picture picture = *make_picture(size, 3);
  for (std::uint8_t& value : picture.pixels) value = static_cast<std::uint8_t>(random());
  return picture;
}

// Noise of each width from 256 pixels down to 1; the coarser, the stronger.
Picture make_scene() {
  std::mt19937 random(1);
  Picture scene = *resize(noise({2, 2}, random), kSize, Filter::kBicubic);
  for (int side = 4, part = 2; side <= kSize.width; side *= 2, part *= 2) {
    const Picture layer = *resize(noise({side, side}, random), kSize, Filter::kBicubic);
    for (std::size_t i = 0; i < scene.pixels.size(); ++i) {
      const int value = scene.pixels[i] + (layer.pixels[i] - 128) / part;
      scene.pixels[i] = static_cast<std::uint8_t>(value < 0 ? 0 : value > 255 ? 255 : value);
    }
  }
  return scene;
}

const Picture& scene() {
  static const Picture picture = make_scene();
  return picture;
}

// Runs `encode` and tells the size of its file.
template <typename Encode>
void run_encoder(benchmark::State& state, Encode encode) {
  std::size_t size_bytes = 0;
  for (auto _ : state) size_bytes = encode(scene())->size();
  state.counters["file_bytes"] = static_cast<double>(size_bytes);
}

void run_decoder(benchmark::State& state, const std::string& file) {
  for (auto _ : state) benchmark::DoNotOptimize(decode(std::as_bytes(std::span(file))));
}

void encode_png_as(benchmark::State& state, PngEffort effort) {
  run_encoder(state, [=](const Picture& picture) {
    return encode_png(picture, {.effort = effort, .parameters = "a cat\nSteps: 4"});
  });
}
BENCHMARK_CAPTURE(encode_png_as, fast, PngEffort::kFast)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(encode_png_as, small, PngEffort::kSmall)->Unit(benchmark::kMillisecond);

void encode_jpeg_at(benchmark::State& state) {
  const int quality = static_cast<int>(state.range(0));
  run_encoder(state,
              [=](const Picture& picture) { return encode_jpeg(picture, {.quality = quality}); });
}
BENCHMARK(encode_jpeg_at)->Arg(80)->Arg(90)->Unit(benchmark::kMillisecond);

void encode_webp_as(benchmark::State& state, WebpForm form) {
  run_encoder(state, [=](const Picture& picture) { return encode_webp(picture, {.form = form}); });
}
BENCHMARK_CAPTURE(encode_webp_as, lossy, WebpForm::kLossy)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(encode_webp_as, lossless, WebpForm::kLossless)->Unit(benchmark::kMillisecond);

void decode_png_file(benchmark::State& state) { run_decoder(state, *encode_png(scene())); }
BENCHMARK(decode_png_file)->Unit(benchmark::kMillisecond);
void decode_jpeg_file(benchmark::State& state) { run_decoder(state, *encode_jpeg(scene())); }
BENCHMARK(decode_jpeg_file)->Unit(benchmark::kMillisecond);
void decode_webp_file(benchmark::State& state) { run_decoder(state, *encode_webp(scene())); }
BENCHMARK(decode_webp_file)->Unit(benchmark::kMillisecond);

void resize_lanczos(benchmark::State& state) {
  const int side = static_cast<int>(state.range(0));
  for (auto _ : state) {
    benchmark::DoNotOptimize(resize(scene(), {side, side}, Filter::kLanczos));
  }
}
BENCHMARK(resize_lanczos)->Arg(240)->Arg(256)->Arg(768)->Arg(1024)->Unit(benchmark::kMillisecond);

void change_for_display(benchmark::State& state, const PanelOptions& options) {
  for (auto _ : state) benchmark::DoNotOptimize(to_panel(scene(), options));
}
const PanelOptions kMonoDiffused{.format = PanelFormat::kMono, .dither = Dither::kFloydSteinberg};
const PanelOptions kGrey16Pattern{.format = PanelFormat::kGrey16, .dither = Dither::kBayer8};
const PanelOptions kRgb565{.format = PanelFormat::kRgb565BigEndian};
BENCHMARK_CAPTURE(change_for_display, mono_diffused, kMonoDiffused)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(change_for_display, grey16_pattern, kGrey16Pattern)
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(change_for_display, rgb565, kRgb565)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace axle::image

BENCHMARK_MAIN();
