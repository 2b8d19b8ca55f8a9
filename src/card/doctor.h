#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "card/library.h"

namespace axle::card {

enum class FindingLevel : std::uint8_t { kOk, kInfo, kWarn, kBad };
std::string_view finding_level_name(FindingLevel level);  // "ok", "info", "warn", "bad"

// One thing looked at.
struct Finding {
  std::string name;  // Short and stable, e.g. "driver modules".
  FindingLevel level = FindingLevel::kOk;
  std::string found;   // What is there, in one line.
  std::string advice;  // How to mend it, with commands; empty when nothing is to be done.
};

struct DoctorOptions {
  std::filesystem::path root = "/";   // Where /proc, /sys, /dev, /boot are; tests use a tree.
  std::filesystem::path models = {};  // The models directory; empty: its disk is not looked at.
  LibraryOptions library = {};
  // Open the library and every card and read its temperature? A hung card then costs 50 s. Leave it
  // false while another process of axle uses the card and its readings can be asked there.
  bool open_cards = true;
};

// Looks at everything that a card needs on this machine, from the kernel to the models' disk, and
// says how to mend what is wrong. Changes nothing. Never fails: what cannot be read is a finding.
//
// Threading: safe from any thread; opens the library (see Library) when asked to.
std::vector<Finding> diagnose(const DoctorOptions& options);

// The worst level of all.
FindingLevel worst(const std::vector<Finding>& findings);

}  // namespace axle::card
