#pragma once

#include <dlfcn.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "card/card.h"
#include "card/device_buffer.h"
#include "card/engine.h"
#include "card/fake_axcl.h"

// What the room's unit tests share: the fake library, opened, and one card.
namespace axle::card {

inline FakeAxcl& fake_state() {
  void* handle = dlopen(AXLE_FAKE_AXCL, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
  auto* get = reinterpret_cast<FakeAxcl* (*)()>(dlsym(handle, "fake_axcl"));
  return *get();
}

class FakeTest : public testing::Test {
 protected:
  void SetUp() override {
    folder = std::filesystem::path(testing::TempDir()) / ("card_" + std::to_string(getpid()));
    std::filesystem::create_directories(folder);
    engine_path = folder / "layer_3.axmodel";
    std::ofstream(engine_path) << std::string(100, 'x');
  }
  void TearDown() override {
    card.reset();
    library.reset();
    fake.release_all();
    std::filesystem::remove_all(folder);
  }

  LibraryOptions options() const {
    LibraryOptions result;
    result.library = AXLE_FAKE_AXCL;
    result.output = VendorOutput::kKeep;
    result.hide_symbols = hidden;
    return result;
  }
  void open_library() {
    Result<std::unique_ptr<Library>> opened = Library::open(options());
    ASSERT_TRUE(opened.ok()) << opened.status();
    library = *std::move(opened);
  }
  void open_card() {
    open_library();
    Result<std::unique_ptr<Card>> opened = Card::open(*library);
    ASSERT_TRUE(opened.ok()) << opened.status();
    card = *std::move(opened);
  }
  // As when the card dies: the next call finds out.
  void lose_card() {
    fake.fail_next("axclrtMemset", 0x8030040c);
    const Status status = fill(*card, DeviceSpan{1, 1}, std::byte{0});
    ASSERT_EQ(status.code(), Code::kCardLost);
  }

  FakeAxcl& fake = fake_state();
  std::vector<std::string> hidden;
  std::filesystem::path folder;  // Of this process, removed at the end.
  std::filesystem::path engine_path;
  std::unique_ptr<Library> library;
  std::unique_ptr<Card> card;
};

inline std::vector<std::byte> bytes_of(std::size_t count, int value) {
  return std::vector<std::byte>(count, static_cast<std::byte>(value));
}

}  // namespace axle::card
