#include "app/model_choice.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "package/testing/tiny_gguf.h"
#include "package/testing/tiny_pictures.h"

namespace axle::app {
namespace {

using ::testing::HasSubstr;
using ::testing::SizeIs;

class ModelChoiceTest : public ::testing::Test {
 protected:
  void SetUp() override { config_.models_folder = folder_.path(); }

  void add_texts(const std::string& name) {
    const auto package = package::testing::make_tiny_package(folder_.path(), name);
    ASSERT_TRUE(package.ok()) << package.status();
  }
  void add_pictures(const std::string& name) {
    ASSERT_EQ(package::testing::write_tiny_engines(folder_.path() / name, {}), Status());
    ASSERT_EQ(package::testing::write_tiny_clip_tokenizer(folder_.path() / name / "tokenizer"),
              Status());
  }

  package::testing::TemporaryFolder folder_;
  Config config_;
};

TEST_F(ModelChoiceTest, TextsAndPicturesOfAFolderAreServedTogether) {
  add_texts("words");
  add_pictures("painter");
  const auto choice = choose_models(config_);
  ASSERT_TRUE(choice.ok()) << choice.status();
  EXPECT_THAT(choice->jobs, SizeIs(2));
  ASSERT_THAT(choice->texts, SizeIs(1));
  EXPECT_EQ(choice->texts[0]->name, "words");
  ASSERT_THAT(choice->pictures, SizeIs(1));
  EXPECT_EQ(choice->pictures[0]->name, "painter");
  EXPECT_EQ(choice->names(), "\"painter\", \"words\"");
}

TEST_F(ModelChoiceTest, AModelThatIsAskedForMustBeFine) {
  add_texts("words");
  add_pictures("painter");
  std::filesystem::resize_file(folder_.path() / "painter/tokenizer/vocab.json", 10);
  EXPECT_THAT(choose_models(config_)->pictures, SizeIs(0));
  config_.models = {"painter"};
  const Status status = choose_models(config_).status();
  EXPECT_EQ(status.code(), Code::kCorrupt);
  EXPECT_THAT(status.message(), HasSubstr("model painter"));
  config_.models = {"absent"};
  EXPECT_EQ(choose_models(config_).status().code(), Code::kNotFound);
}

TEST_F(ModelChoiceTest, NothingToServeIsToldWithWhatToDo) {
  const Status status = choose_models(config_).status();
  EXPECT_EQ(status.code(), Code::kNotFound);
  EXPECT_THAT(status.message(), HasSubstr("axle import"));
  add_pictures("painter");
  std::filesystem::resize_file(folder_.path() / "painter/tokenizer/vocab.json", 10);
  EXPECT_THAT(choose_models(config_).status().message(), HasSubstr("none of the 1 model(s)"));
}

}  // namespace
}  // namespace axle::app
