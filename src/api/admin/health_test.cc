#include "api/admin/health.h"

#include <gtest/gtest.h>

#include <boost/json.hpp>

#include "pictures/testing/tiny_model.h"

namespace axle::api {
namespace {

namespace json = boost::json;

fleet::Health ready_health() {
  fleet::Health health;
  health.state = fleet::CardState::kReady;
  health.card = jobs::Hello{1, "software card, libaxcl_rt.so", true, 1, "AX650N", "V3.10.2"};
  fleet::ModelHealth model;
  model.name = "m";
  model.state = fleet::ModelState::kLoaded;
  model.loaded.layers = 2;
  model.loaded.context_tokens = 2047;
  model.loaded.card_bytes = 198'818'688;
  model.loaded.probe = "probed in 5 ms: chained exact";
  health.models = {model};
  return health;
}

TEST(HealthTest, ReadyMeansACardThatWorksAndALoadedModel) {
  fleet::Health health = ready_health();
  EXPECT_TRUE(is_ready(health));
  health.state = fleet::CardState::kHot;
  EXPECT_TRUE(is_ready(health));
  health.paused = true;
  EXPECT_FALSE(is_ready(health));
  health = ready_health();
  health.models.front().state = fleet::ModelState::kFailed;
  EXPECT_FALSE(is_ready(health));
  for (const auto state : {fleet::CardState::kStarting, fleet::CardState::kLoading,
                           fleet::CardState::kRecovering, fleet::CardState::kLost}) {
    health = ready_health();
    health.state = state;
    EXPECT_FALSE(is_ready(health)) << fleet::state_name(state);
  }
}

TEST(HealthTest, TellsWhichLibraryServesAndWhatTheModelsAre) {
  const json::value body = json::parse(health_json(ready_health(), {}, "1.2.3", {}));
  EXPECT_EQ(body.at("status"), "ok");
  EXPECT_EQ(body.at("version"), "1.2.3");
  EXPECT_EQ(body.at("card").at("kind"), "software card");
  EXPECT_EQ(body.at("card").at("library"), "software card, libaxcl_rt.so");
  EXPECT_EQ(body.at("models").at(0).at("context_tokens"), 2047);
  EXPECT_EQ(body.at("models").at(0).at("probe"), "probed in 5 ms: chained exact");
}

TEST(HealthTest, TellsOfEachModelWhatItTakesAndWhatItDoes) {
  const pictures::testing::TinyModel tiny;
  fleet::Health health = ready_health();
  health.models.front().jobs = {.queued = 0, .running = 1};
  fleet::ModelHealth painter;
  painter.name = "tiny";
  painter.state = fleet::ModelState::kLoaded;
  painter.loaded.card_bytes = 36'864'000;
  painter.loaded.load_time = std::chrono::milliseconds(250);
  painter.jobs = {.queued = 3, .running = 2};
  health.models.push_back(painter);
  const json::value body = json::parse(health_json(health, {}, "1", {tiny.served()}));
  const json::value& chat = body.at("models").at(0);
  EXPECT_EQ(chat.at("kind"), "chat");
  EXPECT_EQ(chat.at("card_bytes"), 198'818'688);
  EXPECT_EQ(chat.at("running"), 1);
  EXPECT_FALSE(chat.as_object().contains("sizes"));
  const json::value& pictures = body.at("models").at(1);
  EXPECT_EQ(pictures.at("kind"), "picture");
  EXPECT_EQ(pictures.at("sizes"), (json::array{"64x64", "96x64"}));
  EXPECT_EQ(pictures.at("steps"), (json::array{1, 2, 4}));
  EXPECT_EQ(pictures.at("card_bytes"), 36'864'000);
  EXPECT_EQ(pictures.at("load_ms"), 250);
  EXPECT_EQ(pictures.at("queued"), 3);
  EXPECT_EQ(pictures.at("running"), 2);
  EXPECT_FALSE(pictures.as_object().contains("context_tokens"));
}

TEST(HealthTest, TellsHowFullTheMemoryOfTextsIs) {
  fleet::Health health = ready_health();
  health.heartbeat.cells_used = 5;
  health.heartbeat.cells_total = 10;
  health.heartbeat.kv_banks = 2;
  health.heartbeat.host_cache_bytes = 4096;
  const json::value body = json::parse(health_json(health, {}, "1", {}));
  EXPECT_EQ(body.at("kv_cache").at("cells_used"), 5);
  EXPECT_EQ(body.at("kv_cache").at("cells_total"), 10);
  EXPECT_EQ(body.at("kv_cache").at("banks"), 2);
  EXPECT_EQ(body.at("kv_cache").at("host_bytes"), 4096);
}

TEST(HealthTest, TellsHowLongARequestWouldWait) {
  fleet::Health health = ready_health();
  health.queued = 3;
  health.wait = std::chrono::milliseconds(2500);
  const json::value body = json::parse(health_json(health, {}, "1", {}));
  EXPECT_EQ(body.at("jobs").at("queued"), 3);
  EXPECT_EQ(body.at("jobs").at("wait_ms"), 2500);
}

TEST(HealthTest, LostCardKeepsReasonAndVendorCode) {
  fleet::Health health = ready_health();
  health.state = fleet::CardState::kLost;
  health.reason = "the card does not answer";
  health.last_errors = {{std::chrono::system_clock::time_point{},
                         card_lost("x", static_cast<std::int32_t>(0x8030040c))}};
  const json::value body = json::parse(health_json(health, {}, "1", {}));
  EXPECT_EQ(body.at("status"), "lost");
  EXPECT_EQ(body.at("card").at("reason"), "the card does not answer");
  EXPECT_EQ(body.at("card").at("last_errors").at(0).at("vendor_code"), "0x8030040c");
}

}  // namespace
}  // namespace axle::api
