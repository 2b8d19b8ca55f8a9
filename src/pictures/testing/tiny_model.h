#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <memory>

#include "base/file.h"
#include "package/testing/tiny_gguf.h"
#include "package/testing/tiny_pictures.h"
#include "pictures/served_pictures.h"

namespace axle::pictures::testing {

// Which sizes of a TinyModel can begin with a picture.
struct TinyEncoders {
  bool square = true;
  bool wide = true;
};

// The front's side of a model of 64x64 and 96x64 pixels that can do 1, 2 and 4 steps. Its files
// live as long as it does.
class TinyModel {
 public:
  explicit TinyModel(TinyEncoders encoders = {}) {
    package::testing::TinyPicturesOptions square;
    square.encoder = encoders.square;
    package::testing::TinyPicturesOptions wide;
    wide.width = 96;
    wide.encoder = encoders.wide;
    EXPECT_EQ(package::testing::write_tiny_engines(path() / "64x64", square), Status());
    EXPECT_EQ(package::testing::write_tiny_engines(path() / "96x64", wide), Status());
    EXPECT_EQ(package::testing::write_tiny_clip_tokenizer(path() / "tokenizer"), Status());
    load();
  }

  // As if `axle import` had written it: now its model has a hash.
  void record_import() {
    EXPECT_EQ(write_file_atomically(path() / "axle.json",
                                    R"({"source_sha256":"0","options":"x",
                                        "files":{"unet.axmodel":{"bytes":0,"sha256":"ab"}}})"),
              Status());
    load();
  }

  const std::shared_ptr<const ServedPictures>& served() const { return served_; }
  std::filesystem::path path() const { return folder_.path() / "tiny"; }

 private:
  void load() {
    const auto loaded = ServedPictures::load("tiny", path().string());
    EXPECT_TRUE(loaded.ok()) << loaded.status();
    if (loaded.ok()) served_ = *loaded;
  }

  package::testing::TemporaryFolder folder_;
  std::shared_ptr<const ServedPictures> served_;
};

}  // namespace axle::pictures::testing
