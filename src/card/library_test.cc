#include "card/library.h"

#include <gmock/gmock.h>

#include "card/fake_test.h"

namespace axle::card {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class LibraryTest : public FakeTest {
 protected:
  // A file that is no library.
  std::string broken_library() const {
    const std::string path = folder / "libbroken_axcl.so";
    std::ofstream(path) << "this is not an ELF file";
    return path;
  }
  Status failure(const LibraryOptions& wanted) const {
    const auto opened = Library::open(wanted);
    EXPECT_FALSE(opened.ok());
    return opened.status();
  }
};

TEST_F(LibraryTest, OpensTheConfiguredLibraryAndSaysWhichAndWhy) {
  open_library();
  EXPECT_EQ(library->kind(), LibraryKind::kVendor);
  EXPECT_EQ(library->version(), (Version{3, 10, 2}));
  EXPECT_EQ(library->full_version(), "V3.10.2_20251215140224");
  EXPECT_EQ(library->soc_name(), "AX650N");
  EXPECT_EQ(library->path(), AXLE_FAKE_AXCL);
  EXPECT_THAT(library->description(), HasSubstr("AXCL runtime V3.10.2_20251215140224"));
  EXPECT_THAT(library->description(), HasSubstr("as configured"));
}

TEST_F(LibraryTest, TakesTheVendorsLibraryBeforeTheSoftwareCard) {
  LibraryOptions wanted = options();
  wanted.library = "auto";
  wanted.softcard = "/nonexistent/softcard.so";
  wanted.vendor_candidates = {"libaxle_no_such_library.so", AXLE_FAKE_AXCL};
  const auto opened = Library::open(wanted);
  ASSERT_TRUE(opened.ok()) << opened.status();
  EXPECT_THAT((*opened)->description(), HasSubstr("found as"));
}

TEST_F(LibraryTest, TakesTheSoftwareCardWhenTheVendorsLibraryIsNotInstalled) {
  LibraryOptions wanted = options();
  wanted.library = "";
  wanted.vendor_candidates = {"libaxle_no_such_library.so", "/nonexistent/libaxcl_rt.so"};
  wanted.softcard = AXLE_FAKE_AXCL;
  const auto opened = Library::open(wanted);
  ASSERT_TRUE(opened.ok()) << opened.status();
  EXPECT_THAT((*opened)->description(), HasSubstr("because the vendor's library is not installed"));
}

TEST_F(LibraryTest, NeverReplacesABrokenVendorLibraryByTheSoftwareCard) {
  LibraryOptions wanted = options();
  wanted.library = "auto";
  wanted.vendor_candidates = {broken_library()};
  wanted.softcard = AXLE_FAKE_AXCL;
  const Status status = failure(wanted);
  EXPECT_EQ(status.code(), Code::kUnavailable);
  EXPECT_THAT(status.message(), HasSubstr("installed but cannot be loaded"));
  EXPECT_THAT(status.message(), HasSubstr("axclhost"));
}

TEST_F(LibraryTest, NeverReplacesAVendorLibraryWithoutDriverByTheSoftwareCard) {
  LibraryOptions wanted = options();
  wanted.library = "auto";
  wanted.vendor_candidates = {AXLE_FAKE_AXCL};
  wanted.softcard = AXLE_FAKE_AXCL;
  fake.fail_next("axclInit", 0x8030010b);
  const Status status = failure(wanted);
  EXPECT_EQ(status.code(), Code::kUnavailable);
  EXPECT_EQ(static_cast<std::uint32_t>(status.vendor_code()), 0x8030010bu);
  EXPECT_THAT(status.message(), HasSubstr("set card.library to \"softcard\""));
  EXPECT_EQ(fake.count("axclFinalize"), 1u);
}

TEST_F(LibraryTest, AMissingLibraryIsNotFoundWhateverWasAskedFor) {
  LibraryOptions wanted = options();
  wanted.vendor_candidates = {"libaxle_no_such_library.so"};
  for (const char* choice : {"/nonexistent/libaxcl_rt.so", "vendor", "softcard", "auto"}) {
    wanted.library = choice;
    EXPECT_EQ(failure(wanted).code(), Code::kNotFound) << choice;
  }
}

TEST_F(LibraryTest, AFileThatIsNoLibraryIsUnsupportedWithTheLoadersReason) {
  LibraryOptions wanted = options();
  wanted.library = broken_library();
  const Status status = failure(wanted);
  EXPECT_EQ(status.code(), Code::kUnsupported);
  EXPECT_THAT(status.message(), HasSubstr("libbroken_axcl.so cannot be loaded"));
  EXPECT_THAT(status.message(), HasSubstr("set card.library to"));
}

TEST_F(LibraryTest, NamesTheRequiredFunctionsThatAreMissing) {
  hidden = {"axclrtMemcpy", "axclrtEngineExecute", "axclrtMemcpyAsync"};
  const Status status = failure(options());
  EXPECT_EQ(status.code(), Code::kUnsupported);
  EXPECT_THAT(status.message(), HasSubstr("lacks axclrtMemcpy, axclrtEngineExecute;"));
  EXPECT_THAT(status.message(), HasSubstr("V3.10.2"));
  EXPECT_EQ(fake.count("axclInit"), 0u);
}

TEST_F(LibraryTest, WorksWithoutEveryOptionalFunction) {
  hidden = {"axclrtMemcpyAsync",         "axclrtCreateEvent",    "axclrtEngineGetUsageFromModelId",
            "axclrtGetDeviceProperties", "axclrtGetFullVersion", "axclrtMemcmp",
            "axclrtRebootDevice",        "axclrtGetSocName"};
  open_card();
  const Features& features = library->features();
  EXPECT_FALSE(features.async || features.events || features.usage || features.properties ||
               features.full_version || features.compare || features.reboot);
  EXPECT_EQ(library->full_version(), "V3.10.2");
  EXPECT_EQ(library->soc_name(), "UNKNOWN");
  EXPECT_EQ(library->reboot(DeviceId{3}).code(), Code::kUnsupported);
}

TEST_F(LibraryTest, ListsCardsByBusNumberInOrder) {
  open_library();
  const auto devices = library->devices();
  ASSERT_TRUE(devices.ok());
  EXPECT_THAT(*devices, ElementsAre(DeviceId{3}, DeviceId{129}));
  fake.fail_next("axclrtGetDeviceList", 0x80300180);
  EXPECT_EQ(library->devices().status().code(), Code::kUnavailable);
}

TEST_F(LibraryTest, RestartsOnlyCardsThatExist) {
  open_library();
  EXPECT_EQ(library->reboot(DeviceId{0}).code(), Code::kNotFound);
  EXPECT_TRUE(library->reboot(DeviceId{3}).ok());
  fake.fail_next("axclrtRebootDevice", 0x80300187);
  EXPECT_EQ(library->reboot(DeviceId{3}).code(), Code::kUnavailable);
  EXPECT_EQ(fake.count("axclrtRebootDevice"), 2u);
}

TEST_F(LibraryTest, FinalizesOnceAndOnlyAfterTheLastCard) {
  open_card();
  library.reset();
  EXPECT_EQ(fake.count("axclFinalize"), 0u);
  card.reset();
  EXPECT_EQ(fake.count("axclFinalize"), 1u);
  EXPECT_EQ(fake.calls.back(), "axclFinalize");
}

TEST_F(LibraryTest, AWatchGivenByTheCallerSeesTheInitialisation) {
  CallWatch watch;
  LibraryOptions wanted = options();
  wanted.watch = &watch;
  std::string seen;
  fake.on_call = [&](const std::string&) {
    if (seen.empty() && watch.oldest()) seen = watch.oldest()->name;
  };
  const auto opened = Library::open(wanted);
  ASSERT_TRUE(opened.ok());
  EXPECT_EQ(seen, "axclInit");
  EXPECT_FALSE((*opened)->in_call().has_value());
}

TEST_F(LibraryTest, WhatTheLibraryPrintsNeverReachesStandardOutput) {
  fake.printed = "[d][1][E][device manager][init][60]: noise\n";
  LibraryOptions wanted = options();
  wanted.output = VendorOutput::kLog;
  testing::internal::CaptureStdout();
  { ASSERT_TRUE(Library::open(wanted).ok()); }
  EXPECT_EQ(testing::internal::GetCapturedStdout(), "");
}

}  // namespace
}  // namespace axle::card
