#include "package/picture_engines.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <initializer_list>
#include <string_view>
#include <vector>

#include "axmodel/model.h"
#include "base/file.h"

namespace axle::package {
namespace {

using axmodel::DataType;
using axmodel::TensorInfo;
using Shape = std::vector<std::int64_t>;

constexpr std::int64_t kLatentChannels = 4;
constexpr std::int64_t kColours = 3;
constexpr std::int64_t kLargestSide = 1 << 14;

std::string shape_text(const Shape& shape) { return fmt::format("[{}]", fmt::join(shape, ", ")); }

// One engine file, with its path for messages.
struct Engine {
  std::filesystem::path path;
  std::uint64_t size_bytes = 0;
  axmodel::Model model;

  const axmodel::Group& group() const { return model.groups[0]; }
  std::uint64_t buffer_bytes() const {
    std::uint64_t total = 0;
    for (const auto* tensors : {&group().inputs, &group().outputs}) {
      for (const TensorInfo& tensor : *tensors) {
        const Result<std::size_t> bytes = axmodel::tensor_bytes(tensor);
        if (bytes.ok()) total += *bytes;
      }
    }
    return total;
  }
};

// The parsed model outlives the bytes: only shapes and names of it are used.
Result<Engine> open_engine(const std::filesystem::path& path) {
  AXLE_TRY_ASSIGN(const MappedFile file, MappedFile::open(path));
  Result<axmodel::Model> model = axmodel::parse(file.bytes());
  if (!model.ok()) {
    return model.status().with_context(
        fmt::format("{} ({} bytes)", path.string(), file.bytes().size()));
  }
  model->weights.clear();
  model->file_bytes = {};
  return Engine{path, file.bytes().size(), *std::move(model)};
}

Status wrong(const Engine& engine, const TensorInfo& tensor, std::string_view wanted) {
  return corrupt(fmt::format("{}: tensor '{}' has the shape {}, wanted {}", engine.path.string(),
                             tensor.name, shape_text(tensor.shape), wanted));
}

// Errors: kUnsupported unless the tensor has one of the types.
Status expect_type(const Engine& engine, const TensorInfo& tensor,
                   std::initializer_list<DataType> types) {
  if (std::find(types.begin(), types.end(), tensor.dtype) != types.end()) return {};
  return unsupported(fmt::format("{}: tensor '{}' has the type {}, wanted {}", engine.path.string(),
                                 tensor.name, axmodel::data_type_name(tensor.dtype),
                                 axmodel::data_type_name(*types.begin())));
}

// Errors: kCorrupt unless `tensor` is float and has `rank` positive dimensions, the first being 1.
Status expect_float(const Engine& engine, const TensorInfo& tensor, std::size_t rank) {
  AXLE_TRY(expect_type(engine, tensor, {DataType::kFloat}));
  const bool positive = std::all_of(tensor.shape.begin(), tensor.shape.end(),
                                    [](std::int64_t n) { return n > 0 && n <= kLargestSide; });
  if (tensor.shape.size() == rank && positive && tensor.shape[0] == 1) return {};
  return wrong(engine, tensor, fmt::format("{} positive dimensions, the first 1", rank));
}

Status expect_shape(const Engine& engine, const TensorInfo& tensor, const Shape& shape) {
  AXLE_TRY(expect_type(engine, tensor, {DataType::kFloat}));
  return tensor.shape == shape ? Status() : wrong(engine, tensor, shape_text(shape));
}

Status expect_inputs(const Engine& engine, std::size_t count) {
  if (engine.group().inputs.size() == count && !engine.group().outputs.empty()) return {};
  return corrupt(fmt::format("{}: it has {} inputs and {} outputs, wanted {} and at least 1",
                             engine.path.string(), engine.group().inputs.size(),
                             engine.group().outputs.size(), count));
}

class Reader {
 public:
  explicit Reader(const PictureVariantFiles& files) : files_(files) {}

  Result<PictureEngines> read() {
    take_paths();
    AXLE_TRY(read_decoder());
    AXLE_TRY(read_unet());
    AXLE_TRY(read_text_encoder());
    AXLE_TRY(read_encoder());
    return std::move(found_);
  }

 private:
  void take_paths() {
    found_.variant.text_encoder = files_.text_encoder;
    found_.variant.unet = files_.unet;
    found_.variant.vae_decoder = files_.vae_decoder;
    found_.variant.vae_encoder = files_.vae_encoder;
  }

  // What every engine adds: its memory, and whether it has weights.
  void count(const Engine& engine) {
    found_.variant.memory.engines += engine.size_bytes;
    found_.variant.memory.buffers += engine.buffer_bytes();
    found_.has_weights = found_.has_weights && engine.model.has_weights();
  }

