// Loading models on the software card.
#include "llm/model.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <utility>
#include <vector>

#include "llm/testing/llm_fixture.h"

namespace axle::llm {
namespace {

using ::testing::HasSubstr;

class ModelTest : public testing::LlmTest {
 protected:
  std::uint64_t free_bytes() {
    const Result<std::uint64_t> free = card->memory_free();
    EXPECT_TRUE(free.ok()) << free.status();
    return free.ok() ? *free : 0;
  }
  // Memory in use as the card itself counts it: takes and gives back a large block.
  bool has_room_for(std::uint64_t bytes) {
    return card::DeviceBuffer::allocate(*card, static_cast<std::size_t>(bytes)).ok();
  }
};

TEST_F(ModelTest, SaysWhatThePackageIs) {
  load(tiny());
  EXPECT_EQ(model->cells(), kCells);
  EXPECT_EQ(model->context_tokens(), kCells);
  EXPECT_EQ(model->vocab_size(), model->package().vocab_size());
  EXPECT_EQ(model->embeddings().hidden(), model->package().hidden());
  EXPECT_EQ(model->engines().layers.size(), 3u);
}

TEST_F(ModelTest, ReportsEveryLoadedFile) {
  open();
  std::vector<std::pair<std::size_t, std::size_t>> heard;
  LoadOptions options;
  options.progress = [&](std::size_t done, std::size_t total) { heard.emplace_back(done, total); };
  ASSERT_TRUE(Model::load(*card, tiny(), options).ok());
  EXPECT_THAT(heard, ::testing::ElementsAre(std::pair(1u, 4u), std::pair(2u, 4u), std::pair(3u, 4u),
                                            std::pair(4u, 4u)));
}

TEST_F(ModelTest, TakesNoMoreThanPredictedAndGivesAllOfItBack) {
  open();
  const std::uint64_t before = free_bytes();
  load(tiny());
  const std::uint64_t predicted = Model::predicted_bytes(tiny());
  EXPECT_GT(model->memory_bytes(), predicted / 2);
  EXPECT_LE(model->memory_bytes(), predicted);
  model.reset();
  EXPECT_TRUE(has_room_for(before - (1u << 20)));
}

TEST_F(ModelTest, ModelThatCannotFitIsRefusedBeforeAnythingIsLoaded) {
  play("[[card]]\nmemory_mib = 1\n");
  open();
  const std::uint64_t room = Model::predicted_bytes(tiny()) / 2;
  const auto others = card::DeviceBuffer::allocate(*card, (1u << 20) - room);
  ASSERT_TRUE(others.ok()) << others.status();
  bool loaded = false;
  LoadOptions options;
  options.progress = [&](std::size_t, std::size_t) { loaded = true; };
  const Status status = Model::load(*card, tiny(), options).status();
  EXPECT_EQ(status.code(), Code::kExhausted);
  EXPECT_THAT(status.message(), HasSubstr("MiB are free"));
  EXPECT_FALSE(loaded);
}

TEST_F(ModelTest, FailedLoadLeavesNothingOnTheCard) {
  for (const char* fault : {"call = \"EngineLoadFromFile\"\nat = 3\naction = \"error\"\n",
                            "call = \"Malloc\"\nat = 9\naction = \"error\"\n"}) {
    play(std::string("[[card]]\nmemory_mib = 64\n[[fault]]\n") + fault);
    open();
    EXPECT_FALSE(Model::load(*card, tiny()).ok()) << fault;
    EXPECT_TRUE(has_room_for(60u << 20)) << fault;
    EXPECT_TRUE(Model::load(*card, tiny()).ok()) << fault;  // The fault is over.
    card.reset();
    library.reset();
  }
}

TEST_F(ModelTest, EmbeddingTableOfAnotherSizeIsCorrupt) {
  open();
  const package::Package package = tiny();
  const Result<Embeddings> table =
      Embeddings::open(package.embedding_path(), package.vocab_size() + 1, package.hidden());
  EXPECT_EQ(table.status().code(), Code::kCorrupt);
  EXPECT_EQ(Embeddings::open("/nonexistent", 1, 1).status().code(), Code::kNotFound);
}

TEST_F(ModelTest, EngineThatIsMissingIsNamed) {
  open();
  package::testing::TemporaryFolder folder;
  std::filesystem::copy(tiny().info().folder, folder.path() / "broken",
                        std::filesystem::copy_options::recursive);
  const Result<package::Package> package = package::Package::open(folder.path() / "broken");
  ASSERT_TRUE(package.ok()) << package.status();
  std::filesystem::remove(package->layer_path(1));
  const Status status = Model::load(*card, *package).status();
  EXPECT_EQ(status.code(), Code::kNotFound);
  EXPECT_THAT(status.message(), HasSubstr(package->layer_path(1).filename().string()));
}

}  // namespace
}  // namespace axle::llm
