#include "http/message.h"

#include <gtest/gtest.h>

#include "http/response_writer.h"
#include "http/text.h"

namespace axle::http {
namespace {

TEST(MessageTest, FindsAHeaderWhateverItsCase) {
  const HeaderList headers = {{"Content-Type", "a"}, {"content-type", "b"}};
  EXPECT_EQ(find_header(headers, "CONTENT-TYPE"), "a");
  EXPECT_EQ(find_header(headers, "Content"), std::nullopt);
}

TEST(MessageTest, SettingAHeaderReplacesAllOfItsName) {
  HeaderList headers = {{"A", "1"}, {"b", "2"}, {"a", "3"}};
  set_header(headers, "a", "4");
  EXPECT_EQ(headers, (HeaderList{{"b", "2"}, {"a", "4"}}));
}

TEST(MessageTest, QuotesControlCharactersAndKeepsUtf8) {
  EXPECT_EQ(json_quote("a\"\\\n\t\x01\x7f"), "\"a\\\"\\\\\\n\\t\\u0001\\u007f\"");
  EXPECT_EQ(json_quote("gr\xc3\xbc\xf0\x9f\x98\x80"), "\"gr\xc3\xbc\xf0\x9f\x98\x80\"");
}

TEST(MessageTest, QuotingReplacesBytesThatAreNotUtf8) {
  EXPECT_EQ(json_quote("a\xff"), "\"a\xef\xbf\xbd\"");
  EXPECT_EQ(json_quote("\xed\xa0\x80"), "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"");  // Surrogate.
  EXPECT_EQ(json_quote("\xc3"), "\"\xef\xbf\xbd\"");                                  // Cut off.
  EXPECT_EQ(json_quote("\xc0\x80"), "\"\xef\xbf\xbd\xef\xbf\xbd\"");                  // Overlong.
}

TEST(MessageTest, UnknownPathParametersAreEmpty) {
  Request request;
  request.params = {{"id", "7"}};
  EXPECT_EQ(request.param("id"), "7");
  EXPECT_EQ(request.param("other"), "");
}

TEST(ResponseWriterTest, RefusesAHeaderThatWouldBreakTheFormat) {
  EXPECT_TRUE(response_flaw({.headers = {{"X-Name", "a\r\nSet-Cookie: b"}}}));
  EXPECT_TRUE(response_flaw({.headers = {{"X-Name", std::string("a\0b", 3)}}}));
  EXPECT_TRUE(response_flaw({.headers = {{"X Name", "a"}}}));
  EXPECT_TRUE(response_flaw({.headers = {{"", "a"}}}));
  EXPECT_FALSE(response_flaw({.headers = {{"X-Name", "a b"}}}));
}

TEST(ResponseWriterTest, RefusesAStatusThatIsNoFinalAnswer) {
  EXPECT_TRUE(response_flaw({.status = 100}));
  EXPECT_TRUE(response_flaw({.status = 600}));
  EXPECT_FALSE(response_flaw({.status = 418}));
}

TEST(ResponseWriterTest, WritesItsOwnHeadersAndNotTheHandlers) {
  const Response response{.headers = {{"Content-Length", "99"}, {"A", "b"}}};
  EXPECT_EQ(write_head(response, "id-1", {.content_length = 3}),
            "HTTP/1.1 200 OK\r\nA: b\r\nContent-Length: 3\r\nx-request-id: id-1\r\n\r\n");
  EXPECT_EQ(write_head({}, "id-1", {.framing = BodyFraming::kChunked, .keep_alive = false}),
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n"
            "x-request-id: id-1\r\n\r\n");
}

TEST(ResponseWriterTest, AnEmptyChunkIsNotWritten) {
  std::string out;
  append_chunk(out, "");
  EXPECT_EQ(out, "");
  append_chunk(out, std::string(26, 'x'));
  EXPECT_EQ(out, "1a\r\n" + std::string(26, 'x') + "\r\n");
}

TEST(ResponseWriterTest, KeepsAPlainRequestIdAndReplacesAnyOther) {
  EXPECT_EQ(choose_request_id("abc-1.2:3_Z"), "abc-1.2:3_Z");
  EXPECT_TRUE(choose_request_id("a b").starts_with("req-"));
  EXPECT_TRUE(choose_request_id("").starts_with("req-"));
  EXPECT_TRUE(choose_request_id(std::string(129, 'a')).starts_with("req-"));
  EXPECT_NE(choose_request_id(std::nullopt), choose_request_id(std::nullopt));
}

TEST(TextTest, SplitsAListAndDropsEmptyParts) {
  EXPECT_EQ(split_list(" a, b ,,c"), (std::vector<std::string_view>{"a", "b", "c"}));
  EXPECT_TRUE(split_list(" , ").empty());
}

TEST(TextTest, TokensHaveNoBlanksOrControlCharacters) {
  EXPECT_TRUE(is_token("x-Stainless_1"));
  EXPECT_FALSE(is_token(""));
  EXPECT_FALSE(is_token("a b"));
  EXPECT_FALSE(is_token(std::string_view("a\0", 2)));
}

}  // namespace
}  // namespace axle::http
