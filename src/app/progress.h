#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

namespace axle::app {

// "1.4 GiB", "94 MiB", "512 B".
std::string size_text(std::uint64_t bytes);

// One line on standard error that shows how far long work is: a bar in a terminal, a line every few
// seconds elsewhere. Writes at most ten times a second.
//
// Threading: one thread at a time.
class ProgressBar {
 public:
  explicit ProgressBar(std::string title);
  ~ProgressBar();  // Ends the line.
  ProgressBar(const ProgressBar&) = delete;
  ProgressBar& operator=(const ProgressBar&) = delete;

  // `done` of `total` in any unit; `note` says what is being done.
  void update(std::uint64_t done, std::uint64_t total, std::string_view note);

 private:
  using Clock = std::chrono::steady_clock;
  std::string title_;
  bool terminal_;
  bool open_ = false;  // A line without its end is on the screen.
  Clock::time_point begun_;
  Clock::time_point last_;
};

// The text of a bar: "title [####....] 42 %  note  12 s left". Pure, for tests.
std::string bar_text(std::string_view title, double share, std::string_view note,
                     std::chrono::seconds elapsed);

}  // namespace axle::app
