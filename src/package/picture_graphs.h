#pragma once

#include <cstddef>
#include <filesystem>
#include <optional>
#include <string>

#include "axmodel/graph.h"
#include "base/result.h"
#include "package/time_embedding.h"

// The graphs of an SD 1.5 pipeline in ONNX, and what the card will show of each. Not part of the
// room's interface.
namespace axle::package {

// Where the parts of a pipeline lie.
struct PipelineFiles {
  std::filesystem::path text_encoder;
  std::filesystem::path unet;
  std::filesystem::path vae_decoder;
  std::optional<std::filesystem::path> vae_encoder;
  std::filesystem::path vocabulary;
  std::filesystem::path merges;
  std::optional<std::filesystem::path> time_rows;
  std::optional<std::filesystem::path> config;  // pictures.json
};

// Errors: kNotFound  the folder, or which part is missing and where it was looked for.
Result<PipelineFiles> locate_pipeline(const std::filesystem::path& folder);

// One part: its file, and the engine that it becomes.
struct PictureGraph {
  axmodel::GraphFile file;
  axmodel::GraphEngine engine;
};

struct PictureGraphs {
  PictureGraph text_encoder;
  PictureGraph unet;
  PictureGraph vae_decoder;
  std::optional<PictureGraph> vae_encoder;
  std::size_t width = 0;
  std::size_t height = 0;
  std::size_t time_width = 0;
  std::optional<TimeEmbedding> embedding;  // Of a U-Net that takes a timestep.

  std::size_t size_bytes() const;
};

// Opens the graphs and fixes all shapes. `width` and `height` count where the decoder leaves them
// open.
// Errors: as import_pictures() for what the graphs say.
Result<PictureGraphs> open_graphs(const PipelineFiles& files, std::size_t width,
                                  std::size_t height);

}  // namespace axle::package
