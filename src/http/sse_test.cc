#include "http/sse.h"

#include <gtest/gtest.h>

namespace axle::http {
namespace {

std::vector<SseEvent> parse(std::string_view bytes) {
  SseParser parser;
  Result<std::vector<SseEvent>> events = parser.feed(bytes);
  EXPECT_TRUE(events.ok()) << events.status();
  return events.ok() ? *std::move(events) : std::vector<SseEvent>();
}

TEST(SseTest, AnEventIsOneDataLineAndABlankLine) {
  EXPECT_EQ(sse_event("{\"a\":1}"), "data: {\"a\":1}\n\n");
  EXPECT_EQ(sse_event("[DONE]"), "data: [DONE]\n\n");
  EXPECT_EQ(sse_event("a\nb\r\nc\rd"), "data: a\ndata: b\ndata: c\ndata: d\n\n");
  EXPECT_EQ(sse_named_event("ping", "{}"), "event: ping\ndata: {}\n\n");
}

TEST(SseTest, ACommentStaysOnOneLine) { EXPECT_EQ(sse_comment("pi\r\nng"), ": pi  ng\n\n"); }

TEST(SseTest, StreamHeadsForbidCachingAndBuffering) {
  for (const Response& head : {sse_head(), ndjson_head()}) {
    EXPECT_EQ(find_header(head.headers, "cache-control"), "no-cache");
    EXPECT_EQ(find_header(head.headers, "x-accel-buffering"), "no");
  }
  EXPECT_EQ(find_header(sse_head().headers, "content-type"), "text/event-stream");
}

TEST(SseParserTest, ReadsEventsNamesAndComments) {
  EXPECT_EQ(parse(": hello\n\nevent: tick\ndata: a\ndata:b\n\ndata\n\nid: 7\n\n"),
            (std::vector<SseEvent>{{"tick", "a\nb"}, {"", ""}}));
}

TEST(SseParserTest, StripsOneBlankOnly) {
  EXPECT_EQ(parse("data:  a\n\n"), (std::vector<SseEvent>{{"", " a"}}));
}

TEST(SseParserTest, AcceptsEveryLineEndAndAByteOrderMark) {
  EXPECT_EQ(parse("\xef\xbb\xbf"
                  "data: a\r\n\r\ndata: b\r\rdata: c\n\n"),
            (std::vector<SseEvent>{{"", "a"}, {"", "b"}, {"", "c"}}));
}

TEST(SseParserTest, GivesTheSameEventsHoweverTheBytesAreCut) {
  const std::string stream = "event: e\r\ndata: one\r\n\r\n: ping\n\ndata: t\xc3\xb6\ndata: x\n\n";
  const std::vector<SseEvent> whole = parse(stream);
  ASSERT_EQ(whole.size(), 2u);
  for (std::size_t cut = 0; cut <= stream.size(); ++cut) {
    SseParser parser;
    std::vector<SseEvent> events = *parser.feed(std::string_view(stream).substr(0, cut));
    const Result<std::vector<SseEvent>> more = parser.feed(std::string_view(stream).substr(cut));
    ASSERT_TRUE(more.ok());
    events.insert(events.end(), more->begin(), more->end());
    EXPECT_EQ(events, whole) << "cut at " << cut;
  }
}

TEST(SseParserTest, AnEventWithoutItsEndIsNotGiven) { EXPECT_TRUE(parse("data: a\n").empty()); }

TEST(SseParserTest, AnEndlessEventIsAnError) {
  SseParser parser(8);
  EXPECT_TRUE(parser.feed("data: a\n\n").ok());
  EXPECT_EQ(parser.feed("data: 0123456789").status().code(), Code::kExhausted);
  EXPECT_EQ(parser.feed("\n\ndata: a\n\n").status().code(), Code::kExhausted);
}

TEST(SseParserTest, ReadsWhatTheWritersWrite) {
  const std::string stream = sse_event("a\n\nb") + sse_comment("x") + sse_named_event("n", "c");
  EXPECT_EQ(parse(stream), (std::vector<SseEvent>{{"", "a\n\nb"}, {"n", "c"}}));
}

}  // namespace
}  // namespace axle::http
