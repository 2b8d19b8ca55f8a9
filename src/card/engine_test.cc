#include "card/engine.h"

#include <gmock/gmock.h>

#include "card/fake_test.h"

namespace axle::card {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class EngineTest : public FakeTest {
 protected:
  void SetUp() override {
    FakeTest::SetUp();
    open_card();
  }
  Engine load() {
    Result<Engine> engine = Engine::load(*card, engine_path);
    EXPECT_TRUE(engine.ok()) << engine.status();
    return *std::move(engine);
  }
  Code load_code() { return Engine::load(*card, engine_path).status().code(); }
};

TEST_F(EngineTest, ReadsEveryGroupsTensors) {
  const Engine engine = load();
  ASSERT_EQ(engine.groups().size(), 2u);
  const TensorInfo& cache = engine.group(0).inputs[0];
  EXPECT_EQ(cache.name, "K_cache");
  EXPECT_EQ(cache.dtype, DataType::kBf16);
  EXPECT_THAT(cache.dims, ElementsAre(1, 32));
  EXPECT_EQ(cache.size_bytes, 64u);
  EXPECT_EQ(engine.group(1).outputs[1].size_bytes, 32u);
  EXPECT_EQ(engine.compiler_version(), "4.2 7e6b2b5f");
  EXPECT_EQ(engine.memory_bytes(), 4096u);
}

TEST_F(EngineTest, FindsTensorsByNameAndByTheNameOfTheirGroup) {
  fake.inputs[1].name = "input_1";
  const Engine engine = load();
  EXPECT_EQ(engine.group(1).find_input("K_cache"), 0u);
  EXPECT_EQ(engine.group(1).find_input("input"), 1u);
  EXPECT_EQ(engine.group(0).find_input("input"), std::nullopt);
  EXPECT_EQ(engine.group(0).find_output("output"), 1u);
  EXPECT_EQ(engine.group(0).find_output("input_1"), std::nullopt);
}

TEST_F(EngineTest, AMissingFileIsNotFoundAndNeverReachesTheCard) {
  EXPECT_EQ(Engine::load(*card, "/nonexistent/a.axmodel").status().code(), Code::kNotFound);
  EXPECT_EQ(Engine::load(*card, testing::TempDir()).status().code(), Code::kNotFound);
  EXPECT_EQ(fake.count("axclrtEngineLoadFromFile"), 0u);
}

TEST_F(EngineTest, TellsAFullCardFromADamagedFileByTheFreeMemory) {
  fake.fail_next("axclrtEngineLoadFromFile", 0x8030070c);
  EXPECT_EQ(load_code(), Code::kCorrupt);
  fake.fail_next("axclrtEngineLoadFromFile", 0x80300709);
  fake.cmm_free_kib = 0;
  const Status status = Engine::load(*card, engine_path).status();
  EXPECT_EQ(status.code(), Code::kExhausted);
  EXPECT_THAT(status.message(), HasSubstr("(100 bytes), the card has 0 bytes free"));
}

TEST_F(EngineTest, LoadingReportsWhatTheVendorsCodeMeans) {
  fake.fail_next("axclrtEngineLoadFromFile", 0x8030050c);
  EXPECT_EQ(load_code(), Code::kExhausted);
  fake.fail_next("axclrtEngineLoadFromFile", 0x80300704);
  EXPECT_EQ(load_code(), Code::kUnsupported);
  fake.fail_next("axclrtEngineLoadFromFile", 0x8030040c);
  EXPECT_EQ(load_code(), Code::kCardLost);
}

TEST_F(EngineTest, AnEngineThatCannotBeDescribedIsUnloadedAgain) {
  for (const char* call :
       {"axclrtEngineCreateContext", "axclrtEngineGetIOInfo", "axclrtEngineGetShapeGroupsCount",
        "axclrtEngineGetInputDims", "axclrtEngineGetInputDataType"}) {
    fake.fail_next(call, 0x80300709);
    EXPECT_FALSE(Engine::load(*card, engine_path).ok()) << call;
    EXPECT_TRUE(fake.engines.empty()) << call;
    EXPECT_TRUE(fake.io_infos.empty()) << call;
  }
}

TEST_F(EngineTest, ImpossibleDescriptionsAreCorrupt) {
  const FakeAxcl good = fake;
  fake.group_count = 0;
  EXPECT_EQ(load_code(), Code::kCorrupt);
  fake.group_count = 1 << 30;
  EXPECT_EQ(load_code(), Code::kCorrupt);
  fake = good;
  fake.dim_count = 33;
  EXPECT_EQ(load_code(), Code::kCorrupt);
  fake = good;
  fake.inputs[0].name = nullptr;
  EXPECT_EQ(load_code(), Code::kCorrupt);
  fake = good;
  fake.inputs[0].size_bytes[0] = 0x80300702;
  EXPECT_EQ(load_code(), Code::kCorrupt);
  fake.inputs[0].size_bytes[0] = 0xffffffff80300702;
  EXPECT_EQ(load_code(), Code::kCorrupt);
  fake = good;
  fake.fail_next("axclrtEngineGetNumInputs", 0x80300702);
  EXPECT_EQ(load_code(), Code::kCorrupt);
  fake = good;
  fake.null_handles = true;
  EXPECT_EQ(load_code(), Code::kCorrupt);
}

TEST_F(EngineTest, AnUnknownElementTypeIsNone) {
  fake.inputs[0].type = 99;
  EXPECT_EQ(load().group(0).inputs[0].dtype, DataType::kNone);
  EXPECT_EQ(data_type_name(DataType::kBf16), "bf16");
  EXPECT_EQ(data_type_name(static_cast<DataType>(99)), "unknown");
}

TEST_F(EngineTest, UnloadsExactlyOnceAfterMoves) {
  {
    Engine first = load();
    Engine second = std::move(first);
    second = load();
    EXPECT_EQ(fake.engines.size(), 1u);
    EXPECT_TRUE(second.unload().ok());
    EXPECT_TRUE(second.unload().ok());
  }
  EXPECT_TRUE(fake.engines.empty());
  EXPECT_TRUE(fake.io_infos.empty());
  EXPECT_EQ(fake.count("axclrtEngineUnload"), 2u);
}

TEST_F(EngineTest, NothingIsUnloadedFromALostCard) {
  {
    const Engine engine = load();
    lose_card();
  }
  EXPECT_EQ(fake.count("axclrtEngineUnload"), 0u);
}

TEST_F(EngineTest, BindingsAreMadeForGroupsThatExist) {
  Engine engine = load();
  EXPECT_EQ(engine.make_binding(2).status().code(), Code::kInvalidArgument);
  fake.null_handles = true;
  EXPECT_FALSE(engine.make_binding(0).ok());
  fake.null_handles = false;
  ASSERT_TRUE(engine.unload().ok());
  EXPECT_EQ(engine.make_binding(0).status().code(), Code::kUnavailable);
}

TEST_F(EngineTest, MemoryIsUnknownWhereTheLibraryCannotTell) {
  fake.fail_next("axclrtEngineGetUsageFromModelId", 0x80300704);
  EXPECT_EQ(load().memory_bytes(), std::nullopt);
}

}  // namespace
}  // namespace axle::card
