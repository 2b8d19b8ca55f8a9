#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace axle::softcard {

// What axcl.json sets. Source: AXCL runtime V3.10.2, the shipped axcl.json and its documentation.
struct HostConfig {
  std::string log_path = "/tmp/axcl/axcl_logs.txt";
  std::int32_t log_level = 2;  // 0 trace ... 6 off.
  std::uint64_t dma_buffer_bytes = 0x400000;
};

// Reads axcl.json's text; other keys are ignored, as by the vendor.
// Errors: kInvalidArgument  not JSON, or a value of the wrong kind (named).
Result<HostConfig> parse_host_config(std::string_view text);

// The configuration in the file `path`; null, empty or missing: the defaults.
// Errors: as parse_host_config; kUnavailable  not readable.
Result<HostConfig> load_host_config(const char* path);

}  // namespace axle::softcard
