#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "softcard/abi.h"

// axcl-smi's view of the cards, over the same C ABI as every program.
namespace axle::smi {

// Runs `command` on the thread's card and gives what it printed; empty when the card refuses.
std::string shell(const char* command, const std::vector<const char*>& arguments = {},
                  std::int32_t timeout_ms = 2000);

// Everything that the tables and the info blocks show of one card.
struct Summary {
  std::int32_t device = 0;  // Bus number.
  std::string soc;
  std::string firmware = "--";
  axclrtDeviceBusInfo bus{};
  std::int64_t memory_total_kb = 0;
  std::int64_t memory_free_kb = 0;
  std::int64_t cmm_total_kb = 0;
  std::int64_t cmm_used_kb = 0;
  std::int64_t temperature_millidegrees = 0;
  std::string cpu = "--";  // "4%"
  std::string npu = "--";

  struct Process {
    std::uint32_t pid = 0;
    std::string name;
    std::int64_t npu_kb = 0;
  };
  std::vector<Process> processes;
};
// Needs a context on the card.
Summary read_summary(std::int32_t device);

// The first whole number after `key` in `text`; -1 where there is none.
std::int64_t number_after(std::string_view text, std::string_view key);
// "3: 90%" per line of the card's NPU list: (core, utilisation).
std::vector<std::pair<std::string, std::string>> npu_cores(const std::string& text);

}  // namespace axle::smi
