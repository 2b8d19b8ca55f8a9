#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "softcard/smi/card_client.h"

// The text that axcl-smi prints. Source: AXCL-SMI V3.10.2, its output and its public guide.
namespace axle::smi {

inline constexpr std::string_view kVersion = "V3.10.2_20251215140224";

std::string usage_text();
std::string version_text();

std::string summary_table(const std::vector<Summary>& cards);
std::string process_table(const std::vector<Summary>& cards);

// "Device ID           : 129 (0x81)" and a line break.
std::string device_line(std::int32_t device);
// One of "temp", "mem", "cmm", "cpu", "npu", from what the card's shell printed; ends with an empty
// line.
std::string info_block(std::int32_t device, std::string_view what, const std::string& shell_text);

// An error in the form and colour of the tool.
std::string error_line(std::string_view function, int line, std::string_view text);

}  // namespace axle::smi
