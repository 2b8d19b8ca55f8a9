#include "app/progress.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <utility>

namespace axle::app {
namespace {

constexpr int kBarCells = 24;
constexpr std::chrono::milliseconds kTerminalInterval{100};
constexpr std::chrono::milliseconds kLogInterval{3000};

}  // namespace

std::string size_text(std::uint64_t bytes) {
  constexpr std::array<const char*, 4> kUnits{"KiB", "MiB", "GiB", "TiB"};
  if (bytes < 1024) return fmt::format("{} B", bytes);
  double value = static_cast<double>(bytes) / 1024;
  std::size_t unit = 0;
  while (value >= 1024 && unit + 1 < kUnits.size()) {
    value /= 1024;
    ++unit;
  }
  return fmt::format("{:.{}f} {}", value, value < 10 ? 1 : 0, kUnits[unit]);
}

std::string bar_text(std::string_view title, double share, std::string_view note,
                     std::chrono::seconds elapsed) {
  share = std::clamp(share, 0.0, 1.0);
  const auto filled = static_cast<int>(share * kBarCells);
  std::string text =
      fmt::format("{} [{}{}] {:3.0f} %", title, std::string(static_cast<std::size_t>(filled), '#'),
                  std::string(static_cast<std::size_t>(kBarCells - filled), '.'), share * 100);
  if (elapsed >= std::chrono::seconds(2) && share > 0.02 && share < 1) {
    const double left = static_cast<double>(elapsed.count()) * (1 - share) / share;
    text += fmt::format("  {:.0f} s left", left);
  }
  return note.empty() ? text : fmt::format("{}  {}", text, note);
}

ProgressBar::ProgressBar(std::string title)
    : title_(std::move(title)),
      terminal_(::isatty(STDERR_FILENO) == 1),
      begun_(Clock::now()),
      last_(begun_) {}

ProgressBar::~ProgressBar() {
  if (open_) std::fputs("\n", stderr);
}

void ProgressBar::update(std::uint64_t done, std::uint64_t total, std::string_view note) {
  const auto now = Clock::now();
  const bool complete = total != 0 && done >= total;
  if (!complete && now - last_ < (terminal_ ? kTerminalInterval : kLogInterval)) return;
  last_ = now;
  const double share = total == 0 ? 0 : static_cast<double>(done) / static_cast<double>(total);
  const auto elapsed = std::chrono::duration_cast<std::chrono::seconds>(now - begun_);
  const std::string text = bar_text(title_, share, note, elapsed);
  if (terminal_) {
    fmt::print(stderr, "\r\033[K{}", text);
    open_ = true;
  } else {
    fmt::print(stderr, "{}\n", text);
  }
  std::fflush(stderr);
}

}  // namespace axle::app
