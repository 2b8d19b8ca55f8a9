#include "jobs/frame.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <string>
#include <vector>

namespace axle::jobs {
namespace {

std::vector<Message> read_all(std::string_view bytes) {
  FrameReader reader;
  std::vector<Message> messages;
  const Status status = reader.feed(bytes, messages);
  EXPECT_TRUE(status.ok()) << status;
  EXPECT_EQ(reader.pending_bytes(), 0u);
  return messages;
}

std::string encoded(const Message& message) {
  const Result<std::string> frame = encode(message);
  EXPECT_TRUE(frame.ok()) << frame.status();
  return frame.ok() ? *frame : std::string();
}

PictureJob sample_picture_job() {
  PictureJob job;
  job.model = "painter";
  job.width = 8;
  job.height = 16;
  job.prompt = {49406, 320, 2368, 49407};
  job.negative = {49406, 49407};
  job.guidance = 1.5;
  job.timesteps = {999, 499};
  job.seed = 0xffffffffffffffffull;
  job.variation_seed = 7;
  job.variation = 0.25;
  job.noise = NoiseOrder::kService;
  job.image = {0, 1, 255};
  job.mask = {128};
  job.previews = true;
  job.priority = -3;
  job.steps_done = 1;
  job.latents = {0.25f, -1e-20f};
  return job;
}

PictureTimings sample_picture_timings() {
  using us = std::chrono::microseconds;
  return {us(1), us(2), us(3), us(4), us(5)};
}

void expect_round_trip(const Message& message) {
  const std::vector<Message> read = read_all(encoded(message));
  ASSERT_EQ(read.size(), 1u);
  EXPECT_EQ(read[0], message) << type_name(message.type());
}

// The error of a frame whose bytes were changed by `spoil`.
template <typename Spoil>
Status spoiled(const Message& message, Spoil spoil) {
  std::string frame = encoded(message);
  spoil(frame);
  FrameReader reader;
  std::vector<Message> messages;
  Status status = reader.feed(frame, messages);
  EXPECT_EQ(status.code(), Code::kCorrupt) << status;
  EXPECT_TRUE(messages.empty());
  return status;
}

// A frame with the given head and tail, its header right.
std::string raw_frame(MessageType type, std::string_view head, std::string_view tail = {}) {
  std::string frame = encoded({JobId{0}, Shutdown{}}).substr(0, kFrameHeaderBytes);
  frame[6] = static_cast<char>(type);
  frame[12] = static_cast<char>(head.size());
  frame[16] = static_cast<char>(tail.size());
  if (type == MessageType::kTokens || type == MessageType::kFailed) frame[20] = 1;
  return frame.append(head).append(tail);
}

Status read_error(std::string_view frame) {
  FrameReader reader;
  std::vector<Message> messages;
  return reader.feed(frame, messages);
}

GenerateJob sample_job() {
  GenerateJob job;
  job.model = "smol";
  job.prompt = {1, 2, 3};
  job.generated = {-1, std::numeric_limits<TokenId>::max()};
  job.sampling.temperature = 0.7f;
  job.sampling.logit_bias = {{5, -100.0f}, {7, 0.1f}};
  job.sampling.typical_p = 0.9f;
  job.sampling.dry = {0.8f, 1.5f, 3, 100, {4, 9}};
  job.sampling.seed = std::numeric_limits<std::uint64_t>::max();
  job.max_new_tokens = 10;
  job.end_tokens = {2};
  job.priority = -3;
  job.top_logprobs = 20;
  return job;
}

TEST(FrameTest, EveryOrderOfTheFrontSurvivesTheJourney) {
  const JobId id{0x0102030405060708};
  expect_round_trip({id, sample_job()});
  expect_round_trip({id, sample_picture_job()});
  expect_round_trip({id, Interrupt{}});
  expect_round_trip({id, Cancel{}});
  expect_round_trip({JobId{0}, LoadJob{"a \"quoted\" name", "/models/\xff\xfe not UTF-8"}});
  expect_round_trip({JobId{0}, UnloadJob{"smol"}});
  expect_round_trip({JobId{0}, StatusRequest{}});
  expect_round_trip({JobId{0}, Pause{true}});
  expect_round_trip({JobId{0}, Shutdown{}});
  expect_round_trip({JobId{7}, Ping{}});
}

TEST(FrameTest, EveryEventOfTheCardProcessSurvivesTheJourney) {
  using std::chrono::microseconds;
  const JobId id{9};
  const Status lost = card_lost("the card is gone", static_cast<std::int32_t>(0x8030040c));
  expect_round_trip({JobId{0}, Hello{1, "library", true, 129, "AX650N", "V3.10.2"}});
  expect_round_trip({id, Accepted{4}});
  expect_round_trip({id, Progress{128, 300}});
  expect_round_trip({id, Tokens{{1, 2, 3}, 17}});
  expect_round_trip({id, Tokens{{1, 2}, 17, {{1, -0.5f}, {7, -0.25f}, {2, -9999.0f}, {8, 0.0f}}}});
  expect_round_trip(
      {id, Done{Finish::kLength, {3, 1, 9}, {microseconds(1), microseconds(2), microseconds(3)}}});
  expect_round_trip({id, Failed{lost, true}});
  expect_round_trip({JobId{0}, ModelLoaded{"smol", 30, 576, 49152, 2048, 1LL << 40,
                                           std::chrono::milliseconds(5), "probed: all exact"}});
  expect_round_trip({JobId{0}, LoadProgress{"smol", 3, 31}});
  expect_round_trip({JobId{0}, LoadFailed{"smol", lost}});
  expect_round_trip({JobId{0}, Unloaded{"smol"}});
  expect_round_trip({JobId{0}, Heartbeat{1234567, "axclrtEngineExecute", 1, 2, 3, 4, 5, 6, 0.001,
                                         0.05, 0.4, 0.9}});
  expect_round_trip({JobId{0}, Readings{48.5, 1, 2, std::nullopt, 2.25}});
  expect_round_trip({JobId{0}, CardLost{lost}});
  expect_round_trip({JobId{7}, Pong{}});
  expect_round_trip({id, PictureStep{2, 4, {0.5f, -1.25f}, 1, 2, {0, 127, 255, 1, 2, 3}}});
  expect_round_trip(
      {id, PictureDone{1, 2, {9, 8, 7, 6, 5, 255}, 3, true, sample_picture_timings()}});
}

TEST(FrameTest, TokenIdsTravelInTheTailAsLittleEndianNumbers) {
  const std::string frame = encoded({JobId{1}, Tokens{{0x01020304, -2}, 0}});
  EXPECT_EQ(frame.substr(frame.size() - 8), std::string("\x04\x03\x02\x01\xfe\xff\xff\xff", 8));
}

TEST(FrameTest, TheHeaderIsAsDocumented) {
  const std::string frame = encoded({JobId{0x0201}, Cancel{}});
  EXPECT_EQ(frame,
            std::string("AXLE\x06\0\x02\0\0\0\0\0\x02\0\0\0\0\0\0\0\x01\x02\0\0\0\0\0\0{}", 30));
}

TEST(FrameTest, MessagesArriveHoweverTheStreamIsCut) {
  const std::string stream =
      encoded({JobId{1}, sample_job()}) + encoded({JobId{1}, Tokens{{4}, 0}});
  FrameReader reader;
  std::vector<Message> messages;
  for (const char& byte : stream) {
    ASSERT_TRUE(reader.feed(std::string_view(&byte, 1), messages).ok());
  }
  ASSERT_EQ(messages.size(), 2u);
  EXPECT_EQ(std::get<Tokens>(messages[1].payload).ids, std::vector<TokenId>{4});
  EXPECT_EQ(reader.pending_bytes(), 0u);
}

TEST(FrameTest, ACutOffMessageStaysPending) {
  const std::string frame = encoded({JobId{1}, sample_job()});
  FrameReader reader;
  std::vector<Message> messages;
  ASSERT_TRUE(reader.feed(std::string_view(frame).substr(0, frame.size() - 1), messages).ok());
  EXPECT_TRUE(messages.empty());
  EXPECT_EQ(reader.pending_bytes(), frame.size() - 1);
}

TEST(FrameTest, ABadHeaderSaysWhichFieldWasWrong) {
  const Message message{JobId{1}, Cancel{}};
  const auto set = [](std::size_t offset, char value) {
    return [=](std::string& frame) { frame[offset] = value; };
  };
  EXPECT_THAT(spoiled(message, set(0, 'B')).message(), testing::HasSubstr("magic"));
  EXPECT_THAT(spoiled(message, set(4, 2)).message(),
              testing::HasSubstr("version: wanted 6, found 2"));
  EXPECT_THAT(spoiled(message, set(6, 0)).message(),
              testing::HasSubstr("type: wanted 1 to 26, found 0"));
  EXPECT_THAT(spoiled(message, set(6, 27)).message(), testing::HasSubstr("found 27"));
  EXPECT_THAT(spoiled(message, set(11, 1)).message(), testing::HasSubstr("flags"));
  EXPECT_THAT(spoiled(message, set(15, 1)).message(), testing::HasSubstr("head: wanted at most"));
  EXPECT_THAT(spoiled(message, set(19, 5)).message(), testing::HasSubstr("tail: wanted at most"));
  EXPECT_THAT(spoiled(message, set(20, 0)).message(), testing::HasSubstr("id: 0 does not suit"));
}

TEST(FrameTest, ABadHeadSaysWhichFieldWasWrong) {
  const auto error = [](std::string_view head, std::string_view tail = {}) {
    const Status status = read_error(raw_frame(MessageType::kTokens, head, tail));
    EXPECT_EQ(status.code(), Code::kCorrupt) << head;
    return status.message();
  };
  const std::string four("\1\0\0\0", 4);
  EXPECT_THAT(error("{"), testing::HasSubstr("tokens: not JSON"));
  EXPECT_THAT(error("[]"), testing::HasSubstr("wanted a JSON object"));
  EXPECT_THAT(error("{}"), testing::HasSubstr("\"ids\": missing"));
  EXPECT_THAT(error("{\"ids\":1,\"first_index\":0,\"logprobs\":0}"),
              testing::HasSubstr("0 bytes of the tail"));
  EXPECT_THAT(error("{\"ids\":4294967295,\"first_index\":0,\"logprobs\":0}", four),
              testing::HasSubstr("4294967295"));
  EXPECT_THAT(error("{\"ids\":0,\"first_index\":0,\"logprobs\":0}", four),
              testing::HasSubstr("4 bytes of the tail"));
  EXPECT_THAT(error("{\"ids\":-1,\"first_index\":0,\"logprobs\":0}"),
              testing::HasSubstr("whole number"));
  EXPECT_THAT(error("{\"ids\":0,\"first_index\":2147483648,\"logprobs\":0}"),
              testing::HasSubstr("first_index"));
  EXPECT_THAT(error("{\"ids\":0,\"first_index\":1.0,\"logprobs\":0}"),
              testing::HasSubstr("first_index"));
  EXPECT_THAT(error("{\"ids\":0,\"first_index\":0,\"logprobs\":0,\"more\":1}"),
              testing::HasSubstr("3 fields, found 4"));
}

TEST(FrameTest, AStatusIsReadStrictly) {
  const auto error = [](std::string_view status) {
    const std::string head = "{\"status\":" + std::string(status) + ",\"retry_may_help\":true}";
    return read_error(raw_frame(MessageType::kFailed, head)).code();
  };
  EXPECT_EQ(error("[5,\"text\",0]"), Code::kOk);
  EXPECT_EQ(error("[11,\"text\",0]"), Code::kCorrupt);
  EXPECT_EQ(error("[0,\"text\",0]"), Code::kCorrupt);
  EXPECT_EQ(error("[5,\"text\"]"), Code::kCorrupt);
  EXPECT_EQ(error("[5,7,0]"), Code::kCorrupt);
  EXPECT_EQ(error("\"text\""), Code::kCorrupt);
}

TEST(FrameTest, AfterAnErrorTheStreamStaysBad) {
  FrameReader reader;
  std::vector<Message> messages;
  const std::string good = encoded({JobId{1}, Cancel{}});
  EXPECT_EQ(reader.feed(good + std::string(40, 'x'), messages).code(), Code::kCorrupt);
  EXPECT_EQ(messages.size(), 1u);  // What came before counts.
  EXPECT_EQ(reader.feed(good, messages).code(), Code::kCorrupt);
  EXPECT_EQ(messages.size(), 1u);
}

TEST(FrameTest, WhatCannotTravelIsRefusedBeforeItIsSent) {
  GenerateJob job = sample_job();
  EXPECT_EQ(encode({JobId{0}, job}).status().code(), Code::kInvalidArgument);
  EXPECT_EQ(encode({JobId{1}, Shutdown{}}).status().code(), Code::kInvalidArgument);
  job.sampling.top_p = std::numeric_limits<float>::quiet_NaN();
  EXPECT_THAT(encode({JobId{1}, job}).status().message(), testing::HasSubstr("top_p"));
  job = sample_job();
  job.sampling.logit_bias = {{1, std::numeric_limits<float>::infinity()}};
  EXPECT_THAT(encode({JobId{1}, job}).status().message(), testing::HasSubstr("logit_bias"));
  const Tokens tokens{{1}, 0, {{1, std::numeric_limits<float>::infinity()}}};
  EXPECT_THAT(encode({JobId{1}, tokens}).status().message(), testing::HasSubstr("logprobs"));
  job = sample_job();
  job.model.assign(kFrameHeadLimitBytes, 'm');
  EXPECT_THAT(encode({JobId{1}, job}).status().message(), testing::HasSubstr("head"));
  job = sample_job();
  job.prompt.assign(kFrameTailLimitBytes / 4 + 1, 1);
  EXPECT_THAT(encode({JobId{1}, job}).status().message(), testing::HasSubstr("tail"));
}

TEST(FrameTest, LatentsTravelOnlyWhereTheyAreFinite) {
  PictureStep step{1, 4, {std::numeric_limits<float>::quiet_NaN()}, 0, 0, {}};
  EXPECT_THAT(encode({JobId{1}, step}).status().message(), testing::HasSubstr("latents"));
  step.latents = {1.0f};
  Result<std::string> frame = encode({JobId{1}, step});
  ASSERT_TRUE(frame.ok());
  frame->replace(frame->size() - 4, 4, std::string("\0\0\xc0\x7f", 4));
  const Status status = read_error(*frame);
  EXPECT_EQ(status.code(), Code::kCorrupt);
  EXPECT_THAT(status.message(), testing::HasSubstr("latents"));
}

TEST(FrameTest, AnUnknownNoiseIsRefusedWithThoseThereAre) {
  Result<std::string> frame = encode({JobId{1}, sample_picture_job()});
  ASSERT_TRUE(frame.ok());
  const std::size_t at = frame->find("\"service\"");
  ASSERT_NE(at, std::string::npos);
  (*frame)[at + 1] = 'S';
  EXPECT_THAT(read_error(*frame).message(),
              testing::HasSubstr("wanted one of \"vendor\", \"service\", found \"Service\""));
}

TEST(FrameTest, UnknownTypesHaveAName) {
  EXPECT_EQ(type_name(MessageType::kGenerate), "generate");
  EXPECT_EQ(type_name(MessageType::kPong), "pong");
  EXPECT_EQ(type_name(static_cast<MessageType>(0)), "unknown");
}

}  // namespace
}  // namespace axle::jobs
