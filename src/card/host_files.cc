#include "card/host_files.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>

namespace axle::card {
namespace {

constexpr std::string_view kSpace = " \t\r\n";

std::string_view trimmed(std::string_view text) {
  const std::size_t first = text.find_first_not_of(kSpace);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kSpace) - first + 1);
}

// Takes the text up to `separator` (or all) off the front of `rest`.
std::string_view take(std::string_view& rest, char separator) {
  const std::size_t end = rest.find(separator);
  const std::string_view part = rest.substr(0, end);
  rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
  return part;
}

std::string_view take_word(std::string_view& rest) {
  const std::size_t start = rest.find_first_not_of(kSpace);
  if (start == std::string_view::npos) {
    rest = {};
    return {};
  }
  rest.remove_prefix(start);
  const std::string_view word = rest.substr(0, rest.find_first_of(kSpace));
  rest.remove_prefix(word.size());
  return word;
}

template <typename Number>
std::optional<Number> whole(std::string_view text) {
  Number number{};
  const char* end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc() || rest != end) return std::nullopt;
  return number;
}

// `value` times `unit`, unless that does not fit.
std::optional<std::uint64_t> scaled(std::uint64_t value, std::uint64_t unit) {
  if (value > std::numeric_limits<std::uint64_t>::max() / unit) return std::nullopt;
  return value * unit;
}

}  // namespace

std::vector<std::string> parse_modules(std::string_view text) {
  std::vector<std::string> names;
  while (!text.empty()) {
    std::string_view line = take(text, '\n');
    const std::string_view name = take_word(line);
    if (!name.empty()) names.emplace_back(name);
  }
  return names;
}

std::optional<std::uint64_t> parse_meminfo_bytes(std::string_view text, std::string_view key) {
  while (!text.empty()) {
    std::string_view line = take(text, '\n');
    if (take(line, ':') != key) continue;
    const std::optional<std::uint64_t> value = whole<std::uint64_t>(take_word(line));
    if (!value) return std::nullopt;
    return scaled(*value, trimmed(line) == "kB" ? 1024 : 1);
  }
  return std::nullopt;
}

std::vector<InterruptLine> parse_interrupts(std::string_view text) {
  std::vector<InterruptLine> lines;
  std::string_view header = take(text, '\n');
  std::size_t cores = 0;
  while (!take_word(header).empty()) ++cores;
  while (!text.empty()) {
    std::string_view rest = take(text, '\n');
    InterruptLine line;
    line.number = trimmed(take(rest, ':'));
    while (line.per_core.size() < cores) {
      std::string_view after = rest;
      const std::optional<std::uint64_t> count = whole<std::uint64_t>(take_word(after));
      if (!count) break;
      line.per_core.push_back(*count);
      rest = after;
    }
    line.name = trimmed(rest);
    if (!line.number.empty()) lines.push_back(std::move(line));
  }
  return lines;
}

std::optional<double> parse_link_speed(std::string_view text) {
  const std::string_view word = take_word(text);
  double speed = 0.0;
  const char* end = word.data() + word.size();
  const auto [rest, error] = std::from_chars(word.data(), end, speed);
  if (error != std::errc() || rest != end || !std::isfinite(speed) || speed <= 0.0) {
    return std::nullopt;
  }
  return speed;
}

std::optional<Version> parse_version(std::string_view text) {
  text = trimmed(text);
  if (text.starts_with('V') || text.starts_with('v')) text.remove_prefix(1);
  text = text.substr(0, text.find_first_not_of("0123456789."));
  const std::optional<std::int32_t> major = whole<std::int32_t>(take(text, '.'));
  const std::optional<std::int32_t> minor = whole<std::int32_t>(take(text, '.'));
  if (!major || !minor) return std::nullopt;
  const std::optional<std::int32_t> patch = whole<std::int32_t>(take(text, '.'));
  return Version{*major, *minor, patch.value_or(0)};
}

std::optional<std::int64_t> parse_number(std::string_view text) {
  return whole<std::int64_t>(trimmed(text));
}

std::vector<std::string> parse_config_txt(std::string_view text) {
  std::vector<std::string> settings;
  while (!text.empty()) {
    std::string_view line = take(text, '\n');
    line = trimmed(take(line, '#'));
    if (!line.empty()) settings.emplace_back(line);
  }
  return settings;
}

std::optional<std::uint64_t> parse_cma_option(std::string_view command_line) {
  constexpr std::string_view kKey = "cma=";
  while (!command_line.empty()) {
    std::string_view word = take_word(command_line);
    if (!word.starts_with(kKey)) continue;
    word.remove_prefix(kKey.size());
    word = word.substr(0, word.find_first_of("@-"));
    std::uint64_t unit = 1;
    if (word.ends_with('K') || word.ends_with('k')) unit = std::uint64_t{1} << 10;
    if (word.ends_with('M') || word.ends_with('m')) unit = std::uint64_t{1} << 20;
    if (word.ends_with('G') || word.ends_with('g')) unit = std::uint64_t{1} << 30;
    if (unit != 1) word.remove_suffix(1);
    const std::optional<std::uint64_t> value = whole<std::uint64_t>(word);
    return value ? scaled(*value, unit) : std::nullopt;
  }
  return std::nullopt;
}

}  // namespace axle::card
