#include <fmt/format.h>
#include <unistd.h>

#include "app/commands.h"
#include "card/doctor.h"

namespace axle::app {
namespace {

std::string_view mark(card::FindingLevel level) {
  switch (level) {
    case card::FindingLevel::kOk:
      return "ok  ";
    case card::FindingLevel::kInfo:
      return "info";
    case card::FindingLevel::kWarn:
      return "warn";
    case card::FindingLevel::kBad:
      return "BAD ";
  }
  return "?   ";
}

}  // namespace

Status run_doctor(const Config& config) {
  card::DoctorOptions options;
  options.models = models_folder(config);
  options.library.library = config.library;
  options.library.softcard = softcard_library(config);
  options.library.config = config.axcl_config;
  const std::vector<card::Finding> findings = card::diagnose(options);
  for (const card::Finding& finding : findings) {
    fmt::print("{}  {:<22} {}\n", mark(finding.level), finding.name, finding.found);
    if (!finding.advice.empty()) fmt::print("{:>29}{}\n", "-> ", finding.advice);
  }
  if (card::worst(findings) == card::FindingLevel::kBad) {
    return unavailable("something above is BAD and keeps the card from working");
  }
  return {};
}

}  // namespace axle::app
