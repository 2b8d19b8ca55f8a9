#include "app/exit_code.h"

#include <gtest/gtest.h>

#include <set>

namespace axle::app {
namespace {

TEST(ExitCodeTest, SuccessIsZeroAndWrongUseIsTwo) {
  EXPECT_EQ(exit_code(Status()), 0);
  EXPECT_EQ(exit_code(invalid_argument("x")), 2);
}

TEST(ExitCodeTest, NoFailureLooksLikeSuccess) {
  for (const Code code : {Code::kInvalidArgument, Code::kNotFound, Code::kExhausted,
                          Code::kUnavailable, Code::kDeadlineExceeded, Code::kCancelled,
                          Code::kCardLost, Code::kCorrupt, Code::kUnsupported, Code::kInternal}) {
    EXPECT_GT(exit_code(Status(code, "x")), 0) << code_name(code);
    EXPECT_LT(exit_code(Status(code, "x")), 256) << code_name(code);
  }
}

}  // namespace
}  // namespace axle::app
