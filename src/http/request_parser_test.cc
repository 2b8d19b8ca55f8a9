#include "http/request_parser.h"

#include <gtest/gtest.h>

namespace axle::http {
namespace {

using Problem = RequestParser::Problem;
using BodyUse = RequestParser::BodyUse;

constexpr ParserLimits kSmall{.max_header_bytes = 512, .max_body_bytes = 16};

// What the parser makes of `bytes`, fed in pieces of `step`.
Problem problem_of(std::string_view bytes, std::size_t step = 1'000'000,
                   const ParserLimits& limits = kSmall) {
  RequestParser parser(limits);
  for (std::size_t i = 0; i < bytes.size(); i += step) {
    const Status status = parser.feed(bytes.substr(i, step));
    if (status.ok() && parser.head_done()) parser.read_body(BodyUse::kKeep);
    if (!status.ok() || !parser.feed({}).ok()) break;
  }
  return parser.problem();
}

TEST(RequestParserTest, ReadsHeadAndBodyHoweverTheBytesAreCut) {
  const std::string bytes =
      "POST /a?b HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nX-A:  b \r\n\r\nhelloGET";
  for (std::size_t step = 1; step <= bytes.size(); ++step) {
    RequestParser parser(kSmall);
    for (std::size_t i = 0; i < bytes.size(); i += step) {
      ASSERT_TRUE(parser.feed(std::string_view(bytes).substr(i, step)).ok());
      if (parser.head_done()) parser.read_body(BodyUse::kKeep);
    }
    ASSERT_TRUE(parser.feed({}).ok());
    ASSERT_TRUE(parser.done()) << step;
    const Request request = parser.take_head();
    EXPECT_EQ(request.method, "POST");
    EXPECT_EQ(request.target, "/a?b");
    EXPECT_EQ(request.header("x-a"), "b");
    EXPECT_EQ(parser.take_body(), "hello");
    EXPECT_EQ(parser.take_rest(), "GET");
  }
}

TEST(RequestParserTest, DecodesChunksAndForgetsTrailers) {
  const std::string bytes =
      "POST / HTTP/1.1\r\nTransfer-Encoding: Chunked\r\n\r\n"
      "3;x=y\r\nabc\r\nA\r\n0123456789\r\n0\r\nAuthorization: no\r\n\r\nrest";
  for (std::size_t step = 1; step <= bytes.size(); ++step) {
    RequestParser parser(kSmall);
    for (std::size_t i = 0; i < bytes.size(); i += step) {
      ASSERT_TRUE(parser.feed(std::string_view(bytes).substr(i, step)).ok());
      if (parser.head_done()) parser.read_body(BodyUse::kKeep);
    }
    ASSERT_TRUE(parser.feed({}).ok());
    ASSERT_TRUE(parser.done()) << step;
    EXPECT_EQ(parser.take_body(), "abc0123456789");
    EXPECT_EQ(parser.take_rest(), "rest");
  }
}

TEST(RequestParserTest, StopsAtTheHeadUntilTheBodyIsWanted) {
  RequestParser parser(kSmall);
  ASSERT_TRUE(parser.feed("POST / HTTP/1.1\r\nContent-Length: 3\r\n\r\nab").ok());
  EXPECT_TRUE(parser.head_done());
  EXPECT_FALSE(parser.done());
  EXPECT_EQ(parser.framing().content_length, 3u);
  parser.read_body(BodyUse::kDiscard);
  ASSERT_TRUE(parser.feed("c").ok());
  EXPECT_TRUE(parser.done());
  EXPECT_EQ(parser.body_bytes(), 3u);
  EXPECT_EQ(parser.take_body(), "");
}

TEST(RequestParserTest, SkipsEmptyLinesBeforeARequest) {
  RequestParser parser(kSmall);
  ASSERT_TRUE(parser.feed("\r\n\r").ok());
  EXPECT_FALSE(parser.started());
  ASSERT_TRUE(parser.feed("\nGET / HTTP/1.1\r\n\r\n").ok());
  EXPECT_TRUE(parser.done());
}

TEST(RequestParserTest, ReadsWhatConcernsTheConnection) {
  RequestParser old(kSmall);
  ASSERT_TRUE(old.feed("GET / HTTP/1.0\r\n\r\n").ok());
  EXPECT_TRUE(old.framing().http_1_0);
  EXPECT_FALSE(old.framing().keep_alive);
  RequestParser waiting(kSmall);
  ASSERT_TRUE(
      waiting.feed("POST / HTTP/1.1\r\nExpect: 100-Continue\r\nContent-Length: 1\r\n\r\n").ok());
  EXPECT_TRUE(waiting.framing().expects_continue);
  RequestParser odd(kSmall);
  ASSERT_TRUE(odd.feed("GET / HTTP/1.1\r\nExpect: tea\r\nConnection: close\r\n\r\n").ok());
  EXPECT_TRUE(odd.framing().unknown_expectation);
  EXPECT_FALSE(odd.framing().keep_alive);
}

TEST(RequestParserTest, RefusesWhatIsNoRequest) {
  for (const std::string_view bytes :
       {"\x16\x03\x01\x02", "GET\r\n\r\n", "GET / HTTP/1.1\r\nA b\r\n\r\n",
        "GET / HTTP/1.1\r\nA : b\r\n\r\n", "GET / HTTP/1.1\r\nContent-Length: x\r\n\r\n",
        "GET / HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
        "GET / HTTP/1.1\r\nContent-Length: 99999999999999999999\r\n\r\n"}) {
    EXPECT_EQ(problem_of(bytes), Problem::kMalformed) << bytes;
    EXPECT_EQ(problem_of(bytes, 1), Problem::kMalformed) << bytes;
  }
}

TEST(RequestParserTest, RefusesABodyWhoseEndIsUnclear) {
  for (const std::string_view headers :
       {"Content-Length: 1\r\nContent-Length: 2\r\n",
        "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: chunked\r\nContent-Length: 1\r\n", "Transfer-Encoding: gzip\r\n",
        "Transfer-Encoding: gzip, chunked\r\n", "Transfer-Encoding: chunked, gzip\r\n",
        "Transfer-Encoding: xchunked\r\n"}) {
    const std::string bytes =
        "POST / HTTP/1.1\r\n" + std::string(headers) + "\r\n1\r\na\r\n0\r\n\r\n";
    EXPECT_EQ(problem_of(bytes), Problem::kMalformed) << headers;
  }
  EXPECT_EQ(problem_of("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n"),
            Problem::kMalformed);
}

TEST(RequestParserTest, RefusesBrokenChunks) {
  const std::string head = "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n";
  for (const std::string_view body :
       {"x\r\n", "1\r\nab\r\n0\r\n\r\n", "-1\r\n", "fffffffffffffffff\r\n"}) {
    EXPECT_EQ(problem_of(head + std::string(body)), Problem::kMalformed) << body;
  }
}

TEST(RequestParserTest, BoundsHeadChunkLinesTrailersAndBody) {
  const std::string lines = "X-A: " + std::string(100, 'a') + "\r\n";
  std::string many = "GET / HTTP/1.1\r\n";
  for (int i = 0; i < 8; ++i) many += lines;
  for (const std::size_t step : {std::size_t{1}, std::size_t{100}, std::size_t{100'000}}) {
    EXPECT_EQ(problem_of(many + "\r\n", step), Problem::kHeaderTooLarge) << step;
    EXPECT_EQ(problem_of("GET /" + std::string(600, 'a'), step), Problem::kHeaderTooLarge);
    const std::string chunked = "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n";
    EXPECT_EQ(problem_of(chunked + "1;" + std::string(600, 'a'), step), Problem::kMalformed);
    EXPECT_EQ(problem_of(chunked + "0\r\n" + many, step), Problem::kMalformed);
    EXPECT_EQ(problem_of(chunked + "8\r\n01234567\r\n9\r\n", step), Problem::kBodyTooLarge);
  }
}

TEST(RequestParserTest, RefusesOtherVersions) {
  EXPECT_EQ(problem_of("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), Problem::kVersion);
  EXPECT_EQ(problem_of("GET / HTTP/0.9\r\n\r\n"), Problem::kVersion);
}

TEST(ResponseParserTest, SkipsInterimAnswersAndReadsToTheEnd) {
  ResponseParser parser(false);
  ASSERT_TRUE(parser.feed("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nA: b\r\n\r\nxy").ok());
  EXPECT_TRUE(parser.head_done());
  EXPECT_FALSE(parser.done());
  EXPECT_EQ(parser.status(), 200);
  EXPECT_EQ(parser.take_body(), "xy");
  EXPECT_TRUE(parser.end_of_input().ok());
  EXPECT_TRUE(parser.done());
}

TEST(ResponseParserTest, ABodyThatEndsEarlyIsAnError) {
  ResponseParser parser(false);
  ASSERT_TRUE(parser.feed("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nxy").ok());
  EXPECT_EQ(parser.end_of_input().code(), Code::kUnavailable);
  ResponseParser silent(false);
  EXPECT_EQ(silent.end_of_input().code(), Code::kUnavailable);
  ResponseParser other(false);
  EXPECT_EQ(other.feed("SSH-2.0-OpenSSH\r\n").code(), Code::kCorrupt);
}

}  // namespace
}  // namespace axle::http
