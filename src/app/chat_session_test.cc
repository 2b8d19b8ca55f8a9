#include "app/chat_session.h"

#include <gtest/gtest.h>

#include <boost/json.hpp>

namespace axle::app {
namespace {

namespace json = boost::json;

TEST(ChatSessionTest, RequestCarriesTheWholeConversationAndTheOptions) {
  ChatArguments arguments;
  arguments.model = "m";
  arguments.system = "be brief";
  arguments.seed = 5;
  ChatSession session(arguments);
  session.add_user("one");
  session.add_assistant("1");
  session.add_user("two");
  const json::value body = json::parse(session.request_body());
  EXPECT_EQ(body.at("messages").as_array().size(), 4u);
  EXPECT_EQ(body.at("messages").at(0).at("content"), "be brief");
  EXPECT_EQ(body.at("messages").at(2).at("role"), "assistant");
  EXPECT_EQ(body.at("seed"), 5);
  EXPECT_FALSE(body.as_object().contains("temperature"));
}

TEST(ChatSessionTest, ResetKeepsTheSystemMessageAndDropTakesTheLastBack) {
  ChatArguments arguments;
  arguments.system = "s";
  ChatSession session(arguments);
  session.add_user("a");
  session.add_user("b");
  session.drop_last();
  EXPECT_EQ(json::parse(session.request_body()).at("messages").as_array().size(), 2u);
  session.reset();
  EXPECT_EQ(json::parse(session.request_body()).at("messages").as_array().size(), 1u);
}

TEST(ChatSessionTest, EventsGiveTheirTextOrTheirError) {
  EXPECT_EQ(*event_text(R"({"choices":[{"delta":{"content":"hi"}}]})"), "hi");
  EXPECT_EQ(*event_text(R"({"choices":[{"delta":{}}]})"), "");
  EXPECT_EQ(*event_text(R"({"choices":[],"usage":{}})"), "");
  EXPECT_EQ(event_text(R"({"error":{"message":"too hot"}})").status(), unavailable("too hot"));
  EXPECT_EQ(event_text("<html>").status().code(), Code::kCorrupt);
}

TEST(ChatSessionTest, AnswerThatIsNo200GivesItsMessage) {
  EXPECT_EQ(answer_error({.status = 401, .body = R"({"error":{"message":"no key"}})"}),
            unavailable("the server answers 401: no key"));
}

TEST(ChatSessionTest, ThoughtsAreNoPartOfTheText) {
  const std::string event = R"({"choices":[{"delta":{"reasoning_content":"hm"}}]})";
  EXPECT_EQ(event_reasoning(event), "hm");
  EXPECT_EQ(*event_text(event), "");
  EXPECT_EQ(event_reasoning(R"({"choices":[{"delta":{"content":"hi"}}]})"), "");
  EXPECT_EQ(event_reasoning("<html>"), "");
}

TEST(ChatSessionTest, FirstModelOfAListAndWhatIsNoList) {
  EXPECT_EQ(*first_model(R"({"data":[{"id":"a"},{"id":"b"}]})"), "a");
  EXPECT_EQ(*first_model(R"({"data":[{"id":"p","kind":"picture"},{"id":"c","kind":"chat"}]})"),
            "c");
  EXPECT_EQ(first_model(R"({"data":[]})").status().code(), Code::kNotFound);
  EXPECT_EQ(first_model(R"({"data":[{"id":"p","kind":"picture"}]})").status().code(),
            Code::kNotFound);
  EXPECT_EQ(first_model("nothing").status().code(), Code::kCorrupt);
  EXPECT_EQ(first_model(R"({"data":[{}]})").status().code(), Code::kCorrupt);
}

}  // namespace
}  // namespace axle::app
