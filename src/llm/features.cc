#include "llm/features.h"

#include <fmt/format.h>

#include <limits>

namespace axle::llm {
namespace {

struct PointText {
  std::string_view name;
  std::string_view cost;
};

// In the order of ProbePoint.
constexpr std::array<PointText, kProbePoints> kTexts{{
    {"shared cells", "one text runs at a time, and nothing is kept of earlier ones"},
    {"permuted cells", "one text runs at a time, and nothing is kept of earlier ones"},
    {"chunk rows", "prompts are computed one token a step"},
    {"mixed chunks", "texts take turns instead of sharing steps"},
    {"wide head", "the head runs once for each row"},
    {"chained", "steps run in the vendor's order, with copies between the layers"},
    {"queued", "every call is waited for"},
    {"in place", "two more copies for each layer of a decode step"},
    {"nan cells", "none: cells never hold what is no number"},
    {"above diagonal", "none: no row looks ahead"},
    {"far positions", "none: positions stay below T"},
}};

}  // namespace

std::string_view point_name(ProbePoint point) {
  return kTexts[static_cast<std::size_t>(point)].name;
}

std::string_view cost_of_refusal(ProbePoint point) {
  return kTexts[static_cast<std::size_t>(point)].cost;
}

std::string_view verdict_name(Verdict verdict) {
  switch (verdict) {
    case Verdict::kUntested:
      return "untested";
    case Verdict::kExact:
      return "exact";
    case Verdict::kClose:
      return "close";
    case Verdict::kRefused:
      break;
  }
  return "refused";
}

Finding finding_of(double ulps) {
  if (ulps == 0.0) return {Verdict::kExact, 0.0};
  return {ulps <= kCloseUlps ? Verdict::kClose : Verdict::kRefused, ulps};
}

ProbeReport nothing_trusted() {
  ProbeReport report;
  for (std::size_t point = 0; point < kDecidingPoints; ++point) {
    report.findings[point] = {Verdict::kRefused, std::numeric_limits<double>::infinity()};
  }
  return report;
}

std::string describe(const ProbeReport& report) {
  std::string text;
  for (const Verdict verdict :
       {Verdict::kRefused, Verdict::kClose, Verdict::kExact, Verdict::kUntested}) {
    std::string points;
    for (std::size_t i = 0; i < kProbePoints; ++i) {
      const Finding& finding = report.findings[i];
      if (finding.verdict != verdict) continue;
      points += fmt::format("{}{}", points.empty() ? "" : ", ", kTexts[i].name);
      if (finding.ulps > 0.0) points += fmt::format(" ({:.3g} ulp)", finding.ulps);
    }
    if (points.empty()) continue;
    text += fmt::format("{}{}: {}", text.empty() ? "" : "; ", verdict_name(verdict), points);
  }
  return text;
}

StepOptions step_options(const ProbeReport& report, OrderChoice order, const StepOptions& wanted) {
  StepOptions options = wanted;
  if (report.refuses(ProbePoint::kWideHead)) options.wide_head = false;
  if (order == OrderChoice::kVendor ||
      (order == OrderChoice::kAuto && report.refuses(ProbePoint::kChained))) {
    options.order = StepOrder::kVendor;
  }
  if (report.refuses(ProbePoint::kQueued)) options.submission = Submission::kBlocking;
  if (report.refuses(ProbePoint::kInPlace)) options.cell_writes = CellWrites::kCopy;
  return options;
}

GeneratorOptions generator_options(const ProbeReport& report, const package::LayerShape& shape,
                                   const GeneratorOptions& wanted) {
  GeneratorOptions options = wanted;
  const bool shared = !report.refuses(ProbePoint::kSharedCells);
  if (!shared || report.refuses(ProbePoint::kPermutedCells)) {
    options.max_running = 1;
    options.prefix_cache = false;
    options.max_banks = 1;
    options.host_cache_bytes = 0;
  }
  if (!shared) {
    options.clear_cells = true;
    options.max_drafts = 0;  // Rows of guesses that did not hold would stay in hidden cells.
  }
  if (report.refuses(ProbePoint::kMixedChunks)) options.mixed_steps = false;
  if (report.refuses(ProbePoint::kChunkRows)) {
    for (std::size_t group = 0; group < shape.groups.size(); ++group) {
      if (!shape.groups[group].decode()) options.refused_groups.push_back(group);
    }
  }
  return options;
}

}  // namespace axle::llm
