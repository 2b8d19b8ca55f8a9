#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

#include "base/check.h"
#include "package/config.h"
#include "package/package.h"
#include "package/testing/tiny_gguf.h"

namespace {

namespace fs = std::filesystem;

// A tiny package whose JSON files the input replaces.
const fs::path& tiny_package() {
  static const axle::package::testing::TemporaryFolder folder;
  static const axle::Result<fs::path> package = [] {
    axle::package::testing::TinyPackageOptions options;
    options.gguf.layers = 1;
    return axle::package::testing::make_tiny_package(folder.path(), "tiny", options);
  }();
  AXLE_CHECK(package.ok());
  return *package;
}

}  // namespace

// First byte: which file of the package; the rest is its content.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace axle::package;
  if (size == 0) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  TextConfig config;
  static_cast<void>(merge_tokenizer_config(text, config));
  static_cast<void>(merge_generation_config(text, config));
  static_cast<void>(parse_import_record(text));
  const axle::Result<std::optional<VendorConfig>> vendor = parse_vendor_config(text);
  if (vendor.ok() && *vendor) AXLE_CHECK(parse_vendor_config(vendor_config_json(**vendor)).ok());

  constexpr const char* kNames[] = {"config.json", "generation_config.json",
                                    "tokenizer_config.json", "axle.json"};
  const fs::path path = tiny_package() / kNames[data[0] % 4];
  const fs::path kept = tiny_package().parent_path() / "kept";
  fs::rename(path, kept);
  std::ofstream(path, std::ios::binary) << text;
  const axle::Result<Package> package = Package::open(tiny_package());
  if (package.ok()) static_cast<void>(package->verify());
  fs::rename(kept, path);
  return 0;
}
