#include "api/openai/model_list.h"

#include <gtest/gtest.h>

#include <boost/json.hpp>

#include "base/file.h"
#include "package/testing/tiny_gguf.h"
#include "pictures/testing/tiny_model.h"

namespace axle::api {
namespace {

namespace json = boost::json;

class ModelListTest : public testing::Test {
 protected:
  static ModelRegistry chat_models(const package::testing::TemporaryFolder& folder) {
    const auto package = package::testing::make_tiny_package(folder.path(), "words");
    EXPECT_TRUE(package.ok()) << package.status();
    const auto model = ServedModel::load("words", package->string());
    EXPECT_TRUE(model.ok()) << model.status();
    return ModelRegistry({*model});
  }

  package::testing::TemporaryFolder folder_;
  pictures::testing::TinyModel tiny_;
  ModelList list_{chat_models(folder_), {tiny_.served()}};
};

TEST_F(ModelListTest, TellsWhatEachModelIsFor) {
  const json::value list = json::parse(list_.json());
  ASSERT_EQ(list.at("data").as_array().size(), 2u);
  const json::value& chat = list.at("data").at(0);
  EXPECT_EQ(chat.at("id"), "words");
  EXPECT_EQ(chat.at("kind"), "chat");
  EXPECT_GT(chat.at("max_model_len").as_int64(), 0);
  const json::value& picture = list.at("data").at(1);
  EXPECT_EQ(picture.at("id"), "tiny");
  EXPECT_EQ(picture.at("object"), "model");
  EXPECT_EQ(picture.at("owned_by"), "axle");
  EXPECT_EQ(picture.at("kind"), "picture");
  EXPECT_EQ(picture.at("sizes"), (json::array{"64x64", "96x64"}));
  EXPECT_EQ(picture.at("steps"), (json::array{1, 2, 4}));
  EXPECT_EQ(picture.at("default_steps"), 4);
  EXPECT_EQ(picture.at("guidance_max").to_number<double>(), 2.0);
  EXPECT_EQ(picture.at("edits"), true);
  EXPECT_GT(picture.at("created").as_int64(), 1'700'000'000);
}

TEST_F(ModelListTest, TellsHowTheMakersOfAModelWouldHaveItsWordsDrawn) {
  EXPECT_EQ(json::parse(*list_.find("words")).at("sampling"), json::object());
  const package::testing::TemporaryFolder folder;
  const auto package = package::testing::make_tiny_package(folder.path(), "words");
  ASSERT_TRUE(package.ok()) << package.status();
  const auto config = *package / "generation_config.json";
  ASSERT_TRUE(write_file_atomically(config, R"({"temperature":0.5,"top_p":0.9,"top_k":20})").ok());
  const auto model = ServedModel::load("words", package->string());
  ASSERT_TRUE(model.ok()) << model.status();
  const json::value told = json::parse(ModelList(ModelRegistry({*model}), {}).json());
  EXPECT_EQ(told.at("data").at(0).at("sampling"),
            (json::object{{"temperature", 0.5}, {"top_p", 0.9}, {"top_k", 20}}));
}

TEST_F(ModelListTest, ModelsAreFoundByNameAndKind) {
  ASSERT_NE(list_.find("tiny:latest"), nullptr);
  EXPECT_EQ(json::parse(*list_.find("tiny:latest")).at("id"), "tiny");
  EXPECT_EQ(list_.find("dall-e-2"), nullptr);
  EXPECT_TRUE(list_.paints("tiny"));
  EXPECT_FALSE(list_.paints("words"));
  EXPECT_FALSE(list_.paints("dall-e-2"));
  EXPECT_EQ(list_.known_names(), "\"words\", \"tiny\"");
}

TEST_F(ModelListTest, AModelWithoutEncodersCannotEdit) {
  const pictures::testing::TinyModel other({.square = false, .wide = false});
  const ModelList list(ModelRegistry({}), {other.served()});
  EXPECT_EQ(json::parse(list.json()).at("data").at(0).at("edits"), false);
}

}  // namespace
}  // namespace axle::api
