// The real host on the software card, with tiny packages made on the spot.
#include "worker/card_host.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "package/testing/tiny_gguf.h"
#include "package/testing/tiny_pictures.h"

namespace axle::worker {
namespace {

constexpr std::size_t kCells = 511;
constexpr std::int32_t kNewTokens = 300;
constexpr std::size_t kLayers = 2;
// Every run takes about as long as the others, however busy the machine is.
const std::string kEvenPace = "[timing]\ncall_ms = 1\n";
// The file after those of one model: layers and head.
const std::string kNoRoomOnce =
    "[[fault]]\ncall = \"EngineLoad\"\naction = \"error\"\ncode = 0x8030050c\nat = " +
    std::to_string(kLayers + 2) + "\n";

class Events final : public JobEvents {
 public:
  void on_event(jobs::JobId /*id*/, jobs::JobEvent event) override {
    done += std::holds_alternative<jobs::Done>(event) ? 1 : 0;
    failed += std::holds_alternative<jobs::Failed>(event) ? 1 : 0;
    if (std::holds_alternative<jobs::Tokens>(event)) order += 't';
    if (std::holds_alternative<jobs::PictureStep>(event)) order += 's';
    if (auto* picture = std::get_if<jobs::PictureDone>(&event)) pictures.push_back(*picture);
  }
  int done = 0;
  int failed = 0;
  std::string order;  // Tokens and steps of pictures, as they came.
  std::vector<jobs::PictureDone> pictures;
};

class CardHostTest : public ::testing::Test {
 protected:
  void SetUp() override {
    setenv("AXLE_SOFTCARD_STATE", (folder_.path() / "card_state").c_str(), 1);
    package::testing::TinyPackageOptions options;
    options.gguf.layers = kLayers;
    options.cells = kCells;
    const auto made = package::testing::make_tiny_package(folder_.path(), "tiny", options);
    ASSERT_TRUE(made.ok()) << made.status();
    package_ = *made;
  }
  void TearDown() override {
    host_.reset();
    unsetenv("AXLE_SOFTCARD");
  }

  void open(std::uint64_t memory_mib, std::size_t banks, const std::string& fault = "") {
    const std::string profile =
        "toml:threads = 1\n[[card]]\nmemory_mib = " + std::to_string(memory_mib) + "\n" + fault;
    setenv("AXLE_SOFTCARD", profile.c_str(), 1);
    card::LibraryOptions library;
    library.library = AXLE_SOFTCARD_LIBRARY;
    library.output = card::VendorOutput::kKeep;
    llm::PrepareOptions prepare;
    prepare.generator.max_banks = banks;
    host_ = std::make_unique<CardHost>(library, card::CardOptions{}, prepare);
    const Result<jobs::Hello> hello = host_->open();
    ASSERT_TRUE(hello.ok()) << hello.status();
  }

  Result<jobs::ModelLoaded> load(const std::string& name) {
    return host_->load({name, package_.string()}, [](const jobs::LoadProgress&) {});
  }

  void load_pictures() {
    const std::filesystem::path folder = folder_.path() / "pictures";
    ASSERT_EQ(package::testing::write_tiny_pictures(folder), Status());
    const auto loaded = host_->load({"p", folder.string()}, [](const jobs::LoadProgress&) {});
    ASSERT_TRUE(loaded.ok()) << loaded.status();
    EXPECT_GT(loaded->card_bytes, 0);
  }

  static jobs::PictureJob picture() {
    jobs::PictureJob job;
    job.model = "p";
    job.width = 64;
    job.height = 64;
    job.prompt.assign(77, 3);
    job.timesteps = {999, 759, 499, 259};
    return job;
  }

  void write_texts(int count, Events& events) {
    for (int i = 1; i <= count; ++i) {
      jobs::GenerateJob job;
      job.model = "a";
      job.prompt = {i, 2, 3};
      job.max_new_tokens = kNewTokens;
      job.sampling.temperature = 1.0f;
      ASSERT_EQ(host_->add(jobs::JobId{static_cast<std::uint64_t>(i)}, job), Status());
    }
    while (!host_->idle()) ASSERT_EQ(host_->step(events), Status());
  }

