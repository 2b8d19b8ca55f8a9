#include "app/bench_report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <boost/json.hpp>

namespace axle::app {
namespace {

using testing::HasSubstr;
using testing::Not;

BenchRow a_row() {
  BenchRow row;
  row.scenario = "shared";
  row.name = "20 clients";
  row.answers = 20;
  row.prompt_tokens = 640;
  row.first_token_ms = 1234.56;
  row.prefill_per_s = 500.25;
  row.aggregate_per_s = 80;
  row.cached_share = 0.5;
  return row;
}

TEST(BenchReportTest, TableShowsFiguresAndADashWhereThereIsNone) {
  const std::string text = table_text("shared: many", {a_row()});
  EXPECT_THAT(text, testing::StartsWith("shared: many\n"));
  EXPECT_THAT(text, HasSubstr("1234.6"));
  EXPECT_THAT(text, HasSubstr("50 %"));
  EXPECT_THAT(text, HasSubstr("  -  "));  // No decode rate.
  EXPECT_THAT(text, Not(HasSubstr("refused")));
}

TEST(BenchReportTest, TableTellsOfRefusedRequests) {
  BenchRow row = a_row();
  row.refused = 3;
  EXPECT_THAT(table_text("t", {row}), HasSubstr("3 more were refused: the server was full"));
}

TEST(BenchReportTest, JsonHasOneObjectPerRowWithWholeCounts) {
  const boost::json::value rows = boost::json::parse(json_text({a_row(), a_row()}));
  ASSERT_EQ(rows.as_array().size(), 2u);
  EXPECT_EQ(rows.at(0).at("scenario"), "shared");
  EXPECT_EQ(rows.at(0).at("case"), "20 clients");
  EXPECT_TRUE(rows.at(0).at("prompt_tokens").is_int64());
  EXPECT_DOUBLE_EQ(rows.at(0).at("first_token_ms").as_double(), 1234.56);
}

TEST(BenchReportTest, CsvHasANameForEveryField) {
  const std::string text = csv_text({a_row()});
  const std::size_t end = text.find('\n');
  const std::string head = text.substr(0, end);
  const std::string row = text.substr(end + 1, text.size() - end - 2);
  EXPECT_EQ(std::count(head.begin(), head.end(), ','), std::count(row.begin(), row.end(), ','));
  EXPECT_THAT(head, testing::StartsWith("scenario,case,answers,"));
  EXPECT_THAT(row, testing::StartsWith("shared,\"20 clients\",20,0,640,1234.560,"));
}

}  // namespace
}  // namespace axle::app
