#include "api/openai/chat_json.h"

#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <chrono>

namespace axle::api {
namespace {

namespace json = boost::json;
using namespace std::chrono_literals;

const ChatHead kHead{"chatcmpl-1", 1700000000, "a \"model\""};

TEST(ChatJsonTest, WholeAnswerHasEveryFieldThatClientsRead) {
  const json::value answer = json::parse(completion_json(
      kHead, {{{"", "hi\n"}, jobs::Finish::kStop}, {{}, jobs::Finish::kLength}}, {5, 2, 7},
      {.queued = 1ms, .prefill = 2500us, .decode = 30ms, .row_by_row = 1}));
  EXPECT_EQ(answer.at("object"), "chat.completion");
  EXPECT_EQ(answer.at("model"), "a \"model\"");
  EXPECT_EQ(answer.at("choices").at(0).at("message").at("content"), "hi\n");
  EXPECT_EQ(answer.at("choices").at(0).at("message").at("role"), "assistant");
  EXPECT_EQ(answer.at("choices").at(1).at("index"), 1);
  EXPECT_EQ(answer.at("choices").at(1).at("finish_reason"), "length");
  EXPECT_EQ(answer.at("usage").at("total_tokens"), 12);
  EXPECT_EQ(answer.at("usage").at("prompt_tokens_details").at("cached_tokens"), 2);
  EXPECT_EQ(answer.at("timings"), json::parse(R"({"queue_ms":1e0,"cache_n":2,"prompt_n":3,
      "prompt_ms":2.5e0,"prompt_row_by_row_n":1,"predicted_n":7,"predicted_ms":3e1})"));
}

TEST(ChatJsonTest, WhatWasThoughtIsAMemberOfItsOwnAndElseNotThere) {
  const json::value answer =
      json::parse(completion_json(kHead, {{{"hm", "hi"}, jobs::Finish::kStop}}, {}, {}));
  EXPECT_EQ(answer.at("choices").at(0).at("message").at("reasoning_content"), "hm");
  EXPECT_EQ(answer.at("choices").at(0).at("message").at("content"), "hi");
  const json::value plain =
      json::parse(completion_json(kHead, {{{"", "hi"}, jobs::Finish::kStop}}, {}, {}));
  EXPECT_FALSE(plain.at("choices").at(0).at("message").as_object().contains("reasoning_content"));
  const json::value chunk = json::parse(ChunkWriter(kHead, false).reasoning(0, "hm"));
  EXPECT_EQ(chunk.at("choices").at(0).at("delta").at("reasoning_content"), "hm");
}

TEST(ChatJsonTest, ChunksShareTheirHeadAndFinishReasonIsNullUntilTheLast) {
  const ChunkWriter writer(kHead, false);
  for (const std::string& chunk :
       {writer.role(0), writer.content(0, "x"), writer.finish(0, jobs::Finish::kStop)}) {
    const json::object object = json::parse(chunk).as_object();
    EXPECT_EQ(object.at("id"), "chatcmpl-1");
    EXPECT_EQ(object.at("object"), "chat.completion.chunk");
    EXPECT_EQ(object.at("created"), 1700000000);
    EXPECT_FALSE(object.contains("usage"));
    EXPECT_FALSE(object.contains("error"));
    EXPECT_EQ(chunk.find('\n'), std::string::npos);
  }
  EXPECT_TRUE(
      json::parse(writer.content(0, "x")).at("choices").at(0).at("finish_reason").is_null());
  EXPECT_EQ(
      json::parse(writer.finish(0, jobs::Finish::kLength)).at("choices").at(0).at("finish_reason"),
      "length");
  EXPECT_EQ(json::parse(writer.role(3)).at("choices").at(0).at("delta").at("role"), "assistant");
}

TEST(ChatJsonTest, UsageChunkHasNoChoicesAndTheOthersAreNull) {
  const ChunkWriter writer(kHead, true);
  EXPECT_TRUE(json::parse(writer.content(0, "x")).at("usage").is_null());
  const json::value usage = json::parse(writer.usage({3, 0, 4}, {}));
  EXPECT_TRUE(usage.at("choices").as_array().empty());
  EXPECT_EQ(usage.at("usage").at("total_tokens"), 7);
  EXPECT_EQ(usage.at("timings").at("predicted_n"), 4);
}

}  // namespace
}  // namespace axle::api