  package::testing::TemporaryFolder folder_;
  std::filesystem::path package_;
  std::unique_ptr<CardHost> host_;
};

// The card refuses the first file of the second model once, as when banks are in the way.
TEST_F(CardHostTest, AModelThatDoesNotFitGetsTheBanksThatOnlyRemember) {
  open(256, 4, kNoRoomOnce);
  ASSERT_TRUE(load("a").ok());
  Events events;
  write_texts(4, events);
  ASSERT_GT(host_->load_figures().kv_banks, 1);
  const Result<jobs::ModelLoaded> second = load("b");
  ASSERT_TRUE(second.ok()) << second.status();
  EXPECT_EQ(host_->load_figures().kv_banks, 2) << "One for each model.";
  write_texts(1, events);
  EXPECT_EQ(events.done, 5);
}

TEST_F(CardHostTest, WithoutBanksToGiveBackAModelThatDoesNotFitIsNotTriedAgain) {
  open(256, 4, kNoRoomOnce);
  ASSERT_TRUE(load("a").ok());
  EXPECT_EQ(load("b").status().code(), Code::kExhausted);
  EXPECT_TRUE(load("b").ok()) << "There is room the second time.";
}

TEST_F(CardHostTest, AModelThatCannotFitIsRefusedAndTheOthersGoOn) {
  open(6, 4);
  const Result<jobs::ModelLoaded> first = load("a");
  ASSERT_TRUE(first.ok()) << first.status();
  Result<jobs::ModelLoaded> last = load("b1");
  for (int i = 2; last.ok(); ++i) {
    ASSERT_LE(i, 1000);
    last = load("b" + std::to_string(i));
  }
  EXPECT_EQ(last.status().code(), Code::kExhausted);
  Events events;
  write_texts(2, events);
  EXPECT_EQ(events.done, 2);
}

TEST_F(CardHostTest, TextsGoOnBetweenTheStepsOfPictures) {
  open(256, 4, kEvenPace);
  load_pictures();
  ASSERT_TRUE(load("a").ok());
  constexpr std::size_t kPictures = 8;
  for (std::size_t i = 0; i < kPictures; ++i)
    ASSERT_EQ(host_->add(jobs::JobId{100 + i}, picture()), Status());
  Events events;
  write_texts(1, events);
  EXPECT_EQ(events.done, 1);
  ASSERT_EQ(events.pictures.size(), kPictures);
  EXPECT_EQ(events.pictures[0].pixels, events.pictures[1].pixels) << "The same seed.";
  EXPECT_GT(host_->load_figures().picture_step_s, 0.0);
  const std::size_t first = events.order.find('s');
  const std::size_t last = events.order.rfind('s');
  ASSERT_NE(first, std::string::npos);
  EXPECT_NE(events.order.substr(first, last - first).find('t'), std::string::npos) << events.order;
}

TEST_F(CardHostTest, PicturesAreCancelledInterruptedAndEndWithTheirModel) {
  open(256, 1);
  load_pictures();
  for (std::uint64_t id = 1; id <= 4; ++id) {
    ASSERT_EQ(host_->add(jobs::JobId{id}, picture()), Status());
  }
  host_->cancel(jobs::JobId{1});
  Events events;
  ASSERT_EQ(host_->step(events), Status());
  for (const std::uint64_t id : {2u, 3u, 99u}) host_->interrupt(jobs::JobId{id});
  while (events.pictures.empty()) ASSERT_EQ(host_->step(events), Status());
  EXPECT_TRUE(events.pictures.front().interrupted);
  EXPECT_EQ(events.order, "s");
  EXPECT_EQ(events.failed, 1) << "The one that was not begun.";
  EXPECT_EQ(host_->unload("p", events), Status());
  EXPECT_EQ(events.failed, 2);
  EXPECT_TRUE(host_->idle());
  EXPECT_EQ(host_->add(jobs::JobId{5}, picture()).code(), Code::kNotFound);
}

TEST_F(CardHostTest, AJobOfTheOtherKindIsRefused) {
  open(256, 1);
  load_pictures();
  ASSERT_TRUE(load("a").ok());
  jobs::PictureJob wrong_picture = picture();
  wrong_picture.model = "a";
  EXPECT_EQ(host_->add(jobs::JobId{1}, wrong_picture).code(), Code::kInvalidArgument);
  jobs::GenerateJob wrong_text;
  wrong_text.model = "p";
  EXPECT_EQ(host_->add(jobs::JobId{2}, wrong_text).code(), Code::kInvalidArgument);
  EXPECT_TRUE(host_->idle());
}

TEST_F(CardHostTest, FiguresTellTheBanks) {
  open(64, 4);
  EXPECT_EQ(host_->load_figures().kv_banks, 0);
  ASSERT_TRUE(load("a").ok());
  EXPECT_EQ(host_->load_figures().kv_banks, 1);
}

}  // namespace
}  // namespace axle::worker
