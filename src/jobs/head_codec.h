#pragma once

#include <boost/json.hpp>
#include <chrono>
#include <cmath>
#include <concepts>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/status.h"
#include "jobs/job.h"

// Reading and writing one message's head and tail. Private to this room: message_fields.h names the
// fields of each message once, and both classes below walk over them.
namespace axle::jobs {

// Collects the fields of a message into a JSON object and a tail.
class HeadWriter {
 public:
  template <std::integral T>
  void field(std::string_view key, const T& value) {
    head_[key] = value;
  }
  template <std::floating_point T>
  void field(std::string_view key, const T& value) {
    if (!std::isfinite(value)) fail(key, "is not a finite number");
    head_[key] = static_cast<double>(value);
  }
  template <typename Rep, typename Period>
  void field(std::string_view key, const std::chrono::duration<Rep, Period>& value) {
    head_[key] = value.count();
  }
  void field(std::string_view key, const std::string& value) { head_[key] = value; }
  void field(std::string_view key, const std::optional<double>& value);
  void field(std::string_view key, const Finish& value);
  void field(std::string_view key, const Status& value);
  void field(std::string_view key, const NoiseOrder& value);
  void field(std::string_view key, const std::vector<TokenId>& value);
  void field(std::string_view key, const std::vector<std::uint8_t>& value);
  void field(std::string_view key, const std::vector<float>& value);
  void field(std::string_view key, const std::vector<std::pair<TokenId, float>>& value);

  const Status& error() const { return error_; }
  std::string head() const { return boost::json::serialize(head_); }
  const std::string& tail() const { return tail_; }

 private:
  void fail(std::string_view key, std::string_view what);

  boost::json::object head_;
  std::string tail_;
  Status error_;
};

// Fills the fields of a message from a JSON object and a tail. Strict: every field must be there,
// of its kind and in its range, and nothing else. Keeps the first error.
class HeadReader {
 public:
  HeadReader(const boost::json::object& head, std::string_view tail) : head_(head), tail_(tail) {}

  template <std::integral T>
  void field(std::string_view key, T& value) {
    const boost::json::value* found = find(key);
    if (found == nullptr) return;
    if constexpr (std::same_as<T, bool>) {
      if (!found->is_bool()) return fail(key, "wanted true or false");
      value = found->get_bool();
    } else {
      boost::json::error_code error;
      const T number = found->to_number<T>(error);
      if (error || found->is_double()) return fail(key, "wanted a whole number in range");
      value = number;
    }
  }
  template <std::floating_point T>
  void field(std::string_view key, T& value) {
    double number = 0.0;
    if (!read_double(key, number)) return;
    if (std::abs(number) > static_cast<double>(std::numeric_limits<T>::max()))
      return fail(key, "wanted a number in range");
    value = static_cast<T>(number);
  }
  template <typename Rep, typename Period>
  void field(std::string_view key, std::chrono::duration<Rep, Period>& value) {
    Rep count = 0;
    field(key, count);
    value = std::chrono::duration<Rep, Period>(count);
  }
  void field(std::string_view key, std::string& value);
  void field(std::string_view key, std::optional<double>& value);
  void field(std::string_view key, Finish& value);
  void field(std::string_view key, Status& value);
  void field(std::string_view key, NoiseOrder& value);
  void field(std::string_view key, std::vector<TokenId>& value);
  void field(std::string_view key, std::vector<std::uint8_t>& value);
  void field(std::string_view key, std::vector<float>& value);
  void field(std::string_view key, std::vector<std::pair<TokenId, float>>& value);

  // The first error, and kCorrupt when head or tail have more than was read.
  Status finish() const;

 private:
  const boost::json::value* find(std::string_view key);
  bool read_double(std::string_view key, double& value);
  // The place of a name among `names`.
  std::optional<std::size_t> read_name(std::string_view key,
                                       std::span<const std::string_view> names);
  // The next `count` elements of `size` bytes, as the head says; empty after an error.
  std::string_view take(std::string_view key, std::size_t size, std::size_t& count);
  void fail(std::string_view key, std::string_view what);

  const boost::json::object& head_;
  std::string_view tail_;
  std::size_t fields_ = 0;
  Status error_;
};

}  // namespace axle::jobs
