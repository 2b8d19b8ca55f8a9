#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include "axmodel/model.h"
#include "softcard/codes.h"
#include "softcard/testing/client.h"

namespace axle::softcard::testing {

// A fresh machine of its own for every test, and the library on it.
class SoftcardTest : public ::testing::Test {
 protected:
  SoftcardTest() {
    const std::string name = ::testing::UnitTest::GetInstance()->current_test_info()->name();
    base_ = ::testing::TempDir() + "softcard_" + std::to_string(::getpid()) + "_" + name;
    ::setenv("AXLE_SOFTCARD_STATE", (base_ + ".state").c_str(), 1);
    set_profile("");
  }
  ~SoftcardTest() override {
    AX(client(), axclFinalize)();
    for (const char* ending : {".state", ".axmodel", ".json", ".log"}) {
      std::filesystem::remove(base_ + ending);
    }
  }

  static Client& client() {
    static auto* const client = new Client(AXLE_SOFTCARD_LIBRARY);
    return *client;
  }
  static void set_profile(const std::string& toml) {
    ::setenv("AXLE_SOFTCARD", ("toml:" + toml).c_str(), 1);
  }

  // axclInit and SetDevice of the first card.
  void open_card(std::int32_t device = 1) {
    ASSERT_EQ(AX(client(), axclInit)(nullptr), kOk);
    ASSERT_EQ(AX(client(), axclrtSetDevice)(device), kOk);
  }
  static void* allocate(std::size_t bytes) {
    void* pointer = nullptr;
    EXPECT_EQ(AX(client(), axclrtMalloc)(&pointer, bytes, 2), kOk);
    return pointer;
  }
  static void* at(void* pointer, std::size_t offset) {
    return reinterpret_cast<void*>(reinterpret_cast<std::uintptr_t>(pointer) + offset);
  }
  static void upload(void* to, const std::vector<std::uint8_t>& bytes) {
    EXPECT_EQ(AX(client(), axclrtMemcpy)(to, bytes.data(), bytes.size(), kHostToDevice), kOk);
  }
  static std::vector<std::uint8_t> download(const void* from, std::size_t count) {
    std::vector<std::uint8_t> bytes(count);
    EXPECT_EQ(AX(client(), axclrtMemcpy)(bytes.data(), from, count, kDeviceToHost), kOk);
    return bytes;
  }
  static std::uint32_t free_cmm_kb() {
    axclrtDeviceProperties properties{};
    EXPECT_EQ(AX(client(), axclrtGetDeviceProperties)(1, &properties), kOk);
    return properties.freeCmmSize;
  }

  // An engine of the adding executor: group 0 has `a`, `b` [4] and `sum` [4] of bytes, group 1 [8].
  static axmodel::Model adding_model() {
    using axmodel::DataType;
    axmodel::Model model;
    model.producer = axmodel::kProducer;
    model.producer_version = "1";
    model.graph_name = "test";
    model.op_domain = axmodel::kDomain;
    model.op_type = "Add";
    for (const std::int64_t length : {4, 8}) {
      model.groups.push_back(
          {.inputs = {{"a", DataType::kUint8, {1, length}}, {"b", DataType::kUint8, {1, length}}},
           .outputs = {{"sum", DataType::kUint8, {1, length}}}});
    }
    return model;
  }
  std::string write_model(const axmodel::Model& model) const {
    const std::string path = base_ + ".axmodel";
    const Status written = axmodel::write(model, path);
    EXPECT_TRUE(written.ok()) << written;
    return path;
  }
  // Loads the adding engine.
  std::uint64_t load() {
    std::uint64_t model = 0;
    const std::string path = write_model(adding_model());
    EXPECT_EQ(AX(client(), axclrtEngineInit)(0), kOk);
    EXPECT_EQ(AX(client(), axclrtEngineLoadFromFile)(path.c_str(), &model), kOk);
    return model;
  }

  std::string base_;
};

// A loaded engine with its IO bound to card memory: a at `a`, b at `b`, sum at `sum`.
struct BoundEngine {
  std::uint64_t model = 0;
  std::uint64_t context = 0;
  void* info = nullptr;
  void* io = nullptr;
  void* a = nullptr;
  void* b = nullptr;
  void* sum = nullptr;
};

class EngineTest : public SoftcardTest {
 protected:
  void bind(BoundEngine& engine) {
    engine.model = load();
    ASSERT_EQ(AX(client(), axclrtEngineCreateContext)(engine.model, &engine.context), kOk);
    ASSERT_EQ(AX(client(), axclrtEngineGetIOInfo)(engine.model, &engine.info), kOk);
    ASSERT_EQ(AX(client(), axclrtEngineCreateIO)(engine.info, &engine.io), kOk);
    engine.a = allocate(8);
    engine.b = allocate(8);
    engine.sum = allocate(8);
    ASSERT_EQ(AX(client(), axclrtEngineSetInputBufferByIndex)(engine.io, 0, engine.a, 8), kOk);
    ASSERT_EQ(AX(client(), axclrtEngineSetInputBufferByName)(engine.io, "b", engine.b, 8), kOk);
    ASSERT_EQ(AX(client(), axclrtEngineSetOutputBufferByIndex)(engine.io, 0, engine.sum, 8), kOk);
  }
  static axclError execute(const BoundEngine& engine, std::uint32_t group = 0) {
    return AX(client(), axclrtEngineExecute)(engine.model, engine.context, group, engine.io);
  }
};

}  // namespace axle::softcard::testing