  std::int64_t latent_height() const {
    return static_cast<std::int64_t>(found_.variant.latent_height());
  }
  std::int64_t latent_width() const {
    return static_cast<std::int64_t>(found_.variant.latent_width());
  }
  Shape latents(std::int64_t channels) const {
    return {1, channels, latent_height(), latent_width()};
  }
  Shape picture() const {
    return {1, kColours, static_cast<std::int64_t>(found_.variant.height),
            static_cast<std::int64_t>(found_.variant.width)};
  }

  // The decoder's picture says the size.
  Status read_decoder() {
    AXLE_TRY_ASSIGN(const Engine engine, open_engine(files_.vae_decoder));
    AXLE_TRY(expect_inputs(engine, 1));
    const TensorInfo& result = engine.group().outputs[0];
    AXLE_TRY(expect_float(engine, result, 4));
    const auto pixels = static_cast<std::int64_t>(kLatentPixels);
    if (result.shape[1] != kColours || result.shape[2] % pixels != 0 ||
        result.shape[3] % pixels != 0) {
      return wrong(engine, result, "[1, 3, height, width], both multiples of 8");
    }
    found_.variant.height = static_cast<std::size_t>(result.shape[2]);
    found_.variant.width = static_cast<std::size_t>(result.shape[3]);
    found_.variant.id = fmt::format("{}x{}", found_.variant.width, found_.variant.height);
    count(engine);
    return expect_shape(engine, engine.group().inputs[0], latents(kLatentChannels));
  }

  // The inputs are told apart by their dimensions: the vendor names the time row after a node of
  // the graph that it was cut from, and the order is not always the same.
  Status read_unet() {
    AXLE_TRY_ASSIGN(const Engine engine, open_engine(files_.unet));
    AXLE_TRY(expect_inputs(engine, 3));
    for (const TensorInfo& input : engine.group().inputs) {
      AXLE_TRY(expect_float(engine, input, input.shape.size()));
      AXLE_TRY(take_unet_input(engine, input));
    }
    const PictureVariant& variant = found_.variant;
    for (const std::string* name :
         {&variant.unet_latents, &variant.unet_time_row, &variant.unet_text}) {
      if (!name->empty()) continue;
      return corrupt(
          fmt::format("{}: its inputs should be latents of 4 dimensions, a time row of 2 "
                      "and a text of 3",
                      engine.path.string()));
    }
    found_.producer = engine.model.is_vendor() ? Producer::kVendor : Producer::kAxle;
    found_.toolchain = axmodel::compiler_version(engine.model);
    count(engine);
    return expect_shape(engine, engine.group().outputs[0], latents(kLatentChannels));
  }

  Status take_unet_input(const Engine& engine, const TensorInfo& input) {
    switch (input.shape.size()) {
      case 2:
        found_.variant.unet_time_row = input.name;
        found_.time_width = static_cast<std::size_t>(input.shape[1]);
        return {};
      case 3:
        found_.variant.unet_text = input.name;
        found_.text_length = static_cast<std::size_t>(input.shape[1]);
        found_.text_width = static_cast<std::size_t>(input.shape[2]);
        return {};
      case 4:
        found_.variant.unet_latents = input.name;
        return expect_shape(engine, input, latents(kLatentChannels));
      default:
        return wrong(engine, input, "2, 3 or 4 dimensions");
    }
  }

  Status read_text_encoder() {
    AXLE_TRY_ASSIGN(const Engine engine, open_engine(files_.text_encoder));
    AXLE_TRY(expect_inputs(engine, 1));
    const TensorInfo& tokens = engine.group().inputs[0];
    AXLE_TRY(expect_type(engine, tokens, {DataType::kInt32, DataType::kUint32}));
    const auto length = static_cast<std::int64_t>(found_.text_length);
    if (tokens.shape != Shape{1, length}) {
      return wrong(engine, tokens, fmt::format("[1, {}] as the U-Net's text", length));
    }
    count(engine);
    return expect_shape(engine, engine.group().outputs[0],
                        {1, length, static_cast<std::int64_t>(found_.text_width)});
  }

  Status read_encoder() {
    if (!files_.vae_encoder) return {};
    AXLE_TRY_ASSIGN(const Engine engine, open_engine(*files_.vae_encoder));
    AXLE_TRY(expect_inputs(engine, 1));
    AXLE_TRY(expect_shape(engine, engine.group().inputs[0], picture()));
    count(engine);
    return expect_shape(engine, engine.group().outputs[0], latents(2 * kLatentChannels));
  }

  const PictureVariantFiles& files_;
  PictureEngines found_;
};

}  // namespace

Result<PictureEngines> read_picture_engines(const PictureVariantFiles& files) {
  return Reader(files).read();
}

}  // namespace axle::package
