#include "api/openai/chat.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <boost/json.hpp>
#include <map>
#include <optional>

#include "api/openai/testing/fakes.h"
#include "package/testing/tiny_gguf.h"
#include "pictures/testing/tiny_model.h"

namespace axle::api {
namespace {

namespace json = boost::json;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

// The API over a fake fleet, with the words of a tiny real model.
class ChatTest : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    folder_ = new package::testing::TemporaryFolder;
    const auto package = package::testing::make_tiny_package(folder_->path(), "tiny");
    ASSERT_TRUE(package.ok()) << package.status();
    const auto model = ServedModel::load("tiny", package->string());
    ASSERT_TRUE(model.ok()) << model.status();
    registry_ = new ModelRegistry({*model});
  }
  static void TearDownTestSuite() {
    delete registry_;
    delete folder_;
  }

  void SetUp() override { api_.add_routes(router_); }

  std::shared_ptr<FakeExchange> post(const std::string& body) {
    return send(router_, "POST", "/v1/chat/completions", body);
  }
  std::shared_ptr<FakeExchange> ask(const std::string& fields) {
    return post(R"({"model":"tiny","messages":[{"role":"user","content":"hi"}])" +
                (fields.empty() ? "" : "," + fields) + "}");
  }
  const ServedModel& model() const { return *registry_->all().front(); }
  // Serves a model of the same words whose template is `source` instead.
  void serve_template(const std::string& source) {
    package::testing::TinyPackageOptions options;
    options.gguf.edit = [&source](package::testing::GgufWriter& writer) {
      writer.set_string("tokenizer.chat_template", source);
    };
    const auto package = package::testing::make_tiny_package(
        own_folder_.path(), "own" + std::to_string(++own_packages_), options);
    ASSERT_TRUE(package.ok()) << package.status();
    const auto model = ServedModel::load("tiny", package->string());
    ASSERT_TRUE(model.ok()) << model.status();
    own_registry_ = std::make_unique<ModelRegistry>(std::vector{*model});
    own_api_ = std::make_unique<ChatApi>(fleet_, *own_registry_, own_metrics_,
                                         ChatOptions{std::chrono::milliseconds(0)});
    router_ = http::Router();
    own_api_->add_routes(router_);
  }
  static std::shared_ptr<FakeExchange> plain_exchange() {
    http::Request request;
    request.request_id = "test";
    return std::make_shared<FakeExchange>(std::move(request));
  }
  // A streamed answer without a server around it that keeps it alive.
  std::shared_ptr<Completion> start_stream(const std::shared_ptr<FakeExchange>& exchange,
                                           ChatMetrics& metrics) {
    ChatRequest chat;
    chat.stream = true;
    auto completion = std::make_shared<Completion>(ChatContext{fleet_, metrics}, exchange,
                                                   registry_->all().front(), chat, PromptFacts{3});
    completion->start({});
    return completion;
  }
  std::string prompt_of(std::size_t job) const {
    return *model().tokenizer.decode(fleet_.job(job).prompt, text::SpecialText::kShow);
  }
  // Gives a job the tokens of `text`, one event each.
  void say(std::size_t job, const std::string& text) {
    const auto ids = model().tokenizer.encode(text, text::SpecialTokens::kPlain);
    for (const std::int32_t id : *ids) fleet_.tokens(job, {id});
  }
  // The same, each with a log probability and that of token 1.
  void say_with_logprobs(std::size_t job, const std::string& text) {
    const auto ids = model().tokenizer.encode(text, text::SpecialTokens::kPlain);
    for (const std::int32_t id : *ids) {
      fleet_.event(job, jobs::Tokens{{id}, 0, {{id, -0.5f}, {1, -0.25f}}});
    }
  }
  // The joined bytes of the entries of a list of log probabilities.
  static std::string bytes_of(const json::array& entries) {
    std::string bytes;
    for (const json::value& entry : entries) {
      for (const json::value& byte : entry.at("bytes").as_array()) {
        bytes += static_cast<char>(byte.to_number<unsigned char>());
      }
    }
    return bytes;
  }

