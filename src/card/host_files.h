#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "card/library.h"

// Readers of the kernel's small text files, for the doctor. Private to the room. None fails: what
// cannot be read is left out. Source: Linux, Documentation/filesystems/proc.rst.
namespace axle::card {

// Names of loaded modules, from /proc/modules.
std::vector<std::string> parse_modules(std::string_view text);

// The value of a line "Key:   123 kB" of /proc/meminfo, in bytes.
std::optional<std::uint64_t> parse_meminfo_bytes(std::string_view text, std::string_view key);

// One line of /proc/interrupts.
struct InterruptLine {
  std::string number;                   // "178", or a name such as "NMI".
  std::vector<std::uint64_t> per_core;  // How many each core has taken.
  std::string name;                     // The rest: chip, type and device.
};
std::vector<InterruptLine> parse_interrupts(std::string_view text);

// "5.0 GT/s PCIe" -> 5.0, from /sys/bus/pci/devices/*/*_link_speed. Source: Linux, sysfs-bus-pci.
std::optional<double> parse_link_speed(std::string_view text);

// "V3.10.2_20251215140224" or "3.6.5" -> version.
std::optional<Version> parse_version(std::string_view text);

// A whole number with white space around it; a sign is allowed.
std::optional<std::int64_t> parse_number(std::string_view text);

// Settings of a Raspberry Pi's config.txt: lines without comments, section headers included.
std::vector<std::string> parse_config_txt(std::string_view text);

// The memory that "cma=128M" on the kernel's command line asks for, in bytes.
std::optional<std::uint64_t> parse_cma_option(std::string_view command_line);

}  // namespace axle::card
