#include "package/store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>

#include "base/file.h"
#include "package/testing/tiny_gguf.h"

namespace axle::package {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

class StoreTest : public ::testing::Test {
 protected:
  void SetUp() override {
    for (const char* name : {"smollm2-135m", "qwen3-0.6b", "qwen3-4b", "owner/model"}) add(name);
    fs::create_directories(folder_.path() / "notes");
    fs::create_directories(folder_.path() / ".half.importing");
    ASSERT_TRUE(write_file_atomically(folder_.path() / ".half.importing/config.json", "{}").ok());
  }
  void add(const std::string& name) {
    fs::create_directories(folder_.path() / name);
    ASSERT_TRUE(write_file_atomically(folder_.path() / name / "config.json", "{}").ok());
  }
  std::vector<std::string> names() const {
    const Result<std::vector<StoreEntry>> entries = store_.list();
    std::vector<std::string> result;
    for (const StoreEntry& entry : *entries) result.push_back(entry.name);
    return result;
  }
  testing::TemporaryFolder folder_;
  const Store store_{folder_.path()};
};

// Sets an environment variable for a scope.
class Variable {
 public:
  Variable(const char* name, const char* value) : name_(name) {
    const char* old = ::getenv(name);
    if (old != nullptr) old_ = old;
    had_ = old != nullptr;
    value == nullptr ? ::unsetenv(name) : ::setenv(name, value, 1);
  }
  ~Variable() { had_ ? ::setenv(name_, old_.c_str(), 1) : ::unsetenv(name_); }
  Variable(const Variable&) = delete;
  Variable& operator=(const Variable&) = delete;

 private:
  const char* name_;
  std::string old_;
  bool had_ = false;
};

TEST_F(StoreTest, ListsPackagesByNameAndSkipsUnfinishedOnes) {
  EXPECT_THAT(names(), ElementsAre("owner/model", "qwen3-0.6b", "qwen3-4b", "smollm2-135m"));
  EXPECT_EQ(store_.list()->front().size_bytes, 2u);
  EXPECT_EQ(store_.list()->front().folder, folder_.path() / "owner/model");
}

TEST_F(StoreTest, FolderThatDoesNotExistIsEmptyAndAFileIsRefused) {
  EXPECT_TRUE(Store(folder_.path() / "none").list()->empty());
  const Store file(folder_.path() / "qwen3-4b/config.json");
  EXPECT_EQ(file.list().status().code(), Code::kInvalidArgument);
}

TEST_F(StoreTest, FindsByExactNameTagCaseAndUniqueBeginning) {
  for (const char* name : {"smollm2-135m", "smollm2-135m:latest", "SmolLM2-135M", "smol"}) {
    const Result<fs::path> found = store_.find(name);
    ASSERT_TRUE(found.ok()) << found.status();
    EXPECT_EQ(*found, folder_.path() / "smollm2-135m");
  }
  add("smol");
  EXPECT_EQ(*store_.find("smol"), folder_.path() / "smol");
}

TEST_F(StoreTest, UnknownNameTellsTheKnownOnes) {
  const Status status = store_.find("llama").status();
  EXPECT_EQ(status.code(), Code::kNotFound);
  EXPECT_THAT(status.message(),
              HasSubstr("there are: owner/model, qwen3-0.6b, qwen3-4b, smollm2-135m"));
  EXPECT_THAT(Store(folder_.path() / "none").find("x").status().message(),
              HasSubstr("there is none"));
}

TEST_F(StoreTest, AmbiguousAndEmptyNamesAreInvalid) {
  const Status status = store_.find("qwen3").status();
  EXPECT_EQ(status.code(), Code::kInvalidArgument);
  EXPECT_THAT(status.message(), HasSubstr("may mean several models: qwen3-0.6b, qwen3-4b"));
  EXPECT_EQ(store_.find("").status().code(), Code::kInvalidArgument);
  EXPECT_EQ(store_.find(":latest").status().code(), Code::kInvalidArgument);
}

TEST_F(StoreTest, RemovesExactNamesOnly) {
  EXPECT_EQ(store_.remove("qwen3").code(), Code::kNotFound);
  EXPECT_EQ(store_.remove("../" + folder_.path().filename().string()).code(), Code::kNotFound);
  EXPECT_EQ(store_.remove("notes").code(), Code::kNotFound);
  ASSERT_TRUE(store_.remove("qwen3-4b").ok());
  EXPECT_THAT(names(), ElementsAre("owner/model", "qwen3-0.6b", "smollm2-135m"));
  EXPECT_FALSE(fs::exists(folder_.path() / "qwen3-4b"));
}

TEST(StoreFolderTest, FollowsTheEnvironmentInItsOrder) {
  const Variable home("HOME", "/home/someone");
  {
    const Variable data("XDG_DATA_HOME", "/data");
    const Variable models("AXLE_MODELS", "/models");
    EXPECT_EQ(Store::default_folder(), "/models");
  }
  const Variable models("AXLE_MODELS", nullptr);
  {
    const Variable data("XDG_DATA_HOME", "/data");
    EXPECT_EQ(Store::default_folder(), "/data/axle/models");
  }
  const Variable data("XDG_DATA_HOME", nullptr);
  EXPECT_EQ(Store::default_folder(), "/home/someone/.local/share/axle/models");
  const Variable no_home("HOME", nullptr);
  EXPECT_EQ(Store::default_folder(), "/var/lib/axle/models");
}

}  // namespace
}  // namespace axle::package
