#include "base/metrics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace axle::metrics {
namespace {

using testing::HasSubstr;

TEST(MetricsTest, CountersOfOneFamilyShareTheirHeader) {
  Registry registry;
  registry.counter("axle_requests_total", "Requests.", label("status", "200")).add(3);
  registry.counter("axle_requests_total", "Requests.", label("status", "404")).add();
  EXPECT_EQ(registry.render(),
            "# HELP axle_requests_total Requests.\n# TYPE axle_requests_total counter\n"
            "axle_requests_total{status=\"200\"} 3\naxle_requests_total{status=\"404\"} 1\n");
}

TEST(MetricsTest, HistogramBucketsAreCumulativeAndTheirBoundsInclusive) {
  Registry registry;
  Histogram& histogram = registry.histogram("axle_wait_seconds", "Wait.", {0.5, 1});
  for (const double value : {0.25, 0.5, 0.75, 4.0}) histogram.observe(value);
  const std::string text = registry.render();
  EXPECT_THAT(text, HasSubstr("axle_wait_seconds_bucket{le=\"0.5\"} 2\n"));
  EXPECT_THAT(text, HasSubstr("axle_wait_seconds_bucket{le=\"1\"} 3\n"));
  EXPECT_THAT(text, HasSubstr("axle_wait_seconds_bucket{le=\"+Inf\"} 4\n"));
  EXPECT_THAT(text, HasSubstr("axle_wait_seconds_sum 5.5\naxle_wait_seconds_count 4\n"));
}

TEST(MetricsTest, CallbackIsAskedAtEachScrape) {
  Registry registry;
  double value = 1;
  registry.callback(Kind::kGauge, "axle_jobs", "Jobs.", [&value] {
    return std::vector<Sample>{{label("model", "a"), value}};
  });
  EXPECT_THAT(registry.render(), HasSubstr("axle_jobs{model=\"a\"} 1\n"));
  value = 2;
  EXPECT_THAT(registry.render(), HasSubstr("axle_jobs{model=\"a\"} 2\n"));
}

TEST(MetricsTest, LabelValuesAreEscaped) {
  EXPECT_EQ(label("model", "a\"b\\c\nd"), "model=\"a\\\"b\\\\c\\nd\"");
}

}  // namespace
}  // namespace axle::metrics