  static package::testing::TemporaryFolder* folder_;
  static ModelRegistry* registry_;
  FakeFleet fleet_;
  metrics::Registry metrics_;
  ChatApi api_{fleet_, *registry_, metrics_, {.ping_interval = std::chrono::milliseconds(0)}};
  package::testing::TemporaryFolder own_folder_;
  int own_packages_ = 0;
  metrics::Registry own_metrics_;
  std::unique_ptr<ModelRegistry> own_registry_;
  std::unique_ptr<ChatApi> own_api_;
  http::Router router_;
};
package::testing::TemporaryFolder* ChatTest::folder_ = nullptr;
ModelRegistry* ChatTest::registry_ = nullptr;

TEST_F(ChatTest, WholeAnswerHasTheTextOfAllTokensAndTheUsage) {
  const auto exchange = ask("");
  say(0, "hello you");
  EXPECT_FALSE(exchange->answered());
  fleet_.done(0, jobs::Finish::kStop);
  const json::value answer = json::parse(exchange->response().body);
  EXPECT_EQ(exchange->response().status, 200);
  EXPECT_EQ(answer.at("choices").at(0).at("message").at("content"), "hello you");
  EXPECT_EQ(answer.at("usage").at("prompt_tokens"), fleet_.job(0).prompt.size());
  EXPECT_TRUE(answer.at("id").as_string().starts_with("chatcmpl-"));
}

TEST_F(ChatTest, StreamedDeltasEqualTheWholeTextAndEndWithDone) {
  const auto exchange = ask(R"("stream":true,"stream_options":{"include_usage":true})");
  EXPECT_THAT(exchange->streamed(), HasSubstr("\"role\":\"assistant\""))
      << "headers and role go out before prefill";
  say(0, "héllo 👩‍👩‍👧");
  fleet_.done(0, jobs::Finish::kLength);
  const std::vector<std::string> events = exchange->events();
  EXPECT_EQ(streamed_text(events, 0), "héllo 👩‍👩‍👧");
  EXPECT_EQ(events.back(), "[DONE]");
  EXPECT_TRUE(json::parse(events[events.size() - 2]).at("choices").as_array().empty());
  EXPECT_EQ(json::parse(events[events.size() - 3]).at("choices").at(0).at("finish_reason"),
            "length");
  EXPECT_TRUE(exchange->stream_finished());
}

TEST_F(ChatTest, StopStringAcrossTokensIsNeverShownAndCancelsTheJob) {
  const auto exchange = ask(R"("stop":"<end>","stream":true)");
  say(0, "abc<end>def");
  EXPECT_THAT(fleet_.cancelled(), ElementsAre(fleet_.id(0)));
  EXPECT_EQ(streamed_text(exchange->events(), 0), "abc");
  EXPECT_EQ(exchange->events().back(), "[DONE]");
}

TEST_F(ChatTest, HeldBackTextComesOutWhenItWasNoStopString) {
  const auto exchange = ask(R"("stop":["<end>"])");
  say(0, "abc<en");
  fleet_.done(0, jobs::Finish::kLength);
  EXPECT_EQ(json::parse(exchange->response().body).at("choices").at(0).at("message").at("content"),
            "abc<en");
}

TEST_F(ChatTest, ChoicesComeInIndexOrderAndDifferInTheirSeed) {
  const auto exchange = ask(R"("n":2,"seed":7)");
  ASSERT_EQ(fleet_.size(), 2u);
  EXPECT_EQ(fleet_.job(0).sampling.seed, 7u);
  EXPECT_NE(fleet_.job(1).sampling.seed, 7u);
  say(1, "second");
  fleet_.done(1, jobs::Finish::kStop);
  say(0, "first");
  fleet_.done(0, jobs::Finish::kStop);
  const json::value answer = json::parse(exchange->response().body);
  EXPECT_EQ(answer.at("choices").at(0).at("message").at("content"), "first");
  EXPECT_EQ(answer.at("choices").at(1).at("message").at("content"), "second");
}

