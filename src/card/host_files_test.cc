#include "card/host_files.h"

#include <gmock/gmock.h>

namespace axle::card {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TEST(ParseModulesTest, TakesTheFirstWordOfEachLine) {
  EXPECT_THAT(parse_modules("axcl_host 110592 1 ax_pcie_p2p_rc, Live 0x0 (O)\n\nax_pcie_msg 4 0\n"),
              ElementsAre("axcl_host", "ax_pcie_msg"));
  EXPECT_THAT(parse_modules(""), IsEmpty());
}

TEST(ParseMeminfoTest, GivesBytesOfTheKeyAskedFor) {
  const std::string_view text = "MemTotal:  968356 kB\nCmaTotal:   65536 kB\nHugePages: 3\n";
  EXPECT_EQ(parse_meminfo_bytes(text, "CmaTotal"), 65536u * 1024);
  EXPECT_EQ(parse_meminfo_bytes(text, "HugePages"), 3u);
  EXPECT_EQ(parse_meminfo_bytes(text, "CmaFree"), std::nullopt);
  EXPECT_EQ(parse_meminfo_bytes("CmaTotal: many kB", "CmaTotal"), std::nullopt);
  EXPECT_EQ(parse_meminfo_bytes("CmaTotal: 18446744073709551615 kB", "CmaTotal"), std::nullopt);
}

TEST(ParseInterruptsTest, SeparatesCountsFromNames) {
  const auto lines = parse_interrupts(
      "           CPU0       CPU1\n"
      " 178:        12          0  MSI 524288 Edge      ax_pcie_msi\n"
      "NMI:          1          2   Non-maskable interrupts\n"
      "ERR:          0\n");
  ASSERT_EQ(lines.size(), 3u);
  EXPECT_EQ(lines[0].number, "178");
  EXPECT_THAT(lines[0].per_core, ElementsAre(12u, 0u));
  EXPECT_EQ(lines[0].name, "MSI 524288 Edge      ax_pcie_msi");
  EXPECT_THAT(lines[2].per_core, ElementsAre(0u));
}

TEST(ParseLinkSpeedTest, ReadsGigatransfers) {
  EXPECT_EQ(parse_link_speed("5.0 GT/s PCIe\n"), 5.0);
  EXPECT_EQ(parse_link_speed("Unknown\n"), std::nullopt);
  EXPECT_EQ(parse_link_speed("inf"), std::nullopt);
  EXPECT_EQ(parse_link_speed(""), std::nullopt);
}

TEST(ParseVersionTest, ReadsTheVendorsForms) {
  EXPECT_EQ(parse_version("V3.10.2_20251215140224"), (Version{3, 10, 2}));
  EXPECT_EQ(parse_version(" 3.9\n"), (Version{3, 9, 0}));
  EXPECT_EQ(parse_version("V3"), std::nullopt);
  EXPECT_EQ(parse_version("unknown"), std::nullopt);
  EXPECT_EQ(parse_version("99999999999.1.1"), std::nullopt);
}

TEST(ParseNumberTest, TakesOnlyWholeNumbers) {
  EXPECT_EQ(parse_number(" -5\n"), -5);
  EXPECT_EQ(parse_number("5 C"), std::nullopt);
  EXPECT_EQ(parse_number(""), std::nullopt);
}

TEST(ParseConfigTxtTest, LeavesCommentsAndEmptyLinesOut) {
  EXPECT_THAT(parse_config_txt("# top\ndtparam=pciex1 # gen 2\n\n[all]\n"),
              ElementsAre("dtparam=pciex1", "[all]"));
}

TEST(ParseCmaOptionTest, ReadsSizesWithUnits) {
  EXPECT_EQ(parse_cma_option("console=tty1 cma=128M root=x"), 128u << 20);
  EXPECT_EQ(parse_cma_option("cma=1G@0-4G"), 1u << 30);
  EXPECT_EQ(parse_cma_option("cma=65536k"), 64u << 20);
  EXPECT_EQ(parse_cma_option("cma=M"), std::nullopt);
  EXPECT_EQ(parse_cma_option("xcma=1M"), std::nullopt);
  EXPECT_EQ(parse_cma_option("cma=99999999999999999999G"), std::nullopt);
}

}  // namespace
}  // namespace axle::card
