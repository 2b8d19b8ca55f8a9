#include "api/openai/chat_request.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json.hpp>

namespace axle::api {
namespace {

namespace json = boost::json;
using testing::HasSubstr;

constexpr std::string_view kUser = R"([{"role":"user","content":"hi"}])";

// A body with the messages of `kUser` and further fields.
std::string body(std::string_view fields, std::string_view messages = kUser) {
  return std::string(R"({"model":"m","messages":)") + std::string(messages) +
         (fields.empty() ? "" : ",") + std::string(fields) + "}";
}

ChatRequest parsed(std::string_view text) {
  Parsed<ChatRequest> result = parse_chat_request(text);
  EXPECT_TRUE(result.ok()) << text << ": " << result.error().status;
  return result.value();
}

RequestError refused(std::string_view text) {
  Parsed<ChatRequest> result = parse_chat_request(text);
  EXPECT_FALSE(result.ok()) << text;
  return result.error();
}

json::value messages(std::string_view list) {
  return json::parse(parsed(body("", list)).messages_json);
}

TEST(ChatRequestTest, EveryFieldArrivesInItsPlace) {
  const ChatRequest request = parsed(body(
      R"("temperature":0.5,"top_p":0.9,"top_k":40,"min_p":0.05,"frequency_penalty":1,"presence_penalty":-1,
         "repetition_penalty":1.1,"seed":7,"max_tokens":5,"max_completion_tokens":9,"n":2,"stop":["a","b"],
         "stream":true,"stream_options":{"include_usage":true},"logit_bias":{"12":-100},"user":"me","x":{})"));
  EXPECT_FLOAT_EQ(request.sampling.temperature, 0.5f);
  EXPECT_FLOAT_EQ(request.sampling.top_p, 0.9f);
  EXPECT_EQ(request.sampling.top_k, 40);
  EXPECT_FLOAT_EQ(request.sampling.min_p, 0.05f);
  EXPECT_FLOAT_EQ(request.sampling.repetition_penalty, 1.1f);
  EXPECT_EQ(request.sampling.seed, 7u);
  EXPECT_TRUE(request.seed_given);
  EXPECT_EQ(request.max_new_tokens, 9) << "max_completion_tokens wins";
  EXPECT_EQ(request.choices, 2);
  EXPECT_THAT(request.stop, testing::ElementsAre("a", "b"));
  EXPECT_TRUE(request.stream && request.include_usage);
  EXPECT_THAT(request.sampling.logit_bias,
              testing::ElementsAre(std::pair<jobs::TokenId, float>(12, -100.0f)));
}

TEST(ChatRequestTest, TypicalAndDryHaveTheNamesAndDefaultsOfLlamaServer) {
  const ChatRequest absent = parsed(body(""));
  EXPECT_EQ(absent.sampling, jobs::SamplingOptions());
  EXPECT_THAT(absent.dry_breakers, testing::ElementsAre("\n", ":", "\"", "*"));
  const ChatRequest request = parsed(body(
      R"("typical_p":0.5,"dry_multiplier":0.8,"dry_base":2,"dry_allowed_length":3,"dry_penalty_last_n":64,
         "dry_sequence_breakers":["x","yz"])"));
  EXPECT_FLOAT_EQ(request.sampling.typical_p, 0.5f);
  EXPECT_EQ(request.sampling.dry, (jobs::DryOptions{0.8f, 2.0f, 3, 64, {}}));
  EXPECT_THAT(request.dry_breakers, testing::ElementsAre("x", "yz"));
  EXPECT_TRUE(parsed(body(R"("dry_sequence_breakers":[])")).dry_breakers.empty());
}

TEST(ChatRequestTest, LogprobsAreOffUnlessAskedForAndThenWithoutOthersByDefault) {
  EXPECT_EQ(parsed(body("")).top_logprobs, std::nullopt);
  EXPECT_EQ(parsed(body(R"("logprobs":false,"top_logprobs":0)")).top_logprobs, std::nullopt);
  EXPECT_EQ(parsed(body(R"("logprobs":true)")).top_logprobs, 0);
  EXPECT_EQ(parsed(body(R"("logprobs":true,"top_logprobs":20)")).top_logprobs, 20);
}

TEST(ChatRequestTest, DeadlineIsSecondsAboveZeroUpToADay) {
  EXPECT_EQ(parsed(body("")).deadline, std::nullopt);
  EXPECT_EQ(parsed(body(R"("deadline_s":null)")).deadline, std::nullopt);
  EXPECT_EQ(parsed(body(R"("deadline_s":2)")).deadline, std::chrono::milliseconds(2000));
  EXPECT_EQ(parsed(body(R"("deadline_s":0.5)")).deadline, std::chrono::milliseconds(500));
  EXPECT_EQ(parsed(body(R"("deadline_s":1e-9)")).deadline, std::chrono::milliseconds(1));
  for (const char* wrong : {"0", "-1", "86401", "\"soon\"", "true", "[1]"}) {
    const RequestError error = refused(body(std::string(R"("deadline_s":)") + wrong));
    EXPECT_EQ(error.param, "deadline_s") << wrong;
  }
  EXPECT_THAT(refused(body(R"("deadline_s":0)")).status.message(),
              HasSubstr("must be above 0 and at most 86400, found 0"));
}

TEST(ChatRequestTest, NullEqualsAbsent) {
  const ChatRequest request = parsed(body(
      R"("temperature":null,"stop":null,"max_tokens":null,"stream":null,"stream_options":null,"tools":null,
         "tool_choice":null,"logit_bias":null,"response_format":null,"seed":null,"n":null,"logprobs":null)"));
  EXPECT_FLOAT_EQ(request.sampling.temperature, 1.0f);
  EXPECT_FALSE(request.max_new_tokens.has_value());
  EXPECT_FALSE(request.seed_given);
  EXPECT_EQ(request.choices, 1);
}

struct BadField {
  const char* field;
  const char* param;
};

TEST(ChatRequestTest, ValuesOutOfRangeAndOfWrongTypeNameTheirField) {
  for (const BadField& bad :
       std::initializer_list<BadField>{{R"("temperature":-1)", "temperature"},
                                       {R"("temperature":"hot")", "temperature"},
                                       {R"("top_p":2)", "top_p"},
                                       {R"("min_p":-0.1)", "min_p"},
                                       {R"("n":0)", "n"},
                                       {R"("n":1000)", "n"},
                                       {R"("max_tokens":0)", "max_tokens"},
                                       {R"("max_tokens":-3)", "max_tokens"},
                                       {R"("max_tokens":1.5)", "max_tokens"},
                                       {R"("max_completion_tokens":"9")", "max_completion_tokens"},
                                       {R"("stop":[""])", "stop"},
                                       {R"("stop":7)", "stop"},
                                       {R"("stop":[1])", "stop"},
                                       {R"("stream":"yes")", "stream"},
                                       {R"("stream_options":1)", "stream_options"},
                                       {R"("seed":"x")", "seed"},
                                       {R"("seed":1.5)", "seed"},
                                       {R"("seed":18446744073709551616)", "seed"},
                                       {R"("stop":["1","2","3","4","5","6","7","8","9","a","b","c",
                                           "d","e","f","g","h"])",
                                        "stop"},
                                       {R"("stop":"")", "stop"},
                                       {R"("typical_p":0)", "typical_p"},
                                       {R"("typical_p":1.5)", "typical_p"},
                                       {R"("dry_multiplier":-1)", "dry_multiplier"},
                                       {R"("dry_base":0.5)", "dry_base"},
                                       {R"("dry_allowed_length":-1)", "dry_allowed_length"},
                                       {R"("dry_allowed_length":1.5)", "dry_allowed_length"},
                                       {R"("dry_penalty_last_n":-2)", "dry_penalty_last_n"},
                                       {R"("dry_sequence_breakers":7)", "dry_sequence_breakers"},
                                       {R"("dry_sequence_breakers":[""])", "dry_sequence_breakers"},
                                       {R"("logprobs":5)", "logprobs"},
                                       {R"("logprobs":true,"top_logprobs":21)", "top_logprobs"},
                                       {R"("logprobs":true,"top_logprobs":-1)", "top_logprobs"},
                                       {R"("top_logprobs":3)", "top_logprobs"},
                                       {R"("max_tokens":3000000000)", "max_tokens"},
                                       {R"("reasoning_effort":"some")", "reasoning_effort"},
                                       {R"("logit_bias":{"x":1})", "logit_bias"},
                                       {R"("logit_bias":{"1":200})", "logit_bias"},
                                       {R"("logit_bias":[])", "logit_bias"},
                                       {R"("frequency_penalty":3)", "frequency_penalty"},
                                       {R"("presence_penalty":-3)", "presence_penalty"},
                                       {R"("repetition_penalty":0)", "repetition_penalty"},
                                       {R"("chat_template_kwargs":[])", "chat_template_kwargs"}}) {
    const RequestError error = refused(body(bad.field));
    EXPECT_EQ(error.status.code(), Code::kInvalidArgument) << bad.field;
    EXPECT_EQ(error.param, bad.param) << bad.field;
  }
}

TEST(ChatRequestTest, FeaturesOfLaterVersionsAreRefusedByName) {
  for (const BadField& bad : std::initializer_list<BadField>{
           {R"("tools":[{"type":"function"}])", "tools"},
           {R"("tool_choice":"required")", "tool_choice"},
           {R"("tool_choice":{"type":"function","function":{"name":"f"}})", "tool_choice"},
           {R"("modalities":["text","audio"])", "modalities"},
           {R"("functions":[{}])", "functions"},
           {R"("response_format":{"type":"json_object"})", "response_format"}}) {
    const RequestError error = refused(body(bad.field));
    EXPECT_EQ(error.status.code(), Code::kUnsupported) << bad.field;
    EXPECT_EQ(error.param, bad.param) << bad.field;
  }
  EXPECT_TRUE(parse_chat_request(body(R"("tools":[],"response_format":{"type":"text"},
                                 "tool_choice":"auto","modalities":["text"])"))
                  .ok());
}

TEST(ChatRequestTest, BodiesThatAreNoJsonObjectAreRefusedWithTheReason) {
  EXPECT_THAT(refused("{\"model\":").status.message(), HasSubstr("byte"));
  EXPECT_THAT(refused("{} x").status.message(), HasSubstr("byte"));
  for (const std::string_view text : {"[]", "\"x\"", "null", "7", "true"}) {
    EXPECT_THAT(refused(text).status.message(), HasSubstr("must be a JSON object")) << text;
  }
  EXPECT_FALSE(parse_chat_request("").ok());
  EXPECT_FALSE(parse_chat_request("{\"a\":\"\xff\"}").ok()) << "invalid UTF-8";
  EXPECT_FALSE(parse_chat_request(R"({"a":"\ud800"})").ok()) << "lone surrogate";
  EXPECT_FALSE(parse_chat_request(std::string(100000, '[')).ok()) << "deep nesting";
}

TEST(ChatRequestTest, ContentMayBeAStringPartsNullEmptyOrAbsent) {
  EXPECT_EQ(messages(kUser).at(0).at("content"), "hi");
  EXPECT_EQ(
      messages(
          R"([{"role":"user","content":[{"type":"text","text":"a"},{"type":"text","text":"b"}]}])")
          .at(0)
          .at("content"),
      "ab");
  EXPECT_EQ(messages(R"([{"role":"assistant","content":null}])").at(0).at("content"), "");
  EXPECT_EQ(messages(R"([{"role":"user","content":""}])").at(0).at("content"), "");
  EXPECT_EQ(messages(R"([{"role":"user"}])").at(0).at("content"), "");
}

TEST(ChatRequestTest, SeedMayBeAnyNumberOf64Bits) {
  EXPECT_EQ(parsed(body(R"("seed":9223372036854775807)")).sampling.seed, 9223372036854775807u);
  EXPECT_EQ(parsed(body(R"("seed":18446744073709551615)")).sampling.seed, 18446744073709551615u);
  EXPECT_EQ(parsed(body(R"("seed":-1)")).sampling.seed, 18446744073709551615u);
}

TEST(ChatRequestTest, OfDoubledKeysTheLastCountsAndNulIsText) {
  EXPECT_EQ(parsed(body(R"("max_tokens":2,"max_tokens":3)")).max_new_tokens, 3);
  EXPECT_EQ(messages(R"([{"role":"user","content":"a\u0000b"}])").at(0).at("content").as_string(),
            std::string_view("a\0b", 3));
}

TEST(ChatRequestTest, ReasoningEffortAndTheTemplateOptionAreOneSwitch) {
  EXPECT_EQ(parsed(body("")).thinking, std::nullopt);
  EXPECT_EQ(parsed(body(R"("reasoning_effort":null)")).thinking, std::nullopt);
  EXPECT_EQ(parsed(body(R"("reasoning_effort":"none")")).thinking, false);
  EXPECT_EQ(parsed(body(R"("reasoning_effort":"minimal")")).thinking, false);
  EXPECT_EQ(parsed(body(R"("reasoning_effort":"low")")).thinking, true);
  EXPECT_EQ(parsed(body(R"("chat_template_kwargs":{"enable_thinking":false})")).thinking, false);
  EXPECT_EQ(
      parsed(body(R"("reasoning_effort":"high","chat_template_kwargs":{"enable_thinking":false})"))
          .thinking,
      false);
  EXPECT_EQ(refused(body(R"("chat_template_kwargs":{"enable_thinking":"no"})")).param,
            "chat_template_kwargs.enable_thinking");
}

TEST(ChatRequestTest, RolesOfOldAndOddConversationsAreTaken) {
  EXPECT_EQ(messages(R"([{"role":"function","name":"f","content":"x"}])").at(0).at("name"), "f");
  const json::value list = messages(
      R"([{"role":"assistant","tool_calls":[{"id":"a","function":{"name":"f","arguments":"{}"}},
          {"id":"b","function":{"name":"f","arguments":"no json"}}]},
          {"role":"tool","tool_call_id":"b","content":"1"},
          {"role":"tool","tool_call_id":"a","content":"2"}])");
  EXPECT_EQ(list.as_array().size(), 3u);
  EXPECT_EQ(list.at(0).at("tool_calls").at(1).at("function").at("arguments"), "no json");
}

TEST(ChatRequestTest, MoreMessagesThanAllowedAreRefusedWithBothNumbers) {
  std::string list = "[";
  for (std::size_t i = 0; i <= kMaxMessages; ++i) {
    list += std::string(i == 0 ? "" : ",") + R"({"role":"user","content":"a"})";
  }
  const RequestError error = refused(body("", list + "]"));
  EXPECT_EQ(error.param, "messages");
  EXPECT_THAT(error.status.message(), HasSubstr("1 to 4096 entries, found 4097"));
}

TEST(ChatRequestTest, DeveloperIsSystem) {
  EXPECT_EQ(messages(R"([{"role":"developer","content":"x"}])").at(0).at("role"), "system");
}

TEST(ChatRequestTest, ToolCallArgumentsBecomeAnObjectAndResultsNeedTheirCall) {
  const json::value list = messages(
      R"([{"role":"assistant","content":null,"tool_calls":[{"id":"c1","type":"function","function":{"name":"f",
          "arguments":"{\"a\":1}"}}]},{"role":"tool","tool_call_id":"c1","content":"2"}])");
  EXPECT_EQ(list.at(0).at("tool_calls").at(0).at("function").at("arguments").at("a"), 1);
  EXPECT_EQ(list.at(1).at("tool_call_id"), "c1");
  EXPECT_EQ(refused(body("", R"([{"role":"tool","tool_call_id":"c9","content":"2"}])")).param,
            "messages[0].tool_call_id");
}

TEST(ChatRequestTest, BadMessagesNameTheirPlace) {
  for (const BadField& bad : std::initializer_list<BadField>{
           {"[]", "messages"},
           {"{}", "messages"},
           {"[7]", "messages[0]"},
           {R"([{"content":"x"}])", "messages[0].role"},
           {R"([{"role":"user","content":"a"},{"role":"wizard"}])", "messages[1].role"},
           {R"([{"role":"user","content":7}])", "messages[0].content"},
           {R"([{"role":"user","content":[{"type":"smell"}]}])", "messages[0].content[0]"},
           {R"([{"role":"user","content":[{"type":"image_url","image_url":{"url":"x"}}]}])",
            "messages[0].content[0]"}}) {
    EXPECT_EQ(refused(body("", bad.field)).param, bad.param) << bad.field;
  }
  EXPECT_EQ(refused(R"({"model":"m"})").param, "messages");
}

}  // namespace
}  // namespace axle::api