TEST_F(ChatTest, ClientThatLeavesCancelsEveryChoice) {
  const auto exchange = ask(R"("n":2)");
  exchange->disconnect();
  EXPECT_THAT(fleet_.cancelled(), ElementsAre(fleet_.id(0), fleet_.id(1)));
  EXPECT_THAT(metrics_.render(), HasSubstr("disconnect"));
}

TEST_F(ChatTest, FailureBeforeTheFirstByteIsAnHttpErrorAndAfterItAnEventWithoutDone) {
  const auto whole = ask("");
  fleet_.fail(0, card_lost("the card is gone"));
  EXPECT_EQ(whole->response().status, 503);
  const auto stream = ask(R"("stream":true)");
  fleet_.fail(1, card_lost("the card is gone"));
  const json::value last = json::parse(stream->events().back());
  EXPECT_EQ(last.at("error").at("message"), "the card is gone");
  EXPECT_TRUE(stream->stream_finished());
}

TEST_F(ChatTest, StopOfTheServerEndsAStreamWithAnErrorAndItsJob) {
  const auto exchange = ask(R"("stream":true)");
  exchange->stop();
  EXPECT_EQ(json::parse(exchange->events().back()).at("error").at("code"), "unavailable");
  EXPECT_TRUE(exchange->stream_finished());
  EXPECT_THAT(fleet_.cancelled(), ElementsAre(fleet_.id(0)));
}

TEST_F(ChatTest, SilentStreamGetsAPingUntilItIsComplete) {
  const auto exchange = plain_exchange();
  ChatMetrics chat_metrics(own_metrics_);
  const auto completion = start_stream(exchange, chat_metrics);
  EXPECT_TRUE(completion->keep_alive(std::chrono::hours(1)));
  EXPECT_THAT(exchange->streamed(), Not(HasSubstr(": ping")));
  EXPECT_TRUE(completion->keep_alive(std::chrono::milliseconds(0)));
  EXPECT_THAT(exchange->streamed(), testing::EndsWith("\n\n: ping\n\n"));
  fleet_.done(0, jobs::Finish::kStop);
  EXPECT_FALSE(completion->keep_alive(std::chrono::milliseconds(0)));
  EXPECT_THAT(exchange->streamed(), testing::EndsWith("data: [DONE]\n\n"));
}

