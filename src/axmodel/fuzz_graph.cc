#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>

#include "axmodel/graph.h"

// Any bytes as an ONNX file: it opens or says why not, and what opens can be written.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace axle::axmodel;
  static const std::filesystem::path folder =
      std::filesystem::temp_directory_path() / ("axle-fuzz-graph-" + std::to_string(::getpid()));
  std::filesystem::create_directories(folder);
  std::ofstream(folder / "g.onnx", std::ios::binary)
      .write(static_cast<const char*>(static_cast<const void*>(data)),
             static_cast<std::streamsize>(size));
  const axle::Result<GraphFile> file = GraphFile::open(folder / "g.onnx");
  if (!file.ok()) return 0;
  GraphEngine engine{.producer_version = "1", .groups = {file->tensors()}, .metadata = {}};
  (void)file->write(engine, folder / "whole.axmodel").ok();
  if (!file->nodes().empty() && !file->nodes()[0].outputs.empty()) {
    engine.cuts.push_back({{"cut", DataType::kFloat, {1}}, {file->nodes()[0].outputs[0]}});
    (void)file->write(engine, folder / "cut.axmodel").ok();
  }
  return 0;
}
