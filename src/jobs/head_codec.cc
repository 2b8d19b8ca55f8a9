#include "jobs/head_codec.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <bit>

#include "jobs/little_endian.h"

namespace axle::jobs {
namespace {

constexpr std::string_view kFinishNames[] = {"stop", "length"};
constexpr std::string_view kNoiseNames[] = {"vendor", "service"};

// The numbers of Code in frames are those of the enumeration: both ends are the same program.
constexpr auto kLastCode = static_cast<std::uint8_t>(Code::kInternal);

}  // namespace

void HeadWriter::fail(std::string_view key, std::string_view what) {
  if (error_.ok()) error_ = invalid_argument(fmt::format("field \"{}\" {}", key, what));
}

void HeadWriter::field(std::string_view key, const std::optional<double>& value) {
  if (!value) {
    head_[key] = nullptr;
    return;
  }
  field(key, *value);
}

void HeadWriter::field(std::string_view key, const Finish& value) {
  head_[key] = kFinishNames[static_cast<std::size_t>(value)];
}

void HeadWriter::field(std::string_view key, const NoiseOrder& value) {
  head_[key] = kNoiseNames[static_cast<std::size_t>(value)];
}

void HeadWriter::field(std::string_view key, const Status& value) {
  head_[key] = {static_cast<std::int64_t>(value.code()), value.message(), value.vendor_code()};
}

void HeadWriter::field(std::string_view key, const std::vector<TokenId>& value) {
  head_[key] = value.size();
  for (const TokenId id : value) append_little_endian(tail_, static_cast<std::uint32_t>(id));
}

void HeadWriter::field(std::string_view key, const std::vector<std::uint8_t>& value) {
  head_[key] = value.size();
  tail_.append(reinterpret_cast<const char*>(value.data()), value.size());
}

void HeadWriter::field(std::string_view key, const std::vector<float>& value) {
  head_[key] = value.size();
  for (const float number : value) {
    if (!std::isfinite(number)) fail(key, "has a number that is not finite");
    append_little_endian(tail_, std::bit_cast<std::uint32_t>(number));
  }
}

void HeadWriter::field(std::string_view key, const std::vector<std::pair<TokenId, float>>& value) {
  head_[key] = value.size();
  for (const auto& [id, bias] : value) {
    if (!std::isfinite(bias)) fail(key, "has a number that is not finite");
    append_little_endian(tail_, static_cast<std::uint32_t>(id));
    append_little_endian(tail_, std::bit_cast<std::uint32_t>(bias));
  }
}

void HeadReader::fail(std::string_view key, std::string_view what) {
  if (error_.ok()) error_ = corrupt(fmt::format("field \"{}\": {}", key, what));
}

const boost::json::value* HeadReader::find(std::string_view key) {
  if (!error_.ok()) return nullptr;
  const boost::json::value* found = head_.if_contains(key);
  if (found == nullptr) fail(key, "missing");
  ++fields_;
  return found;
}

bool HeadReader::read_double(std::string_view key, double& value) {
  const boost::json::value* found = find(key);
  if (found == nullptr) return false;
  boost::json::error_code error;
  const double number = found->to_number<double>(error);
  if (error || !std::isfinite(number)) {
    fail(key, "wanted a finite number");
    return false;
  }
  value = number;
  return true;
}

void HeadReader::field(std::string_view key, std::string& value) {
  const boost::json::value* found = find(key);
  if (found == nullptr) return;
  if (!found->is_string()) return fail(key, "wanted a string");
  const boost::json::string& text = found->get_string();
  value.assign(text.data(), text.size());
}

void HeadReader::field(std::string_view key, std::optional<double>& value) {
  const boost::json::value* found = error_.ok() ? head_.if_contains(key) : nullptr;
  if (found != nullptr && found->is_null()) {
    ++fields_;
    value.reset();
    return;
  }
  double number = 0.0;
  if (read_double(key, number)) value = number;
}

std::optional<std::size_t> HeadReader::read_name(std::string_view key,
                                                 std::span<const std::string_view> names) {
  std::string name;
  field(key, name);
  if (!error_.ok()) return std::nullopt;
  const auto found = std::ranges::find(names, name);
  if (found == names.end()) {
    fail(key, fmt::format("wanted one of \"{}\", found \"{}\"", fmt::join(names, "\", \""), name));
    return std::nullopt;
  }
  return static_cast<std::size_t>(found - names.begin());
}

void HeadReader::field(std::string_view key, Finish& value) {
  if (const auto index = read_name(key, kFinishNames)) value = static_cast<Finish>(*index);
}

void HeadReader::field(std::string_view key, NoiseOrder& value) {
  if (const auto index = read_name(key, kNoiseNames)) value = static_cast<NoiseOrder>(*index);
}

void HeadReader::field(std::string_view key, Status& value) {
  const boost::json::value* found = find(key);
  if (found == nullptr) return;
  constexpr std::string_view kWanted = "wanted [code, text, vendor code]";
  if (!found->is_array() || found->get_array().size() != 3) return fail(key, kWanted);
  const boost::json::array& parts = found->get_array();
  boost::json::error_code code_error;
  boost::json::error_code vendor_error;
  const auto code = parts[0].to_number<std::uint8_t>(code_error);
  const auto vendor_code = parts[2].to_number<std::int32_t>(vendor_error);
  if (code_error || vendor_error || code > kLastCode || !parts[1].is_string())
    return fail(key, kWanted);
  const boost::json::string& text = parts[1].get_string();
  if (code == 0 && (!text.empty() || vendor_code != 0))
    return fail(key, "success has neither text nor vendor code");
  value = code == 0
              ? Status()
              : Status(static_cast<Code>(code), std::string(text.data(), text.size()), vendor_code);
}

std::string_view HeadReader::take(std::string_view key, std::size_t size, std::size_t& count) {
  count = 0;
  std::uint32_t wanted = 0;
  field(key, wanted);
  if (!error_.ok()) return {};
  if (wanted > tail_.size() / size) {
    fail(key, fmt::format("wanted {} elements of {} bytes, {} bytes of the tail are left", wanted,
                          size, tail_.size()));
    return {};
  }
  count = wanted;
  const std::string_view bytes = tail_.substr(0, wanted * size);
  tail_.remove_prefix(bytes.size());
  return bytes;
}

void HeadReader::field(std::string_view key, std::vector<TokenId>& value) {
  std::size_t count = 0;
  const std::string_view bytes = take(key, 4, count);
  value.resize(count);
  for (std::size_t i = 0; i < count; ++i)
    value[i] = static_cast<TokenId>(read_little_endian<std::uint32_t>(bytes.substr(4 * i)));
}

void HeadReader::field(std::string_view key, std::vector<std::uint8_t>& value) {
  std::size_t count = 0;
  const std::string_view bytes = take(key, 1, count);
  value.assign(bytes.begin(), bytes.end());
}

void HeadReader::field(std::string_view key, std::vector<float>& value) {
  std::size_t count = 0;
  const std::string_view bytes = take(key, 4, count);
  value.resize(count);
  for (std::size_t i = 0; i < count; ++i) {
    value[i] = std::bit_cast<float>(read_little_endian<std::uint32_t>(bytes.substr(4 * i)));
    if (!std::isfinite(value[i])) return fail(key, "has a number that is not finite");
  }
}

void HeadReader::field(std::string_view key, std::vector<std::pair<TokenId, float>>& value) {
  std::size_t count = 0;
  const std::string_view bytes = take(key, 8, count);
  value.resize(count);
  for (std::size_t i = 0; i < count; ++i) {
    const auto id = read_little_endian<std::uint32_t>(bytes.substr(8 * i));
    const auto bias =
        std::bit_cast<float>(read_little_endian<std::uint32_t>(bytes.substr(8 * i + 4)));
    if (!std::isfinite(bias)) return fail(key, "has a number that is not finite");
    value[i] = {static_cast<TokenId>(id), bias};
  }
}

Status HeadReader::finish() const {
  if (!error_.ok()) return error_;
  if (fields_ != head_.size())
    return corrupt(fmt::format("wanted {} fields, found {}", fields_, head_.size()));
  if (!tail_.empty())
    return corrupt(fmt::format("{} bytes of the tail are too many", tail_.size()));
  return Status();
}

}  // namespace axle::jobs
