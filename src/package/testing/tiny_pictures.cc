#include "package/testing/tiny_pictures.h"

#include <array>
#include <cmath>
#include <string>
#include <vector>

#include "axmodel/testing/onnx_graph.h"
#include "base/file.h"
#include "package/npy.h"
#include "text/clip_vocabulary.h"

namespace axle::package::testing {
namespace {

namespace fs = std::filesystem;
using axmodel::DataType;
using axmodel::testing::OnnxGraph;

constexpr std::int64_t kTextLength = 77;
constexpr std::size_t kBytes = 256;
constexpr std::array<const char*, 4> kMerges = {"c a", "ca t</w>", "r e", "re d</w>"};
constexpr std::size_t kVocabulary = 2 * kBytes + kMerges.size() + 2;

// Numbers from -size to size; the same with every standard library.
std::vector<float> numbers(std::size_t count, std::uint32_t& seed, float size) {
  std::vector<float> result(count);
  for (float& value : result) {
    seed = seed * 1664525u + 1013904223u;
    value = (static_cast<float>(seed >> 8) / 8388608.0f - 1.0f) * size;
  }
  return result;
}

struct Sizes {
  explicit Sizes(const TinyPicturesOptions& options)
      : width(static_cast<std::int64_t>(options.width)),
        height(static_cast<std::int64_t>(options.height)),
        text(static_cast<std::int64_t>(options.text_width)),
        time(static_cast<std::int64_t>(options.time_width)),
        vendor(options.vendor) {}
  std::vector<std::int64_t> latents(std::int64_t channels) const {
    return {1, channels, height / 8, width / 8};
  }
  std::vector<std::int64_t> picture() const { return {1, 3, height, width}; }
  std::string time_row() const {
    return vendor ? "/down_blocks.0/resnets.0/act_1/Mul_output_0" : "time_row";
  }
  OnnxGraph graph() const {
    OnnxGraph graph;
    graph.producer(vendor ? axmodel::kVendorProducer : axmodel::kProducer);
    return graph;
  }
  std::int64_t width, height, text, time;
  bool vendor;
};

OnnxGraph text_encoder(const Sizes& sizes, std::uint32_t seed) {
  const auto width = static_cast<std::size_t>(sizes.text);
  OnnxGraph graph = sizes.graph();
  graph.input("input_ids", sizes.vendor ? DataType::kUint32 : DataType::kInt32, {1, kTextLength})
      .constant("tokens", {kVocabulary, sizes.text}, numbers(kVocabulary * width, seed, 1.0f))
      .constant("places", {1, kTextLength, sizes.text},
                numbers(static_cast<std::size_t>(kTextLength) * width, seed, 0.1f))
      .node("Gather", {"tokens", "input_ids"}, {"rows"})
      .node("Add", {"rows", "places"}, {"last_hidden_state"})
      .output("last_hidden_state", DataType::kFloat, {1, kTextLength, sizes.text});
  return graph;
}

OnnxGraph unet(const Sizes& sizes, std::uint32_t seed) {
  const auto text = static_cast<std::size_t>(sizes.text);
  const auto time = static_cast<std::size_t>(sizes.time);
  OnnxGraph graph = sizes.graph();
  graph.input("sample", DataType::kFloat, sizes.latents(4))
      .input(sizes.time_row(), DataType::kFloat, {1, sizes.time})
      .input("encoder_hidden_states", DataType::kFloat, {1, kTextLength, sizes.text})
      .constant("mix", {4, 4, 3, 3}, numbers(144, seed, 0.1f))
      .constant("from_time", {sizes.time, 4}, numbers(time * 4, seed, 0.1f))
      .constant("from_text", {sizes.text, 4}, numbers(text * 4, seed, 1.0f))
      .constant("as_channels", {4}, std::vector<std::int64_t>{1, 4, 1, 1})
      .node("Conv", {"sample", "mix"}, {"mixed"},
            {{"kernel_shape", std::vector<std::int64_t>{3, 3}},
             {"pads", std::vector<std::int64_t>{1, 1, 1, 1}}})
      .node("Add", {"sample", "mixed"}, {"kept"})
      .node("MatMul", {sizes.time_row(), "from_time"}, {"time_numbers"})
      .node("Reshape", {"time_numbers", "as_channels"}, {"time_channels"})
      .node("ReduceMean", {"encoder_hidden_states"}, {"text_mean"},
            {{"axes", std::vector<std::int64_t>{1}}, {"keepdims", std::int64_t{0}}})
      .node("MatMul", {"text_mean", "from_text"}, {"text_numbers"})
      .node("Reshape", {"text_numbers", "as_channels"}, {"text_channels"})
      .node("Add", {"kept", "time_channels"}, {"timed"})
      .node("Add", {"timed", "text_channels"}, {"noise"})
      .output("noise", DataType::kFloat, sizes.latents(4));
  return graph;
}

OnnxGraph vae_decoder(const Sizes& sizes, std::uint32_t seed) {
  OnnxGraph graph = sizes.graph();
  graph.input("x", DataType::kFloat, sizes.latents(4))
      .constant("scales", {4}, std::vector<float>{1, 1, 8, 8})
      .constant("colours", {3, 4, 1, 1}, numbers(12, seed, 0.3f))
      .node("Resize", {"x", "", "scales"}, {"large"},
            {{"mode", std::string("nearest")},
             {"nearest_mode", std::string("floor")},
             {"coordinate_transformation_mode", std::string("asymmetric")}})
      .node("Conv", {"large", "colours"}, {"coloured"},
            {{"kernel_shape", std::vector<std::int64_t>{1, 1}}})
      .node("Tanh", {"coloured"}, {"picture"})
      .output("picture", DataType::kFloat, sizes.picture());
  return graph;
}

OnnxGraph vae_encoder(const Sizes& sizes, std::uint32_t seed) {
  const std::vector<std::int64_t> window = {8, 8};
  OnnxGraph graph = sizes.graph();
  graph.input("image_sample", DataType::kFloat, sizes.picture())
      .constant("moments", {8, 3, 1, 1}, numbers(24, seed, 1.0f))
      .node("AveragePool", {"image_sample"}, {"small"},
            {{"kernel_shape", window}, {"strides", window}})
      .node("Conv", {"small", "moments"}, {"latent_sample"},
            {{"kernel_shape", std::vector<std::int64_t>{1, 1}}})
      .output("latent_sample", DataType::kFloat, sizes.latents(8));
  return graph;
}

}  // namespace

Status write_tiny_engines(const fs::path& folder, const TinyPicturesOptions& options) {
  fs::create_directories(folder);
  const Sizes sizes(options);
  AXLE_TRY(text_encoder(sizes, options.seed).write(folder / "text_encoder.axmodel"));
  AXLE_TRY(unet(sizes, options.seed + 1).write(folder / "unet.axmodel"));
  AXLE_TRY(vae_decoder(sizes, options.seed + 2).write(folder / "vae_decoder.axmodel"));
  if (options.encoder) {
    AXLE_TRY(vae_encoder(sizes, options.seed + 3).write(folder / "vae_encoder.axmodel"));
  }
  std::uint32_t seed = options.seed + 4;
  const NpyTable rows{.rows = 4,
                      .columns = options.time_width,
                      .numbers = numbers(4 * options.time_width, seed, 1.0f)};
  return write_file_atomically(folder / "time_rows.npy", npy_file(rows));
}

Status write_tiny_clip_tokenizer(const fs::path& folder) {
  fs::create_directories(folder);
  const text::ClipFiles files = text::clip_files({kMerges.begin(), kMerges.end()});
  AXLE_TRY(write_file_atomically(folder / "vocab.json", files.vocabulary));
  return write_file_atomically(folder / "merges.txt", files.merges);
}

Status write_tiny_pictures(const fs::path& folder, const TinyPicturesOptions& options) {
  AXLE_TRY(write_tiny_engines(folder, options));
  return write_tiny_clip_tokenizer(folder);
}

}  // namespace axle::package::testing
