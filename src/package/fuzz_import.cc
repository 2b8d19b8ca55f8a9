#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>

#include "base/check.h"
#include "package/import.h"
#include "package/testing/tiny_gguf.h"

// The input is a list of changes (place, value) to a tiny GGUF file, which is then imported: so
// that the description is reached and not only the reader.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  namespace fs = std::filesystem;
  static const axle::package::testing::TemporaryFolder folder;
  static const std::string original = [] {
    axle::package::testing::TinyGgufOptions options;
    options.layers = 1;
    options.hidden = 32;
    options.heads = 1;
    options.kv_heads = 1;
    options.ffn = 32;
    return axle::package::testing::make_tiny_gguf(options);
  }();
  std::string bytes = original;
  for (std::size_t i = 0; i + 3 <= size; i += 3) {
    const std::size_t at = (std::size_t{data[i]} << 8 | data[i + 1]) % bytes.size();
    bytes[at] = static_cast<char>(data[i + 2]);
  }
  axle::package::ImportOptions options;
  options.gguf = folder.path() / "model.gguf";
  options.output = folder.path() / "out";
  options.cells = 15;
  options.chunk = 4;
  options.threads = 1;
  std::ofstream(options.gguf, std::ios::binary | std::ios::trunc) << bytes;
  const axle::Result<axle::package::ImportReport> report = axle::package::import_gguf(options);
  AXLE_CHECK(report.ok() || report.status().code() != axle::Code::kInternal);
  AXLE_CHECK(report.ok() == fs::exists(options.output));
  fs::remove_all(options.output);
  return 0;
}
