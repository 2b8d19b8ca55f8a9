#include "api/openai/errors.h"

#include <gtest/gtest.h>

namespace axle::api {
namespace {

std::string header(const http::Response& response, std::string_view name) {
  return std::string(http::find_header(response.headers, name).value_or("none"));
}

TEST(ErrorsTest, InvalidRequestsAreNotToBeRetried) {
  const http::Response response =
      error_response({invalid_argument("no \"x\""), "x", ""}, std::chrono::seconds(3));
  EXPECT_EQ(response.status, 400);
  EXPECT_EQ(
      response.body,
      R"({"error":{"message":"no \"x\"","type":"invalid_request_error","param":"x","code":null}})");
  EXPECT_EQ(header(response, "x-should-retry"), "false");
  EXPECT_EQ(header(response, "retry-after"), "none");
}

TEST(ErrorsTest, BusyServerSaysWhenToComeBack) {
  const http::Response response =
      error_response({exhausted("full"), "", ""}, std::chrono::seconds(7));
  EXPECT_EQ(response.status, 429);
  EXPECT_EQ(header(response, "retry-after"), "7");
  EXPECT_EQ(header(response, "x-should-retry"), "true");
}

TEST(ErrorsTest, EveryFailureHasAnHttpErrorStatus) {
  for (const Code code : {Code::kInvalidArgument, Code::kNotFound, Code::kExhausted,
                          Code::kUnavailable, Code::kDeadlineExceeded, Code::kCancelled,
                          Code::kCardLost, Code::kCorrupt, Code::kUnsupported, Code::kInternal}) {
    EXPECT_GE(error_shape(code).http_status, 400) << code_name(code);
    EXPECT_NE(std::string(error_shape(code).type), "") << code_name(code);
  }
}

TEST(ErrorsTest, OwnCodeOfAnErrorWinsOverTheTable) {
  EXPECT_NE(error_object({not_found("x"), "model", "model_not_found"})
                .find("\"code\":\"model_not_found\""),
            std::string::npos);
}

}  // namespace
}  // namespace axle::api
