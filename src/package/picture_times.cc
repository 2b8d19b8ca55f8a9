#include "package/picture_times.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <span>
#include <utility>

#include "base/file.h"
#include "package/lcm_schedule.h"
#include "package/npy.h"

namespace axle::package {
namespace {

namespace fs = std::filesystem;

// Of the vendor's files. Source: AXERA-TECH/sd1.5-lcm.axera, launcher.py.
const std::vector<int>& usual_steps() {
  static const std::vector<int> steps = lcm_timesteps(4);
  return steps;
}
const std::vector<int>& usual_late_steps() {
  static const std::vector<int> steps = {499, 259, 0, 0};  // Its last two rows are zeros.
  return steps;
}

// Larger than the rounding between two exports (7e-7 in the vendor's files), smaller than any step.
constexpr float kTolerance = 1e-4f;

bool close(std::span<const float> a, std::span<const float> b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](float x, float y) { return std::abs(x - y) <= kTolerance; });
}

Status add_row(const fs::path& path, std::size_t index, int step, std::span<const float> row,
               TimeRows& rows) {
  if (!std::all_of(row.begin(), row.end(), [](float x) { return std::isfinite(x); })) {
    return corrupt(
        fmt::format("{}: row {} holds a number that is not finite", path.string(), index));
  }
  const auto [entry, fresh] = rows.emplace(step, std::vector<float>(row.begin(), row.end()));
  if (fresh || close(entry->second, row)) return {};
  return corrupt(fmt::format("{}: two different rows are for timestep {}", path.string(), step));
}

// The rows of one file.
Result<TimeRows> read_file_rows(const fs::path& path, const std::vector<int>& steps,
                                std::size_t width, std::vector<std::string>& notes) {
  AXLE_TRY_ASSIGN(const MappedFile file, MappedFile::open(path));
  Result<NpyTable> table = parse_npy(file.bytes());
  if (!table.ok()) return table.status().with_context(path.string());
  if (table->columns != width) {
    return corrupt(fmt::format("{}: its rows have {} numbers, the U-Net takes {}", path.string(),
                               table->columns, width));
  }
  if (table->rows != steps.size()) {
    return corrupt(fmt::format("{}: it has {} rows for {} timesteps ({})", path.string(),
                               table->rows, steps.size(), fmt::join(steps, ", ")));
  }
  TimeRows rows;
  for (std::size_t i = 0; i < table->rows; ++i) {
    const std::span<const float> row = table->row(i);
    if (std::all_of(row.begin(), row.end(), [](float x) { return x == 0.0f; })) {
      notes.push_back(
          fmt::format("row {} of {} is all zeros and is not used", i, path.filename().string()));
      continue;
    }
    AXLE_TRY(add_row(path, i, steps[i], row, rows));
  }
  if (rows.empty()) return corrupt(fmt::format("{}: all rows are zeros", path.string()));
  return rows;
}

}  // namespace

bool same_rows(const TimeRows& a, const TimeRows& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](const auto& x, const auto& y) {
    return x.first == y.first && close(x.second, y.second);
  });
}

Result<TimeRows> read_time_rows(const PictureVariantFiles& files, const PictureConfig& config,
                                std::size_t width, std::vector<std::string>& notes) {
  const std::vector<int>& steps = config.time_steps.empty() ? usual_steps() : config.time_steps;
  if (!files.time_rows) {
    return read_file_rows(*files.late_time_rows, usual_late_steps(), width, notes);
  }
  AXLE_TRY_ASSIGN(TimeRows rows, read_file_rows(*files.time_rows, steps, width, notes));
  if (!files.late_time_rows) return rows;
  std::vector<std::string> expected;  // That its last rows are zeros is how the file is made.
  AXLE_TRY_ASSIGN(const TimeRows late,
                  read_file_rows(*files.late_time_rows, usual_late_steps(), width, expected));
  for (const auto& [step, row] : late) {
    const auto same = rows.find(step);
    if (same == rows.end() || close(same->second, row)) continue;
    return corrupt(fmt::format("{}: its row of timestep {} is not that of {}",
                               files.late_time_rows->string(), step, files.time_rows->string()));
  }
  return rows;
}

}  // namespace axle::package
