// Picture models on the software card, with tiny packages made on the spot.
#include "diffusion/model.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "card/card.h"
#include "card/library.h"
#include "diffusion/painting.h"
#include "package/testing/tiny_gguf.h"
#include "package/testing/tiny_pictures.h"

namespace axle::diffusion {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

class PictureModelTest : public ::testing::Test {
 protected:
  void SetUp() override {
    setenv("AXLE_SOFTCARD_STATE", (folder.path() / "card_state").c_str(), 1);
    play("threads = 1\n");
  }
  void TearDown() override {
    model.reset();
    card.reset();
    library.reset();
    unsetenv("AXLE_SOFTCARD");
  }

  static void play(const std::string& profile) {
    setenv("AXLE_SOFTCARD", ("toml:" + profile).c_str(), 1);
  }

  void open_card() {
    card::LibraryOptions options;
    options.library = AXLE_SOFTCARD_LIBRARY;
    options.output = card::VendorOutput::kKeep;
    Result<std::unique_ptr<card::Library>> opened = card::Library::open(options);
    ASSERT_TRUE(opened.ok()) << opened.status();
    library = *std::move(opened);
    Result<std::unique_ptr<card::Card>> opened_card = card::Card::open(*library);
    ASSERT_TRUE(opened_card.ok()) << opened_card.status();
    card = *std::move(opened_card);
  }

  package::PicturePackage package(const package::testing::TinyPicturesOptions& options = {}) {
    const fs::path path = folder.path() / "pictures";
    EXPECT_EQ(package::testing::write_tiny_pictures(path, options), Status());
    return reopen();
  }
  package::PicturePackage reopen() {
    Result<package::PicturePackage> opened =
        package::PicturePackage::open(folder.path() / "pictures");
    EXPECT_TRUE(opened.ok()) << opened.status();
    return *std::move(opened);
  }

  void load(const package::PicturePackage& package) {
    if (card == nullptr) open_card();
    Result<std::unique_ptr<PictureModel>> loaded = PictureModel::load(*card, package);
    ASSERT_TRUE(loaded.ok()) << loaded.status();
    model = *std::move(loaded);
    engines = model->find(64, 64);
    ASSERT_NE(engines, nullptr);
  }

  jobs::PictureJob job(jobs::TokenId word = 3, std::uint64_t seed = 1) const {
    jobs::PictureJob job;
    job.model = "pictures";
    job.width = 64;
    job.height = 64;
    job.prompt.assign(engines->text_length(), word);
    job.timesteps = {999, 499};
    job.seed = seed;
    return job;
  }

  std::vector<std::uint8_t> paint(const jobs::PictureJob& job) {
    EXPECT_EQ(check_picture(job, *engines), Status());
    EncodedPictures encoded;
    Painting painting(job, *engines, encoded);
    while (painting.next() != Unit::kNone) {
      const Status status = painting.run();
      EXPECT_EQ(status, Status());
      if (!status.ok()) break;
    }
    return painting.take_pixels();
  }

