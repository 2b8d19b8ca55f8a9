// Writes the seeds of the fuzz targets that read binary formats: FOLDER/<target>/<seed>.
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <string>
#include <utility>

#include "base/base64.h"
#include "image/encode.h"
#include "image/testing/decode_vectors.h"
#include "package/testing/tiny_gguf.h"

namespace {

namespace fs = std::filesystem;
namespace tiny = axle::package::testing;

bool write(const fs::path& path, const std::string& bytes) {
  fs::create_directories(path.parent_path());
  return static_cast<bool>(std::ofstream(path, std::ios::binary | std::ios::trunc) << bytes);
}

std::string read(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

tiny::TinyPackageOptions smallest(const std::string& architecture) {
  tiny::TinyPackageOptions options;
  options.gguf.architecture = architecture;
  options.gguf.layers = 1;
  options.gguf.hidden = 32;
  options.gguf.heads = 1;
  options.gguf.kv_heads = 1;
  options.gguf.ffn = 32;
  options.cells = 15;
  options.chunk = 4;
  return options;
}

// Engines go to the reader of engines, JSON files to the reader of packages, which takes the number
// of the file as its first byte.
bool write_package(const fs::path& package, const fs::path& folder, const std::string& prefix) {
  constexpr const char* kConfigs[] = {"config.json", "generation_config.json",
                                      "tokenizer_config.json", "axle.json"};
  bool written = true;
  for (const fs::directory_entry& entry : fs::directory_iterator(package)) {
    const std::string name = entry.path().filename().string();
    if (entry.path().extension() == ".axmodel") {
      written &= write(folder / "axle_fuzz_axmodel" / (prefix + name), read(entry.path()));
    }
    for (std::size_t i = 0; i < std::size(kConfigs); ++i) {
      if (name != kConfigs[i]) continue;
      const std::string seed = static_cast<char>(i) + read(entry.path());
      written &= write(folder / "axle_fuzz_package_config" / (prefix + name), seed);
    }
  }
  return written;
}

bool write_family(const std::string& architecture, const fs::path& folder, const fs::path& work) {
  const tiny::TinyPackageOptions options = smallest(architecture);
  const bool written = write(folder / "axle_fuzz_gguf" / (architecture + ".gguf"),
                             tiny::make_tiny_gguf(options.gguf));
  const axle::Result<fs::path> package = tiny::make_tiny_package(work, architecture, options);
  if (!package.ok()) std::cerr << package.status().message() << "\n";
  return written && package.ok() && write_package(*package, folder, architecture + "_");
}

// Every kind of picture to the decoder; those that axle writes, with text, to the reader of text.
bool write_pictures(const fs::path& folder) {
  namespace image = axle::image;
  bool written = true;
  for (const image::testing::DecodeVector& vector : image::testing::kDecodeVectors) {
    const axle::Result<std::string> file = axle::decode_base64(vector.base64);
    written &= file.ok() && write(folder / "axle_fuzz_image_decode" / vector.name, *file);
  }
  const image::Picture picture{2, 1, 3, {1, 2, 3, 4, 5, 6}};
  constexpr const char* kText = "a cat \u732b\nSteps: 4";
  const std::pair<const char*, axle::Result<std::string>> files[] = {
      {"png", image::encode_png(picture, {.parameters = kText})},
      {"jpeg", image::encode_jpeg(picture, {.parameters = kText})},
      {"webp", image::encode_webp(picture, {.parameters = kText})}};
  for (const auto& [name, file] : files) {
    written &= file.ok() && write(folder / "axle_fuzz_image_metadata" / name, *file);
  }
  return written;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::cerr << "usage: axle_fuzz_seeds FOLDER\n";
    return 2;
  }
  const tiny::TemporaryFolder work;
  for (const char* architecture : {"llama", "qwen2", "qwen3"}) {
    if (!write_family(architecture, argv[1], work.path())) return 1;
  }
  if (!write_pictures(argv[1])) return 1;
  return 0;
}
