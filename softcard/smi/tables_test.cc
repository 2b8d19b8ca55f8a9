#include "softcard/smi/tables.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace axle::smi {
namespace {

using testing::HasSubstr;

Summary sample() {
  Summary card;
  card.device = 1;
  card.soc = "AX650N";
  card.firmware = "V3.10.2";
  card.bus = {.domain = 0, .bus = 1, .slot = 0, .func = 0};
  card.memory_total_kb = 945 * 1024;
  card.memory_free_kb = (945 - 149) * 1024;
  card.cmm_total_kb = 7040 * 1024;
  card.cmm_used_kb = 1011 * 1024;
  card.temperature_millidegrees = 54999;
  card.cpu = "4%";
  card.npu = "30%";
  card.processes = {{.pid = 30556, .name = "/usr/bin/sleep", .npu_kb = 80}};
  return card;
}

TEST(TablesTest, TheSummaryIsLetterForLetterTheVendors) {
  EXPECT_EQ(
      summary_table({sample()}),
      R"(+------------------------------------------------------------------------------------------------+
| AXCL-SMI  V3.10.2_20251215140224                                Driver  V3.10.2_20251215140224 |
+-----------------------------------------+--------------+---------------------------------------+
| Card  Name                     Firmware | Bus-Id       |                          Memory-Usage |
| Fan   Temp                Pwr:Usage/Cap | CPU      NPU |                             CMM-Usage |
|=========================================+==============+=======================================|
|    0  AX650N                    V3.10.2 | 0000:01:00.0 |                149 MiB /      945 MiB |
|   --   54C                      -- / -- | 4%       30% |               1011 MiB /     7040 MiB |
+-----------------------------------------+--------------+---------------------------------------+
)");
}

TEST(TablesTest, TheProcessTableIsLetterForLetterTheVendors) {
  EXPECT_EQ(
      process_table({sample()}),
      R"(+------------------------------------------------------------------------------------------------+
| Processes:                                                                                     |
| Card      PID  Process Name                                                   NPU Memory Usage |
|================================================================================================|
|    0    30556  /usr/bin/sleep                                                           80 KiB |
+------------------------------------------------------------------------------------------------+
)");
  EXPECT_THAT(process_table({}), testing::EndsWith("=|\n"));
}

TEST(TablesTest, TheInfoBlocksHaveTheVendorsForm) {
  EXPECT_EQ(info_block(1, "temp", "54321\n"),
            "Device ID           : 1 (0x1)\ntemperature         : 54321\n\n");
  EXPECT_EQ(info_block(129, "cmm",
                       " total size=3145728KB(3072MB),used=18876KB(18MB + 444KB),"
                       "remain=3126852KB(3053MB + 580KB)\n"),
            "Device ID           : 129 (0x81)\n"
            "CMM Total           :  3145728 KiB\n"
            "CMM Used            :    18876 KiB\n"
            "CMM Remain          :  3126852 kiB\n\n");
  EXPECT_EQ(info_block(1, "mem", "MemTotal:         968356 kB\n"),
            "Device ID           : 1 (0x1)\nMemTotal            :   968356 kB\n\n");
  EXPECT_THAT(info_block(1, "npu", ""), HasSubstr("NPU Usage (%)       : --\n"));
  EXPECT_THAT(info_block(1, "npu", "core: 0 utilization: 90%\n"),
              HasSubstr("engine version      : 2.11.0a\n0                   : 90%\n"));
  EXPECT_THAT(
      info_block(1, "cpu", "CPU:   1% usr   2% sys   0% nic  96% idle\nLoad average: 0.10 0.20\n"),
      HasSubstr("CPU Usage (%)       : 4.00%\nCPU                 : 1% usr   2% sys   0% "
                "nic  96% idle\nLoad average        : 0.10 0.20\n"));
}

}  // namespace
}  // namespace axle::smi
