#include "package/picture_graphs.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "package/picture_config.h"
#include "package/picture_import.h"
#include "package/picture_package.h"

namespace axle::package {
namespace {

namespace fs = std::filesystem;
using axmodel::DataType;
using axmodel::GraphFile;
using axmodel::Group;
using axmodel::TensorInfo;
using Shape = std::vector<std::int64_t>;

constexpr std::int64_t kOpen = -1;
constexpr std::int64_t kLatentChannels = 4;
constexpr std::int64_t kTextLength = 77;  // Of CLIP.
constexpr const char* kTimeRow = "time_row";

bool is_file(const fs::path& path) {
  std::error_code error;
  return fs::is_regular_file(path, error);
}

std::vector<fs::path> part_files(const fs::path& folder, const std::string& part) {
  return {folder / part / "model.onnx", folder / (part + ".onnx")};
}

std::optional<fs::path> first_file(const std::vector<fs::path>& candidates) {
  const auto found = std::find_if(candidates.begin(), candidates.end(), is_file);
  return found == candidates.end() ? std::nullopt : std::optional(*found);
}

Result<fs::path> required(const std::vector<fs::path>& candidates, std::string_view what) {
  if (const std::optional<fs::path> found = first_file(candidates)) return *found;
  return not_found(fmt::format("{} is missing: no file {} and no {}", what, candidates[0].string(),
                               candidates[1].string()));
}

// A dimension of a graph that is open takes the wanted length; others must have it.
bool agrees(const Shape& found, const Shape& wanted) {
  return std::equal(found.begin(), found.end(), wanted.begin(), wanted.end(),
                    [](std::int64_t a, std::int64_t b) { return a == kOpen || a == b; });
}

std::string shape_text(const Shape& shape) { return fmt::format("[{}]", fmt::join(shape, ", ")); }

// The tensor with a fixed shape.
// Errors: kCorrupt  the graph has another one.
Result<TensorInfo> fixed(const fs::path& path, const TensorInfo& tensor, DataType dtype,
                         Shape shape) {
  if (agrees(tensor.shape, shape)) return TensorInfo{tensor.name, dtype, std::move(shape)};
  return corrupt(fmt::format("{}: tensor '{}' has the shape {}, wanted {}", path.string(),
                             tensor.name, shape_text(tensor.shape), shape_text(shape)));
}

// The first output with so many dimensions.
Result<TensorInfo> output_of(const fs::path& path, const GraphFile& file, std::size_t rank) {
  for (const TensorInfo& output : file.tensors().outputs) {
    if (output.shape.size() == rank) return output;
  }
  return unsupported(fmt::format("{}: no output has {} dimensions", path.string(), rank));
}

Result<TensorInfo> only_input(const fs::path& path, const GraphFile& file, std::size_t rank) {
  const std::vector<TensorInfo>& inputs = file.tensors().inputs;
  if (inputs.size() == 1 && inputs[0].shape.size() == rank) return inputs[0];
  return unsupported(fmt::format("{}: it has {} inputs, wanted one of {} dimensions", path.string(),
                                 inputs.size(), rank));
}

std::int64_t chosen(std::int64_t found, std::size_t wanted) {
  return found == kOpen ? static_cast<std::int64_t>(wanted) : found;
}

class Reader {
 public:
  Reader(const PipelineFiles& files, std::size_t width, std::size_t height)
      : files_(files), width_(width), height_(height) {}

  Result<PictureGraphs> read() {
    AXLE_TRY_ASSIGN(PictureGraph decoder, read_decoder());
    AXLE_TRY_ASSIGN(PictureGraph unet, read_unet());
    AXLE_TRY_ASSIGN(PictureGraph text, read_text_encoder());
    std::optional<PictureGraph> encoder;
    if (files_.vae_encoder) {
      AXLE_TRY_ASSIGN(encoder, read_encoder());
    }
    return PictureGraphs{.text_encoder = std::move(text),
                         .unet = std::move(unet),
                         .vae_decoder = std::move(decoder),
                         .vae_encoder = std::move(encoder),
                         .width = width_,
                         .height = height_,
                         .time_width = time_width_,
                         .embedding = std::move(embedding_)};
  }