TEST_F(ChatTest, StreamThatWaitsHearsItsPlaceWhenThatChanges) {
  const auto exchange = plain_exchange();
  ChatMetrics chat_metrics(own_metrics_);
  const auto completion = start_stream(exchange, chat_metrics);
  const auto heard = [&] {
    const std::size_t before = exchange->streamed().size();
    EXPECT_TRUE(completion->keep_alive(std::chrono::hours(1)));
    return exchange->streamed().substr(before);
  };
  fleet_.set_place(fleet::QueuePlace{3, std::chrono::milliseconds(11'100)});
  EXPECT_EQ(heard(), ": queued, 3 ahead, about 12 s\n\n");
  EXPECT_EQ(heard(), "");
  fleet_.set_place(fleet::QueuePlace{0, std::chrono::milliseconds(0)});
  EXPECT_EQ(heard(), ": queued, 0 ahead\n\n");
  fleet_.set_place(std::nullopt);
  EXPECT_EQ(heard(), "");
  say(0, "hello");
  fleet_.set_place(fleet::QueuePlace{1, std::chrono::milliseconds(1)});
  EXPECT_EQ(heard(), "");  // Its card process died: the answer goes on and needs no such news.
}

TEST_F(ChatTest, ThoughtsAreStreamedAndReturnedApartFromTheAnswer) {
  serve_template("{{ messages[0].content }}{# </think> #}{{ enable_thinking }}");
  const auto whole = ask("");
  say(0, "<think>\nhm\n</think>\n\nhello");
  fleet_.done(0, jobs::Finish::kStop);
  const json::value message = json::parse(whole->response().body).at("choices").at(0).at("message");
  EXPECT_EQ(message.at("reasoning_content"), "hm");
  EXPECT_EQ(message.at("content"), "hello");
  const auto stream = ask(R"("stream":true)");
  say(1, "<think>\nhm\n</think>\n\nhello");
  fleet_.done(1, jobs::Finish::kStop);
  EXPECT_EQ(streamed_text(stream->events(), 0), "hello");
  EXPECT_THAT(stream->streamed(), HasSubstr("reasoning_content"));
  EXPECT_THAT(stream->streamed(), Not(HasSubstr("think>")));
}

TEST_F(ChatTest, TextThatBeginsInsideThoughtsIsKnownByItsPrompt) {
  serve_template("{{ messages[0].content }}{# </think> #}<think>\n");
  const auto exchange = ask("");
  say(0, "hm</think>hello");
  fleet_.done(0, jobs::Finish::kStop);
  const json::value message =
      json::parse(exchange->response().body).at("choices").at(0).at("message");
  EXPECT_EQ(message.at("reasoning_content"), "hm");
  EXPECT_EQ(message.at("content"), "hello");
}

TEST_F(ChatTest, SwitchForThoughtsReachesTheTemplateOrIsRefused) {
  EXPECT_EQ(ask(R"("reasoning_effort":"high")")->response().status, 400);
  EXPECT_THAT(ask(R"("reasoning_effort":"high")")->response().body, HasSubstr("does not think"));
  ask(R"("reasoning_effort":"none")");
  ASSERT_EQ(fleet_.size(), 1u) << "no thoughts of a model that has none";
  serve_template("{% if enable_thinking %}on{% else %}off{% endif %}</think>");
  ask(R"("reasoning_effort":"high")");
  EXPECT_THAT(prompt_of(1), testing::StartsWith("on"));
  ask(R"("reasoning_effort":"high","chat_template_kwargs":{"enable_thinking":false})");
  EXPECT_THAT(prompt_of(2), testing::StartsWith("off"));
  serve_template("always </think>");
  EXPECT_THAT(ask(R"("reasoning_effort":"none")")->response().body, HasSubstr("always thinks"));
}

TEST_F(ChatTest, RefusalOfTheTemplateIs400AlsoWhereItsTextIsTooLong) {
  const std::string here = "{% if messages[0].content == 'hi' %}";
  serve_template(here + "{{ raise_exception('roles must alternate') }}{% endif %}");
  EXPECT_THAT(ask("")->response().body, HasSubstr("roles must alternate"));
  EXPECT_EQ(ask("")->response().status, 400);
  serve_template(here + "{% for i in range(99999) %}" + std::string(200, 'x') +
                 "{% endfor %}{% endif %}");
  const auto exchange = ask("");
  EXPECT_EQ(exchange->response().status, 400) << exchange->response().body;
  EXPECT_EQ(http::find_header(exchange->response().headers, "x-should-retry"), "false");
}

TEST_F(ChatTest, OddOrdersOfMessagesGiveAPrompt) {
  const std::string system = R"({"role":"system","content":"s"})";
  const std::string user = R"({"role":"user","content":"u"})";
  const std::string assistant = R"({"role":"assistant","content":"a"})";
  for (const std::string& list :
       {user + "," + system, system + "," + system + "," + user, system, user + "," + assistant,
        user + "," + user, assistant + "," + user}) {
    post(R"({"messages":[)" + list + "]}");
  }
  EXPECT_EQ(fleet_.size(), 6u);
}

TEST_F(ChatTest, BytesOfACharacterThatNeverCameBecomeOneReplacementCharacter) {
  const auto exchange = ask(R"("stream":true)");
  say(0, "a");
  const auto ids = model().tokenizer.encode("é", text::SpecialTokens::kPlain);
  fleet_.tokens(0, {ids->front()});
  EXPECT_EQ(streamed_text(exchange->events(), 0), "a");
  fleet_.done(0, jobs::Finish::kLength);
  EXPECT_EQ(streamed_text(exchange->events(), 0), "a\uFFFD");
}

TEST_F(ChatTest, FullQueueIs429WithRetryAfterAlsoForStreams) {
  fleet_.refuse(exhausted("the queue is full"));
  const auto exchange = ask(R"("stream":true)");
  EXPECT_EQ(exchange->response().status, 429);
  EXPECT_EQ(http::find_header(exchange->response().headers, "Retry-After"), "3");
}

TEST_F(ChatTest, DeadlineCountsFromTheArrivalOfTheRequest) {
  const auto before = std::chrono::steady_clock::now();
  ask(R"("deadline_s":3600)");
  const auto after = std::chrono::steady_clock::now();
  ASSERT_TRUE(fleet_.deadline());
  EXPECT_GE(*fleet_.deadline(), before + std::chrono::hours(1));
  EXPECT_LE(*fleet_.deadline(), after + std::chrono::hours(1));
  ask("");
  EXPECT_FALSE(fleet_.deadline());
}

TEST_F(ChatTest, MissedDeadlineIs504ThatInvitesNoRetryAndInAStreamAnEvent) {
  const auto whole = ask(R"("deadline_s":1)");
  fleet_.fail(0, deadline_exceeded("the deadline passed"));
  EXPECT_EQ(whole->response().status, 504);
  EXPECT_EQ(http::find_header(whole->response().headers, "x-should-retry"), "false");
  EXPECT_EQ(json::parse(whole->response().body).at("error").at("code"), "deadline_exceeded");
  const auto stream = ask(R"("deadline_s":1,"stream":true)");
  fleet_.fail(1, deadline_exceeded("the deadline passed"));
  EXPECT_THAT(stream->events().back(), HasSubstr("deadline_exceeded"));
  EXPECT_TRUE(stream->stream_finished());
}

TEST_F(ChatTest, SecondChoiceThatIsRefusedCancelsTheFirst) {
  fleet_.refuse_after(1, exhausted("the queue is full"));
  const auto exchange = ask(R"("n":2)");
  EXPECT_EQ(exchange->response().status, 429);
  EXPECT_THAT(fleet_.cancelled(), ElementsAre(fleet_.id(0)));
}

TEST_F(ChatTest, UnknownModelIs404WithTheKnownNames) {
  const auto exchange = post(R"({"model":"gpt-9","messages":[{"role":"user","content":"hi"}]})");
  EXPECT_EQ(exchange->response().status, 404);
  EXPECT_THAT(exchange->response().body, HasSubstr("model_not_found"));
  EXPECT_THAT(exchange->response().body, HasSubstr("tiny"));
}

TEST_F(ChatTest, OnlyModelServesRequestsThatNameNone) {
  post(R"({"messages":[{"role":"user","content":"hi"}]})");
  EXPECT_EQ(fleet_.job(0).model, "tiny");
}

TEST_F(ChatTest, PromptOverTheContextIs400WithBothNumbersAndNoJob) {
  const auto exchange = post(R"({"stream":true,"messages":[{"role":"user","content":")" +
                             std::string(3000, 'x') + "\"}]}");
  EXPECT_EQ(exchange->response().status, 400);
  EXPECT_THAT(exchange->response().body, HasSubstr("context_length_exceeded"));
  EXPECT_THAT(exchange->response().body, HasSubstr(std::to_string(model().context_tokens)));
  EXPECT_THAT(exchange->response().body, HasSubstr("the prompt has 30"));
  EXPECT_EQ(fleet_.size(), 0u);
}

TEST_F(ChatTest, JobCarriesPromptSamplingEndTokensAndLimit) {
  ask(R"("temperature":0,"max_tokens":5,"logit_bias":{"3":-100},"seed":9)");
  const jobs::GenerateJob& job = fleet_.job(0);
  EXPECT_EQ(job.max_new_tokens, 5);
  EXPECT_EQ(job.sampling.temperature, 0);
  EXPECT_EQ(job.sampling.seed, 9u);
  EXPECT_EQ(job.end_tokens, model().package.end_tokens());
  EXPECT_THAT(*model().tokenizer.decode(job.prompt, text::SpecialText::kShow),
              HasSubstr("<|im_start|>user\nhi<|im_end|>"));
}

TEST_F(ChatTest, AnswerIsLimitedToWhatTheContextLeaves) {
  ask(R"("max_tokens":100000)");
  EXPECT_EQ(fleet_.job(0).max_new_tokens,
            model().context_tokens - static_cast<std::int32_t>(fleet_.job(0).prompt.size()));
}

TEST_F(ChatTest, LogitBiasOutsideTheVocabularyIsRefused) {
  EXPECT_EQ(ask(R"("logit_bias":{"9999999":1})")->response().status, 400);
}

TEST_F(ChatTest, SlowReaderGetsItsTextInFewerLargerChunks) {
  const auto exchange = ask(R"("stream":true)");
  exchange->set_full(true);
  say(0, "abcdefghij");
  const std::size_t while_full = exchange->events().size();
  exchange->set_full(false);
  exchange->drain();
  fleet_.done(0, jobs::Finish::kStop);
  EXPECT_LE(while_full, 3u);
  EXPECT_EQ(streamed_text(exchange->events(), 0), "abcdefghij");
}

TEST_F(ChatTest, DryGetsTheTokensThatHoldABreakerAndOnlyWhenItIsOn) {
  ask(R"("dry_sequence_breakers":["e"])");
  EXPECT_TRUE(fleet_.job(0).sampling.dry.breakers.empty());
  ask(R"("dry_multiplier":0.8,"dry_sequence_breakers":["e"])");
  const std::vector<jobs::TokenId>& breakers = fleet_.job(1).sampling.dry.breakers;
  ASSERT_FALSE(breakers.empty());
  EXPECT_TRUE(std::is_sorted(breakers.begin(), breakers.end()));
  for (std::int32_t id = 0; id < static_cast<std::int32_t>(model().tokenizer.vocab_size()); ++id) {
    const bool holds = model().tokenizer.token_bytes(id).find('e') != std::string_view::npos;
    EXPECT_EQ(std::binary_search(breakers.begin(), breakers.end(), id), holds) << id;
  }
}

TEST_F(ChatTest, LogprobsOfAWholeAnswerCoverItsTextTokenByToken) {
  const auto exchange = ask(R"("logprobs":true,"top_logprobs":1)");
  EXPECT_EQ(fleet_.job(0).top_logprobs, 1);
  say_with_logprobs(0, "hello é");
  fleet_.done(0, jobs::Finish::kStop);
  const json::value choice = json::parse(exchange->response().body).at("choices").at(0);
  const json::array& content = choice.at("logprobs").at("content").as_array();
  EXPECT_EQ(bytes_of(content), "hello é");
  EXPECT_DOUBLE_EQ(content.at(0).at("logprob").as_double(), -0.5);
  EXPECT_EQ(content.at(0).at("top_logprobs").as_array().size(), 1u);
  EXPECT_TRUE(choice.at("logprobs").at("refusal").is_null());
}

TEST_F(ChatTest, LogprobsNotAskedForAreNullAndThoseOfAnEmptyAnswerAnEmptyList) {
  const auto plain = ask("");
  EXPECT_EQ(fleet_.job(0).top_logprobs, -1);
  fleet_.done(0, jobs::Finish::kStop);
  EXPECT_TRUE(json::parse(plain->response().body).at("choices").at(0).at("logprobs").is_null());
  const auto empty = ask(R"("logprobs":true)");
  fleet_.done(1, jobs::Finish::kStop);
  const json::value logprobs =
      json::parse(empty->response().body).at("choices").at(0).at("logprobs");
  EXPECT_TRUE(logprobs.at("content").as_array().empty());
}

TEST_F(ChatTest, StreamedLogprobsComeWithTheTextOfTheirTokens) {
  const auto exchange = ask(R"("logprobs":true,"stream":true,"stop":"<end>")");
  say_with_logprobs(0, "é abc<e");
  fleet_.done(0, jobs::Finish::kLength);
  std::string text;
  json::array all;
  for (const std::string& data : exchange->events()) {
    if (data == "[DONE]") continue;
    const json::value choice = json::parse(data).at("choices").at(0);
    if (const auto* part = choice.at("delta").as_object().if_contains("content")) {
      text += std::string(part->get_string());
    }
    if (choice.at("logprobs").is_null()) continue;
    const json::array& entries = choice.at("logprobs").at("content").as_array();
    all.insert(all.end(), entries.begin(), entries.end());
    EXPECT_EQ(bytes_of(all), text) << "neither before nor after its text";
  }
  EXPECT_EQ(text, "é abc<e");
  EXPECT_EQ(bytes_of(all), text);
}

TEST_F(ChatTest, LogprobsEndWhereAStopStringEndsTheText) {
  const auto exchange = ask(R"("logprobs":true,"stop":"<end>")");
  say_with_logprobs(0, "abc<end>def");
  const json::value choice = json::parse(exchange->response().body).at("choices").at(0);
  EXPECT_EQ(bytes_of(choice.at("logprobs").at("content").as_array()), "abc");
}

TEST_F(ChatTest, ModelsAreListedAndShownByName) {
  const json::value list = json::parse(send(router_, "GET", "/v1/models", "")->response().body);
  EXPECT_EQ(list.at("object"), "list");
  EXPECT_EQ(list.at("data").at(0).at("id"), "tiny");
  EXPECT_GT(list.at("data").at(0).at("created").as_int64(), 0);
  EXPECT_EQ(send(router_, "GET", "/v1/models/tiny", "")->response().status, 200);
  EXPECT_EQ(send(router_, "GET", "/v1/models/tiny:latest", "")->response().status, 200);
  EXPECT_EQ(send(router_, "GET", "/v1/models/a/b", "")->response().status, 404);
}

TEST_F(ChatTest, PictureModelsAreListedButDoNotChat) {
  const pictures::testing::TinyModel painter;
  ChatOptions options;
  options.ping_interval = std::chrono::milliseconds(0);
  options.picture_models = {painter.served()};
  const ModelRegistry no_words({});
  ChatApi api(fleet_, no_words, own_metrics_, options);
  router_ = http::Router();
  api.add_routes(router_);
  EXPECT_EQ(send(router_, "GET", "/v1/models/tiny", "")->response().status, 200);
  const auto wrong = ask("");
  EXPECT_EQ(wrong->response().status, 400);
  EXPECT_THAT(wrong->response().body,
              HasSubstr("is a picture model, which does not chat; use it with "
                        "/v1/images/generations; this server has no language models"));
  const auto unnamed = post(R"({"messages":[{"role":"user","content":"hi"}]})");
  EXPECT_EQ(unnamed->response().status, 404);
}

TEST_F(ChatTest, MessagesCannotBeReplacedThroughTemplateOptions) {
  ask(R"("chat_template_kwargs":{"messages":[{"role":"user","content":"other"}],"add_generation_prompt":false})");
  const std::string prompt =
      *model().tokenizer.decode(fleet_.job(0).prompt, text::SpecialText::kShow);
  EXPECT_THAT(prompt, HasSubstr("user\nhi"));
  EXPECT_THAT(prompt, HasSubstr("<|im_start|>assistant"));
}

TEST_F(ChatTest, IgnoredEndTokensLetTheTextGoOn) {
  ask(R"("ignore_eos":true)");
  EXPECT_TRUE(fleet_.job(0).end_tokens.empty());
}

}  // namespace
}  // namespace axle::api
