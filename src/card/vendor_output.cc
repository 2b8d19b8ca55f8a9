#include "card/vendor_output.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <optional>

namespace axle::card {
namespace {

constexpr std::size_t kLongestLine = 4096;  // The library cuts its messages at 1024 bytes.

// Takes "[field]" off the front of `rest`.
std::optional<std::string_view> take_field(std::string_view& rest) {
  if (rest.empty() || rest.front() != '[') return std::nullopt;
  const std::size_t end = rest.find(']');
  if (end == std::string_view::npos) return std::nullopt;
  const std::string_view field = rest.substr(1, end - 1);
  rest.remove_prefix(end + 1);
  return field;
}

LogLevel level_of(std::string_view letter) {
  if (letter == "T") return LogLevel::kTrace;
  if (letter == "D") return LogLevel::kDebug;
  if (letter == "W") return LogLevel::kWarn;
  if (letter == "E" || letter == "C") return LogLevel::kError;
  return LogLevel::kInfo;
}

// Without terminal colours (ESC [ ... m) and control characters.
std::string printable(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\x1b' && i + 1 < text.size() && text[i + 1] == '[') {
      const std::size_t end = text.find('m', i);
      if (end == std::string_view::npos) break;
      i = end;
    } else if (static_cast<unsigned char>(text[i]) >= 0x20 && text[i] != '\x7f') {
      out += text[i];
    }
  }
  return out;
}

Status no_descriptor(const char* what) {
  return unavailable(
      fmt::format("cannot move standard output aside: {}: {}", what, std::strerror(errno)));
}

}  // namespace

VendorLine parse_vendor_line(std::string_view line) {
  std::string_view rest = line;
  std::array<std::string_view, 6> fields;  // date, thread, level, module, function, line
  for (std::string_view& field : fields) {
    const std::optional<std::string_view> taken = take_field(rest);
    if (!taken) return {LogLevel::kInfo, printable(line)};
    field = *taken;
  }
  if (rest.substr(0, 1) == ":") rest.remove_prefix(1);
  while (!rest.empty() && rest.front() == ' ') rest.remove_prefix(1);
  return {level_of(fields[2]), printable(fmt::format("{}: {}", fields[3], rest))};
}

Result<std::unique_ptr<StdoutRedirect>> StdoutRedirect::create(VendorOutput output) {
  std::unique_ptr<StdoutRedirect> redirect(new StdoutRedirect);
  if (output == VendorOutput::kKeep) return redirect;
  std::fflush(stdout);
  redirect->saved_ = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
  if (redirect->saved_ < 0) return no_descriptor("dup");
  if (output == VendorOutput::kLog) {
    AXLE_TRY(redirect->start_reader());
  } else if (dup2(STDERR_FILENO, STDOUT_FILENO) < 0) {
    return no_descriptor("dup2");
  }
  return redirect;
}

Status StdoutRedirect::start_reader() {
  std::array<int, 2> ends{};
  if (pipe2(ends.data(), O_CLOEXEC) != 0) return no_descriptor("pipe");
  lines_ = ends[0];
  stop_ = eventfd(0, EFD_CLOEXEC);
  const bool moved = stop_ >= 0 && dup2(ends[1], STDOUT_FILENO) >= 0;
  close(ends[1]);
  if (!moved) return no_descriptor("dup2");
  fcntl(lines_, F_SETFL, O_NONBLOCK);
  reader_ = std::thread([this] { read_lines(); });
  return {};
}

StdoutRedirect::~StdoutRedirect() {
  if (saved_ >= 0) {
    std::fflush(stdout);
    dup2(saved_, STDOUT_FILENO);
  }
  if (reader_.joinable()) {
    const std::uint64_t one = 1;
    if (::write(stop_, &one, sizeof one) == sizeof one)
      reader_.join();
    else
      reader_.detach();
  }
  for (const int descriptor : {saved_, lines_, stop_}) {
    if (descriptor >= 0) close(descriptor);
  }
}

void StdoutRedirect::read_lines() {
  std::string pending;
  std::array<char, 4096> block{};
  std::array<pollfd, 2> waits = {pollfd{lines_, POLLIN, 0}, pollfd{stop_, POLLIN, 0}};
  while (true) {
    if (poll(waits.data(), waits.size(), -1) < 0 && errno != EINTR) break;
    const ssize_t got = ::read(lines_, block.data(), block.size());
    if (got > 0) {
      pending.append(block.data(), static_cast<std::size_t>(got));
      log_lines(pending, pending.size() > kLongestLine);
      continue;
    }
    // Nothing more to read: end when told to, or when nobody holds the other end.
    if (got == 0 || (waits[1].revents & POLLIN) != 0) break;
  }
  log_lines(pending, true);
}

void StdoutRedirect::log_lines(std::string& pending, bool all) {
  std::size_t start = 0;
  while (start < pending.size()) {
    std::size_t end = pending.find('\n', start);
    if (end == std::string::npos && !all) break;
    if (end == std::string::npos) end = pending.size();
    const VendorLine line = parse_vendor_line(std::string_view(pending).substr(start, end - start));
    if (!line.text.empty()) AXLE_LOG(line.level, "axcl", "{}", line.text);
    start = end + 1;
  }
  pending.erase(0, start);
}

}  // namespace axle::card