 private:
  Shape latents(std::int64_t channels) const {
    return {1, channels, static_cast<std::int64_t>(height_ / kLatentPixels),
            static_cast<std::int64_t>(width_ / kLatentPixels)};
  }
  Shape picture() const {
    return {1, 3, static_cast<std::int64_t>(height_), static_cast<std::int64_t>(width_)};
  }

  // Takes the size from the graph, as far as it says it.
  Result<PictureGraph> read_decoder() {
    const fs::path& path = files_.vae_decoder;
    AXLE_TRY_ASSIGN(GraphFile file, GraphFile::open(path));
    AXLE_TRY_ASSIGN(const TensorInfo input, only_input(path, file, 4));
    AXLE_TRY_ASSIGN(const TensorInfo output, output_of(path, file, 4));
    constexpr auto kPixels = static_cast<std::int64_t>(kLatentPixels);
    height_ = static_cast<std::size_t>(input.shape[2] == kOpen ? chosen(output.shape[2], height_)
                                                               : input.shape[2] * kPixels);
    width_ = static_cast<std::size_t>(input.shape[3] == kOpen ? chosen(output.shape[3], width_)
                                                              : input.shape[3] * kPixels);
    AXLE_TRY_ASSIGN(const TensorInfo from,
                    fixed(path, input, DataType::kFloat, latents(kLatentChannels)));
    AXLE_TRY_ASSIGN(const TensorInfo to, fixed(path, output, DataType::kFloat, picture()));
    return PictureGraph{std::move(file), {.groups = {{.inputs = {from}, .outputs = {to}}}}};
  }

  Result<PictureGraph> read_encoder() {
    const fs::path& path = *files_.vae_encoder;
    AXLE_TRY_ASSIGN(GraphFile file, GraphFile::open(path));
    AXLE_TRY_ASSIGN(const TensorInfo input, only_input(path, file, 4));
    AXLE_TRY_ASSIGN(const TensorInfo output, output_of(path, file, 4));
    AXLE_TRY_ASSIGN(const TensorInfo from, fixed(path, input, DataType::kFloat, picture()));
    AXLE_TRY_ASSIGN(const TensorInfo to,
                    fixed(path, output, DataType::kFloat, latents(2 * kLatentChannels)));
    return PictureGraph{std::move(file), {.groups = {{.inputs = {from}, .outputs = {to}}}}};
  }

  Result<PictureGraph> read_unet() {
    AXLE_TRY_ASSIGN(GraphFile file, GraphFile::open(files_.unet));
    axmodel::GraphEngine engine;
    Group group;
    for (const TensorInfo& input : file.tensors().inputs) {
      AXLE_TRY(take_unet_input(file, input, group, engine));
    }
    if (group.inputs.size() != 3 || time_width_ == 0 || text_width_ == 0) {
      return unsupported(
          fmt::format("{}: wanted latents, a text and a timestep or a time row as "
                      "inputs, found {}",
                      files_.unet.string(), input_names(file)));
    }
    AXLE_TRY_ASSIGN(const TensorInfo output, output_of(files_.unet, file, 4));
    AXLE_TRY_ASSIGN(const TensorInfo noise,
                    fixed(files_.unet, output, DataType::kFloat, latents(kLatentChannels)));
    group.outputs = {noise};
    engine.groups = {std::move(group)};
    return PictureGraph{std::move(file), std::move(engine)};
  }

  static std::string input_names(const GraphFile& file) {
    std::vector<std::string> names;
    for (const TensorInfo& input : file.tensors().inputs) {
      names.push_back(fmt::format("{} {}", input.name, shape_text(input.shape)));
    }
    return fmt::to_string(fmt::join(names, ", "));
  }

  // Inputs are told apart by their dimensions, as in picture_engines.cc.
  Status take_unet_input(const GraphFile& file, const TensorInfo& input, Group& group,
                         axmodel::GraphEngine& engine) {
    const fs::path& path = files_.unet;
    const std::int64_t last = input.shape.empty() ? 1 : input.shape.back();
    Shape shape;
    switch (input.shape.size()) {
      case 4:
        shape = latents(kLatentChannels);
        break;
      case 3:
        if (last <= 0) return unsupported(open_width(input));
        text_length_ = chosen(input.shape[1], kTextLength);
        text_width_ = last;
        shape = {1, text_length_, text_width_};
        break;
      case 2:
        if (last <= 0) return unsupported(open_width(input));
        time_width_ = static_cast<std::size_t>(last);
        shape = {1, last};
        break;
      default:
        return cut_timestep(file, input, group, engine);
    }
    AXLE_TRY_ASSIGN(TensorInfo tensor, fixed(path, input, DataType::kFloat, std::move(shape)));
    group.inputs.push_back(std::move(tensor));
    return {};
  }

