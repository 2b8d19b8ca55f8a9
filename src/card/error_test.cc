#include "card/error.h"

#include <gmock/gmock.h>

namespace axle::card {
namespace {

using testing::HasSubstr;

TEST(VendorStatusTest, ACardThatCannotBeSentAMessageIsLost) {
  const Status status = vendor_status(kTaskNotSent, Action::kExecute, "axclrtEngineExecute");
  EXPECT_EQ(status.code(), Code::kCardLost);
  EXPECT_EQ(status.vendor_code(), kTaskNotSent);
  EXPECT_THAT(status.message(), HasSubstr("axclrtEngineExecute"));
  EXPECT_THAT(status.message(), HasSubstr("TASK_EXECUTE_FAIL (0x8030040c)"));
  EXPECT_THAT(status.message(), HasSubstr("axcl-smi reboot"));
}

TEST(VendorStatusTest, ACardThatGivesNoPortsIsUnavailable) {
  const Status status = vendor_status(kPortsRefused, Action::kOpen, "axclrtSetDevice");
  EXPECT_EQ(status.code(), Code::kUnavailable);
  EXPECT_THAT(status.message(), HasSubstr("fuser /dev/axcl_host"));
}

struct Case {
  std::uint32_t bits;
  Action action;
  Code code;
};

class VendorCodeTest : public testing::TestWithParam<Case> {};

TEST_P(VendorCodeTest, MeansWhatTheActionMakesOfIt) {
  const Case& c = GetParam();
  EXPECT_EQ(vendor_status(vendor_code(c.bits), c.action, "f").code(), c.code) << std::hex << c.bits;
}

INSTANTIATE_TEST_SUITE_P(Table, VendorCodeTest,
                         testing::Values(Case{0x8030050c, Action::kAllocate, Code::kExhausted},
                                         Case{0x8030050c, Action::kLoad, Code::kExhausted},
                                         Case{0x8030050c, Action::kUse, Code::kUnavailable},
                                         Case{0x80300709, Action::kLoad, Code::kCorrupt},
                                         Case{0x8030070c, Action::kLoad, Code::kCorrupt},
                                         Case{0x80300704, Action::kLoad, Code::kUnsupported},
                                         Case{0x8030070c, Action::kExecute, Code::kUnavailable},
                                         Case{0x80300383, Action::kWait, Code::kDeadlineExceeded},
                                         Case{0x80300405, Action::kUse, Code::kCardLost},
                                         Case{0x80300184, Action::kOpen, Code::kNotFound},
                                         Case{0x80300284, Action::kUse, Code::kInternal},
                                         Case{0x80300581, Action::kUse, Code::kInternal},
                                         Case{0x8030010b, Action::kInit, Code::kUnavailable},
                                         Case{0x80300181, Action::kInit, Code::kUnavailable},
                                         Case{4, Action::kUse, Code::kUnavailable},
                                         Case{0x80010002, Action::kUse, Code::kUnavailable}));

TEST(VendorErrorNameTest, KnowsTheTableAndSpellsOutTheRest) {
  EXPECT_EQ(vendor_error_name(kPortsRefused), "DEVICE_PORT_ALLOCATE");
  EXPECT_EQ(vendor_error_name(vendor_code(0x80300705)), "engine: time-out");
  EXPECT_EQ(vendor_error_name(vendor_code(0x8030ffff)), "unknown: unknown");
  EXPECT_EQ(vendor_error_name(vendor_code(0x80081234)), "AX_ERR of the card's module 0x08");
  EXPECT_EQ(vendor_error_name(4), "unknown");
}

TEST(VendorStatusTest, CarriesTheDetailThatTheCallerGives) {
  const Status status = vendor_status(kMemoryRefused, Action::kAllocate, "axclrtMalloc",
                                      "wanted 5 bytes, the card has 4 of 9 bytes free");
  EXPECT_THAT(status.message(), HasSubstr("wanted 5 bytes, the card has 4 of 9 bytes free"));
}

}  // namespace
}  // namespace axle::card
