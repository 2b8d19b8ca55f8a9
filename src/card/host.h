#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "card/doctor.h"

// This machine as the doctor's checks see it. Private to the room.
namespace axle::card {

// An AX650N on the PCIe bus.
struct PciCard {
  std::string address;           // "0001:01:00.0"
  std::filesystem::path folder;  // In /sys/bus/pci/devices.
};

struct Host {
  std::filesystem::path root;
  std::filesystem::path models;
  std::vector<PciCard> cards;
  bool raspberry_pi = false;
  std::string model;  // "Raspberry Pi 5 Model B Rev 1.0", or empty.

  // `path` is absolute, below the root.
  std::filesystem::path at(std::string_view path) const;
  bool exists(std::string_view path) const;
  // A small text file, cut at 1 MiB; nothing when it cannot be read.
  std::optional<std::string> text(std::string_view path) const;
};

Host look_at_host(const DoctorOptions& options);

// One check each: what was found. A check that has nothing to look at gives no finding.
std::vector<Finding> check_pci(const Host& host);
std::vector<Finding> check_link(const Host& host);
std::vector<Finding> check_modules(const Host& host);
std::vector<Finding> check_nodes(const Host& host);
std::vector<Finding> check_firmware(const Host& host);
std::vector<Finding> check_cma(const Host& host);
std::vector<Finding> check_interrupts(const Host& host);
std::vector<Finding> check_governor(const Host& host);
std::vector<Finding> check_host_temperature(const Host& host);
std::vector<Finding> check_users(const Host& host);
std::vector<Finding> check_smi(const Host& host);
std::vector<Finding> check_disk(const Host& host);

// The library and, through it, the cards. Not part of the table of host checks.
std::vector<Finding> check_library(const Host& host, const DoctorOptions& options);

}  // namespace axle::card