  std::string open_width(const TensorInfo& input) const {
    return fmt::format("{}: input '{}' has the shape {}, whose last dimension must be fixed",
                       files_.unet.string(), input.name, shape_text(input.shape));
  }

  Status cut_timestep(const GraphFile& file, const TensorInfo& input, Group& group,
                      axmodel::GraphEngine& engine) {
    Result<TimeEmbedding> embedding = find_time_embedding(file, input.name);
    if (!embedding.ok()) return embedding.status().with_context(files_.unet.string());
    embedding_ = *std::move(embedding);
    time_width_ = embedding_->width();
    const TensorInfo row = {
        kTimeRow, DataType::kFloat, {1, static_cast<std::int64_t>(time_width_)}};
    engine.cuts.push_back({.input = row, .tensors = embedding_->rows});
    group.inputs.push_back(row);
    return {};
  }

  Result<PictureGraph> read_text_encoder() {
    const fs::path& path = files_.text_encoder;
    AXLE_TRY_ASSIGN(GraphFile file, GraphFile::open(path));
    AXLE_TRY_ASSIGN(const TensorInfo input, only_input(path, file, 2));
    AXLE_TRY_ASSIGN(const TensorInfo output, output_of(path, file, 3));
    AXLE_TRY_ASSIGN(const TensorInfo from, fixed(path, input, DataType::kInt32, {1, text_length_}));
    AXLE_TRY_ASSIGN(const TensorInfo to,
                    fixed(path, output, DataType::kFloat, {1, text_length_, text_width_}));
    return PictureGraph{std::move(file), {.groups = {{.inputs = {from}, .outputs = {to}}}}};
  }

  const PipelineFiles& files_;
  std::size_t width_;
  std::size_t height_;
  std::int64_t text_length_ = 0;
  std::int64_t text_width_ = 0;
  std::size_t time_width_ = 0;
  std::optional<TimeEmbedding> embedding_;
};

}  // namespace

bool looks_like_onnx_pictures(const fs::path& folder) {
  return first_file(part_files(folder, "unet")).has_value();
}

Result<PipelineFiles> locate_pipeline(const fs::path& folder) {
  std::error_code error;
  if (!fs::is_directory(folder, error)) {
    return not_found(fmt::format("no such folder: {}", folder.string()));
  }
  PipelineFiles files;
  AXLE_TRY_ASSIGN(files.unet, required(part_files(folder, "unet"), "the U-Net"));
  AXLE_TRY_ASSIGN(files.text_encoder,
                  required(part_files(folder, "text_encoder"), "the text encoder"));
  AXLE_TRY_ASSIGN(files.vae_decoder,
                  required(part_files(folder, "vae_decoder"), "the VAE decoder"));
  files.vae_encoder = first_file(part_files(folder, "vae_encoder"));
  const auto tokenizer = [&folder](const char* name) {
    return std::vector<fs::path>{folder / "tokenizer" / name, folder / name};
  };
  AXLE_TRY_ASSIGN(files.vocabulary, required(tokenizer("vocab.json"), "the vocabulary"));
  AXLE_TRY_ASSIGN(files.merges, required(tokenizer("merges.txt"), "the list of merges"));
  files.time_rows = first_file({folder / "time_rows.npy", folder / "time_input_txt2img.npy"});
  files.config = first_file({folder / kPictureConfigFile});
  return files;
}

std::size_t PictureGraphs::size_bytes() const {
  return text_encoder.file.size_bytes() + unet.file.size_bytes() + vae_decoder.file.size_bytes() +
         (vae_encoder ? vae_encoder->file.size_bytes() : 0);
}

Result<PictureGraphs> open_graphs(const PipelineFiles& files, std::size_t width,
                                  std::size_t height) {
  return Reader(files, width, height).read();
}

}  // namespace axle::package
