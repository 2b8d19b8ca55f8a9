#include "base/metrics.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace axle::metrics {
namespace {

std::string braces(std::string_view labels) {
  return labels.empty() ? std::string() : fmt::format("{{{}}}", labels);
}

void render_histogram(std::string_view name, std::string_view labels, const Histogram& histogram,
                      std::string& out) {
  const std::string_view comma = labels.empty() ? "" : ",";
  std::uint64_t total = 0;
  for (std::size_t i = 0; i < histogram.bounds().size(); ++i) {
    total += histogram.in_bucket(i);
    out += fmt::format("{}_bucket{{{}{}le=\"{}\"}} {}\n", name, labels, comma,
                       histogram.bounds()[i], total);
  }
  total += histogram.in_bucket(histogram.bounds().size());
  out += fmt::format("{}_bucket{{{}{}le=\"+Inf\"}} {}\n", name, labels, comma, total);
  out += fmt::format("{}_sum{} {}\n", name, braces(labels), histogram.sum());
  out += fmt::format("{}_count{} {}\n", name, braces(labels), total);
}

}  // namespace

Histogram::Histogram(std::vector<double> bounds) : bounds_(std::move(bounds)) {
  for (std::size_t i = 0; i <= bounds_.size(); ++i) buckets_.emplace_back();
}

void Histogram::observe(double value) {
  const auto bucket = std::lower_bound(bounds_.begin(), bounds_.end(), value) - bounds_.begin();
  buckets_[static_cast<std::size_t>(bucket)].add();
  double sum = sum_.load(std::memory_order_relaxed);
  while (!sum_.compare_exchange_weak(sum, sum + value, std::memory_order_relaxed)) {
  }
}

std::string label(std::string_view name, std::string_view value) {
  std::string escaped;
  for (const char c : value) {
    if (c == '\\' || c == '"') escaped += '\\';
    if (c == '\n') {
      escaped += "\\n";
    } else {
      escaped += c;
    }
  }
  return fmt::format("{}=\"{}\"", name, escaped);
}

Registry::Family& Registry::family(std::string_view name, std::string_view help,
                                   std::string_view type) {
  for (Family& known : families_) {
    if (known.name == name) return known;
  }
  Family& added = families_.emplace_back();
  added.name = name;
  added.help = help;
  added.type = type;
  return added;
}

Counter& Registry::counter(std::string_view name, std::string_view help, std::string labels) {
  const MutexLock lock(mutex_);
  Member& member = family(name, help, "counter").members.emplace_back();
  member.labels = std::move(labels);
  return member.counter;
}

Histogram& Registry::histogram(std::string_view name, std::string_view help,
                               std::vector<double> bounds, std::string labels) {
  const MutexLock lock(mutex_);
  std::deque<Series>& series = family(name, help, "histogram").series;
  return series.emplace_back(std::move(labels), std::move(bounds)).histogram;
}

void Registry::callback(Kind kind, std::string_view name, std::string_view help,
                        std::function<std::vector<Sample>()> read) {
  const MutexLock lock(mutex_);
  family(name, help, kind == Kind::kCounter ? "counter" : "gauge").read = std::move(read);
}

std::string Registry::render() const {
  const MutexLock lock(mutex_);
  std::string out;
  for (const Family& family : families_) {
    out += fmt::format("# HELP {} {}\n# TYPE {} {}\n", family.name, family.help, family.name,
                       family.type);
    for (const Member& member : family.members) {
      out += fmt::format("{}{} {}\n", family.name, braces(member.labels), member.counter.value());
    }
    for (const Series& series : family.series) {
      render_histogram(family.name, series.labels, series.histogram, out);
    }
    if (!family.read) continue;
    for (const Sample& sample : family.read()) {
      out += fmt::format("{}{} {}\n", family.name, braces(sample.labels), sample.value);
    }
  }
  return out;
}

}  // namespace axle::metrics
