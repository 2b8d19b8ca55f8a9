#pragma once

#include <array>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "llm/cost.h"
#include "llm/features.h"
#include "package/package.h"

namespace axle::card {
class Card;
}

namespace axle::llm {

// Which card with which software runs which package: what a probe's result is true for.
struct ProbeKey {
  std::string card;      // "AX650N 6010b819428590c6": chip and unique number.
  std::string software;  // Runtime and firmware.
  std::string setup;     // The library's file, the software card's profile, the order of steps.
  std::string folder;    // Of the package.
  std::string files;     // Hash of the names, sizes and times of its engines and embedding table.
  friend bool operator==(const ProbeKey&, const ProbeKey&) = default;
};

// What the library does not tell is left empty. Errors: kCardLost.
Result<ProbeKey> probe_key(card::Card& card, const package::Package& package);
// The hash in it.
std::string hash_of_files(const package::Package& package);

// What was found out for a key.
struct ProbeRecord {
  ProbeKey key;
  ProbeReport report;
  std::vector<CostSample> costs;
  friend bool operator==(const ProbeRecord&, const ProbeRecord&) = default;
};

// A folder of such records: one small JSON file for each card and package, written as a whole or
// not at all. A record for other software or other files counts as none and is replaced.
//
// Threading: holds a path only. Other processes may read and write at any time.
class ProbeCache {
 public:
  // `folder` need not exist; empty: nothing is kept and nothing is found.
  explicit ProbeCache(std::filesystem::path folder) : folder_(std::move(folder)) {}

  // Nothing where there is none for exactly this key, or it cannot be read.
  std::optional<ProbeRecord> find(const ProbeKey& key) const;
  // Errors: kUnavailable, kExhausted  the file cannot be written.
  Status keep(const ProbeRecord& record) const;
  // Records of all cards for these files.
  std::vector<ProbeRecord> of_files(const std::string& folder, const std::string& files) const;

  // How often the card was lost, or this process killed, while a point was tried.
  using Losses = std::array<int, kProbePoints>;
  Losses losses(const ProbeKey& key) const;
  // Errors: as keep().
  Status keep_losses(const ProbeKey& key, const Losses& losses) const;

 private:
  std::filesystem::path file_of(const ProbeKey& key, const char* ending) const;
  std::filesystem::path folder_;
};

}  // namespace axle::llm
