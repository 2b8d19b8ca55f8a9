#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <random>
#include <string>
#include <vector>

#include "base/file.h"
#include "package/import.h"
#include "package/locate.h"
#include "package/package.h"
#include "package/testing/tiny_gguf.h"
#include "package/tokenizer.h"

// Random damage must lead to a status or to a package that still works, never to a crash.
namespace axle::package {
namespace {

namespace fs = std::filesystem;

// Changes some bytes, cuts or extends; the same for the same generator state.
std::string damaged(std::string bytes, std::mt19937& random) {
  const auto below = [&random](std::size_t limit) {
    return static_cast<std::size_t>(random() % std::max<std::size_t>(limit, 1));
  };
  if (bytes.empty()) return bytes;
  switch (below(4)) {
    case 0:
      bytes.resize(below(bytes.size()));
      break;
    case 1:
      bytes.insert(below(bytes.size()), std::string(1 + below(40), static_cast<char>(random())));
      break;
    case 2:
      bytes.erase(below(bytes.size()), 1 + below(40));
      break;
    default:
      for (std::size_t i = 0; i < 1 + below(8); ++i) {
        bytes[below(std::min<std::size_t>(bytes.size(), 4096))] = static_cast<char>(random());
      }
  }
  return bytes;
}

void overwrite(const fs::path& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary | std::ios::trunc) << bytes;
}

TEST(DamageTest, PackageWithARandomlyDamagedFileNeverCrashes) {
  testing::TemporaryFolder folder;
  const Result<fs::path> package = testing::make_tiny_package(folder.path(), "tiny");
  ASSERT_TRUE(package.ok()) << package.status();
  const std::vector<fs::path> files = list_files(*package, 0);
  std::mt19937 random(20240601);
  int refused = 0;
  for (int i = 0; i < 300; ++i) {
    const fs::path& victim = files[random() % files.size()];
    const std::string before = *read_file(victim);
    overwrite(victim, damaged(before, random));
    const Result<Package> opened = Package::open(*package);
    if (opened.ok()) static_cast<void>(opened->verify());
    refused += opened.ok() ? 0 : 1;
    if (!opened.ok()) {
      EXPECT_FALSE(opened.status().message().empty());
      EXPECT_NE(opened.status().code(), Code::kInternal);
    }
    overwrite(victim, before);
  }
  EXPECT_GT(refused, 100);  // The damage is real.
  EXPECT_TRUE(Package::open(*package)->verify().ok());
}

TEST(DamageTest, RandomlyDamagedGgufNeverCrashesTheImport) {
  testing::TemporaryFolder folder;
  testing::TinyGgufOptions gguf;
  gguf.layers = 1;
  const std::string original = testing::make_tiny_gguf(gguf);
  ImportOptions options;
  options.gguf = folder.path() / "model.gguf";
  options.output = folder.path() / "out";
  options.cells = 31;
  options.chunk = 8;
  std::mt19937 random(7);
  int refused = 0;
  for (int i = 0; i < 300; ++i) {
    overwrite(options.gguf, damaged(original, random));
    const Result<ImportReport> report = import_gguf(options);
    refused += report.ok() ? 0 : 1;
    EXPECT_EQ(report.ok(), fs::exists(options.output)) << report.status();
    fs::remove_all(options.output);
  }
  EXPECT_GT(refused, 150);
  EXPECT_EQ(list_files(folder.path(), 1).size(), 1u);
}

}  // namespace
}  // namespace axle::package
