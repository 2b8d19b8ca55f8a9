#include "llm/request_check.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace axle::llm {
namespace {

using ::testing::HasSubstr;

constexpr ModelLimits kLimits{.vocab_size = 10, .context_tokens = 8};

GenerateRequest good() {
  GenerateRequest request;
  request.prompt = {1, 2, 3};
  request.max_new_tokens = 4;
  return request;
}

Status check(const GenerateRequest& request) { return check_request(request, kLimits); }

TEST(RequestCheckTest, AcceptsAGoodRequest) { EXPECT_EQ(check(good()), Status()); }

TEST(RequestCheckTest, RefusesAnEmptyPrompt) {
  GenerateRequest request = good();
  request.prompt.clear();
  EXPECT_EQ(check(request).code(), Code::kInvalidArgument);
}

TEST(RequestCheckTest, RefusesAPromptThatLeavesNoRoomAndNamesBothNumbers) {
  GenerateRequest request = good();
  request.prompt.assign(7, 1);
  EXPECT_EQ(check(request), Status());
  request.prompt.assign(8, 1);
  const Status status = check(request);
  EXPECT_EQ(status.code(), Code::kInvalidArgument);
  EXPECT_THAT(status.message(), HasSubstr("has 8 tokens"));
  EXPECT_THAT(status.message(), HasSubstr("context of 8 tokens"));
}

TEST(RequestCheckTest, RefusesAnAnswerSoFarThatIsLongerThanTheContext) {
  GenerateRequest request = good();
  request.generated.assign(5, 1);
  EXPECT_EQ(check(request), Status());
  request.generated.assign(6, 1);
  EXPECT_EQ(check(request).code(), Code::kInvalidArgument);
}

TEST(RequestCheckTest, RefusesTokensThatTheModelDoesNotHave) {
  for (const TokenId token : {-1, 10}) {
    GenerateRequest request = good();
    request.prompt.push_back(token);
    EXPECT_EQ(check(request).code(), Code::kInvalidArgument);
    request = good();
    request.generated.push_back(token);
    EXPECT_EQ(check(request).code(), Code::kInvalidArgument);
  }
}

TEST(RequestCheckTest, RefusesToWriteNoToken) {
  GenerateRequest request = good();
  request.max_new_tokens = 0;
  EXPECT_EQ(check(request).code(), Code::kInvalidArgument);
}

TEST(RequestCheckTest, RefusesSamplingOptionsOutOfRange) {
  GenerateRequest request = good();
  request.sampling.logit_bias = {{10, 1.0f}};
  EXPECT_EQ(check(request).code(), Code::kInvalidArgument);
}

TEST(RequestCheckTest, RefusesMoreLogprobsThanThereMayBe) {
  GenerateRequest request = good();
  for (const std::int32_t top : {-1, 0, 20}) {
    request.top_logprobs = top;
    EXPECT_EQ(check(request), Status());
  }
  for (const std::int32_t top : {-2, 21}) {
    request.top_logprobs = top;
    EXPECT_EQ(check(request).code(), Code::kInvalidArgument);
  }
}

TEST(RequestCheckTest, TextIsCompleteAtItsCapOrAtTheEndOfTheContext) {
  GenerateRequest request = good();
  EXPECT_FALSE(is_complete(request, 3, kLimits));
  EXPECT_TRUE(is_complete(request, 4, kLimits));
  request.max_new_tokens = 100;
  EXPECT_FALSE(is_complete(request, 4, kLimits));
  EXPECT_TRUE(is_complete(request, 5, kLimits));
}

}  // namespace
}  // namespace axle::llm
