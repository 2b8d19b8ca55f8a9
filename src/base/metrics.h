#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/mutex.h"

// Figures for Prometheus: counters and histograms that code increments, and values asked for at
// each scrape.
//
// Source: Prometheus text exposition format 0.0.4.
namespace axle::metrics {

// A number that only rises. Threading: safe from any thread.
class Counter {
 public:
  void add(std::uint64_t amount = 1) { value_.fetch_add(amount, std::memory_order_relaxed); }
  std::uint64_t value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::uint64_t> value_{0};
};

// Counts observations in buckets. Threading: safe from any thread.
class Histogram {
 public:
  // REQUIRES: `bounds` rising; each is the upper, inclusive end of a bucket.
  explicit Histogram(std::vector<double> bounds);
  void observe(double value);

  const std::vector<double>& bounds() const { return bounds_; }
  // Observations in bucket `index` alone; index bounds().size() is the one above all bounds.
  std::uint64_t in_bucket(std::size_t index) const { return buckets_[index].value(); }
  double sum() const { return sum_.load(std::memory_order_relaxed); }

 private:
  std::vector<double> bounds_;
  std::deque<Counter> buckets_;  // One more than bounds_; a deque because counters do not move.
  std::atomic<double> sum_{0};
};

// One value of a family that is asked for at each scrape.
struct Sample {
  std::string labels;  // "" or e.g. `model="smollm2"`, escaped by label().
  double value = 0;
};

enum class Kind : std::uint8_t { kCounter, kGauge };

// `name="value"` with the value escaped.
std::string label(std::string_view name, std::string_view value);

// All figures of a process. Objects it hands out live as long as it does.
//
// Threading: safe from any thread. Callbacks run on the thread that renders.
class Registry {
 public:
  // A counter under `name`; called again with another `labels` it makes another member of the
  // family.
  Counter& counter(std::string_view name, std::string_view help, std::string labels = {});
  Histogram& histogram(std::string_view name, std::string_view help, std::vector<double> bounds,
                       std::string labels = {});
  // Values that somebody else keeps; `read` must not call this registry.
  void callback(Kind kind, std::string_view name, std::string_view help,
                std::function<std::vector<Sample>()> read);

  // The text of a scrape.
  std::string render() const;

 private:
  struct Member {
    std::string labels;
    Counter counter;
  };
  struct Series {
    Series(std::string own_labels, std::vector<double> bounds)
        : labels(std::move(own_labels)), histogram(std::move(bounds)) {}
    std::string labels;
    Histogram histogram;
  };
  struct Family {
    std::string name;
    std::string help;
    std::string type;
    std::deque<Member> members;
    std::deque<Series> series;
    std::function<std::vector<Sample>()> read;
  };
  Family& family(std::string_view name, std::string_view help, std::string_view type)
      AXLE_REQUIRES(mutex_);

  mutable Mutex mutex_;
  std::deque<Family> families_ AXLE_GUARDED_BY(mutex_);
};

}  // namespace axle::metrics
