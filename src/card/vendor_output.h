#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <thread>

#include "base/log.h"
#include "base/result.h"
#include "card/library.h"

namespace axle::card {

// One line that the vendor's library printed.
struct VendorLine {
  LogLevel level = LogLevel::kInfo;
  std::string text;  // "module: text"; printable characters only.
};

// Reads "[date time][thread][level letter][module][function][line]: text"; any other line is taken
// whole, at level info. Never fails. Source: AXCL runtime V3.10.2, the library's console format.
VendorLine parse_vendor_line(std::string_view line);

// Moves file descriptor 1 aside while the vendor's library is in use, because the library prints
// there. Affects the whole process.
//
// Threading: created and destroyed by one thread; has one thread of its own with kLog.
class StdoutRedirect {
 public:
  // Errors: kUnavailable  no file descriptor left.
  static Result<std::unique_ptr<StdoutRedirect>> create(VendorOutput output);

  ~StdoutRedirect();  // Puts the old standard output back, after the last lines were read.
  StdoutRedirect(const StdoutRedirect&) = delete;
  StdoutRedirect& operator=(const StdoutRedirect&) = delete;

  // The old standard output.
  int original() const { return saved_ >= 0 ? saved_ : 1; }

 private:
  StdoutRedirect() = default;
  Status start_reader();
  void read_lines();
  void log_lines(std::string& pending, bool all);

  int saved_ = -1;  // Owned copy of the old descriptor 1; -1: not moved.
  int lines_ = -1;  // Owned read end of the pipe; -1 unless kLog.
  int stop_ = -1;   // Owned eventfd: time to end.
  std::thread reader_;
};

}  // namespace axle::card