  package::testing::TemporaryFolder folder;
  std::unique_ptr<card::Library> library;
  std::unique_ptr<card::Card> card;
  std::unique_ptr<PictureModel> model;
  PictureEngines* engines = nullptr;
};

TEST_F(PictureModelTest, APictureDependsOnPromptSeedAndStepsAndRepeats) {
  load(package());
  const std::vector<std::uint8_t> picture = paint(job());
  EXPECT_EQ(picture.size(), 3u * 64 * 64);
  EXPECT_EQ(paint(job()), picture);
  EXPECT_NE(paint(job(4)), picture) << "another prompt";
  EXPECT_NE(paint(job(3, 2)), picture) << "another seed";
  jobs::PictureJob one_step = job();
  one_step.timesteps = {999};
  EXPECT_NE(paint(one_step), picture);
  jobs::PictureJob guided = job();
  guided.negative.assign(engines->text_length(), 5);
  guided.guidance = 2.0;
  EXPECT_NE(paint(guided), picture);
}

TEST_F(PictureModelTest, APictureToStartFromCounts) {
  load(package());
  jobs::PictureJob over = job();
  over.timesteps = {259};
  over.image.assign(3 * 64 * 64, 40);
  const std::vector<std::uint8_t> dark = paint(over);
  over.image.assign(3 * 64 * 64, 220);
  EXPECT_NE(paint(over), dark);
}

TEST_F(PictureModelTest, WithoutAnEncoderAPictureToStartFromIsRefused) {
  package::testing::TinyPicturesOptions options;
  options.encoder = false;
  load(package(options));
  EXPECT_FALSE(engines->shape().can_encode);
  jobs::PictureJob over = job();
  over.image.assign(3 * 64 * 64, 40);
  EXPECT_EQ(check_picture(over, *engines).code(), Code::kUnsupported);
}

TEST_F(PictureModelTest, TheLatestPromptsStayEncoded) {
  load(package());
  const std::vector<std::uint8_t> picture = paint(job(100));
  const auto known = [this](jobs::TokenId word) {
    return engines->knows_text(std::vector<jobs::TokenId>(engines->text_length(), word));
  };
  for (jobs::TokenId word = 0; word < 7; ++word) paint(job(word));
  EXPECT_TRUE(known(100));
  paint(job(100));
  for (jobs::TokenId word = 7; word < 14; ++word) paint(job(word));
  EXPECT_TRUE(known(100)) << "It was of use lately.";
  paint(job(14));
  EXPECT_FALSE(known(100));
  EXPECT_EQ(paint(job(100)), picture);
}

TEST_F(PictureModelTest, SizesOfOneModelShareWhatLiesBesideThem) {
  const fs::path path = folder.path() / "pictures";
  package::testing::TinyPicturesOptions small;
  package::testing::TinyPicturesOptions wide;
  wide.width = 96;
  ASSERT_EQ(package::testing::write_tiny_engines(path / "64x64", small), Status());
  ASSERT_EQ(package::testing::write_tiny_engines(path / "96x64", wide), Status());
  fs::create_directories(path / "text_encoder");
  fs::rename(path / "64x64/text_encoder.axmodel", path / "text_encoder/text.axmodel");
  fs::remove(path / "96x64/text_encoder.axmodel");
  ASSERT_EQ(package::testing::write_tiny_clip_tokenizer(path / "tokenizer"), Status());
  std::size_t files = 0;
  open_card();
  Result<std::unique_ptr<PictureModel>> loaded = PictureModel::load(
      *card, reopen(), [&files](std::size_t /*done*/, std::size_t total) { files = total; });
  ASSERT_TRUE(loaded.ok()) << loaded.status();
  EXPECT_EQ(files, 7u);
  EXPECT_NE((*loaded)->find(64, 64), nullptr);
  EXPECT_NE((*loaded)->find(96, 64), nullptr);
  EXPECT_EQ((*loaded)->find(64, 96), nullptr);
}

TEST_F(PictureModelTest, ItsMemoryIsPredictedAndGivenBack) {
  open_card();
  const std::uint64_t free = *card->memory_free();
  load(package());
  const std::uint64_t taken = free - *card->memory_free();
  EXPECT_LE(taken, PictureModel::predicted_bytes(reopen()) + (std::uint64_t{1} << 20));
  EXPECT_GE(taken, model->memory_bytes());
  model.reset();
  EXPECT_EQ(*card->memory_free(), free);
}

TEST_F(PictureModelTest, AModelThatCannotFitIsRefusedBeforeAnythingIsLoaded) {
  play("[[card]]\nmemory_mib = 1\n");
  open_card();
  const auto others = card::DeviceBuffer::allocate(*card, 1000u << 10);
  ASSERT_TRUE(others.ok()) << others.status();
  bool loaded = false;
  const Status status = PictureModel::load(*card, package(), [&](std::size_t, std::size_t) {
                          loaded = true;
                        }).status();
  EXPECT_EQ(status.code(), Code::kExhausted);
  EXPECT_THAT(status.message(), HasSubstr("MiB are free"));
  EXPECT_FALSE(loaded);
}

TEST_F(PictureModelTest, AFailedLoadLeavesNothingOnTheCard) {
  play("[[fault]]\ncall = \"EngineLoad\"\nat = 3\naction = \"error\"\n");
  open_card();
  const std::uint64_t free = *card->memory_free();
  EXPECT_FALSE(PictureModel::load(*card, package()).ok());
  EXPECT_EQ(*card->memory_free(), free);
  EXPECT_TRUE(PictureModel::load(*card, package()).ok()) << "The fault is over.";
}

TEST_F(PictureModelTest, AnEngineThatChangedSinceThePackageWasReadIsCorrupt) {
  const package::PicturePackage before = package();
  package::testing::TinyPicturesOptions wide;
  wide.width = 96;
  ASSERT_EQ(package::testing::write_tiny_engines(folder.path() / "other", wide), Status());
  fs::copy_file(folder.path() / "other/vae_decoder.axmodel",
                folder.path() / "pictures/vae_decoder.axmodel",
                fs::copy_options::overwrite_existing);
  open_card();
  const Status status = PictureModel::load(*card, before).status();
  EXPECT_EQ(status.code(), Code::kCorrupt);
  EXPECT_THAT(status.message(), HasSubstr("vae_decoder.axmodel"));
  fs::remove(folder.path() / "pictures/unet.axmodel");
  EXPECT_EQ(PictureModel::load(*card, before).status().code(), Code::kNotFound);
}

}  // namespace
}  // namespace axle::diffusion
