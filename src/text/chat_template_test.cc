#include "text/chat_template.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <ctime>

namespace axle::text {
namespace {

using std::chrono::system_clock;

Result<std::string> render(std::string_view source, std::string_view context = "{}") {
  AXLE_TRY_ASSIGN(const ChatTemplate compiled, ChatTemplate::compile(source));
  return compiled.render(context, system_clock::from_time_t(0));
}

// The prompt, or the failure, as text to compare with.
std::string shown(std::string_view source, std::string_view context = "{}") {
  const Result<std::string> prompt = render(source, context);
  return prompt.ok() ? *prompt : prompt.status().to_string();
}

TEST(ChatTemplateTest, WritesAConversation) {
  constexpr std::string_view kSource =
      "{% for message in messages %}\n"
      "  {{- '<|im_start|>' + message['role'] + '\\n' + message.content|trim + '<|im_end|>\\n' "
      "-}}\n"
      "{% endfor %}\n"
      "{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}\n";
  constexpr std::string_view kContext =
      R"({"messages":[{"role":"system","content":"Be brief."},{"role":"user","content":" Hi <b> "}],)"
      R"("add_generation_prompt":true})";
  EXPECT_EQ(shown(kSource, kContext),
            "<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\nHi <b><|im_end|>\n"
            "<|im_start|>assistant\n");
}

TEST(ChatTemplateTest, TrimsBlocksAsTransformersDoes) {
  EXPECT_EQ(shown("a\n  {% if true %}\n  b\n  {% endif %}\nc\n"), "a\n  b\nc");
}

TEST(ChatTemplateTest, KnowsPythonsMethods) {
  EXPECT_EQ(shown("{{ ' a,b '.strip().split(',')[-1].upper() }}"), "B");
  EXPECT_EQ(shown("{{ 'x'.startswith('x') }} {{ none }} {{ d.get('k', 'z') }}", R"({"d":{}})"),
            "True None z");
  EXPECT_EQ(
      shown("{% for k, v in d.items() %}{{ k }}={{ v }};{% endfor %}", R"({"d":{"z":1,"a":2}})"),
      "z=1;a=2;");
  EXPECT_EQ(shown("{{ messages[::-1][0] }}{{ messages[1:]|length }}", R"({"messages":[1,2,3]})"),
            "32");
}

TEST(ChatTemplateTest, KnowsLoopControlsNamespacesAndMacros) {
  EXPECT_EQ(shown("{% for i in range(9) %}{% if i == 1 %}{% continue %}{% endif %}"
                  "{% if i == 4 %}{% break %}{% endif %}{{ i }}{% endfor %}"),
            "023");
  EXPECT_EQ(shown("{% set ns = namespace(n=0) %}{% for i in range(3) %}{% set ns.n = ns.n + i %}"
                  "{% endfor %}{{ ns.n }}"),
            "3");
  EXPECT_EQ(shown("{% macro twice(x) %}{{ x }}{{ x }}{% endmacro %}{{ twice('ab') }}"), "abab");
}

TEST(ChatTemplateTest, WritesJsonAsPythonDoes) {
  constexpr std::string_view kContext =
      R"({"v":{"b":[1,2.0,1e22,0.00001,true,null],"a":"é<&>\"\n\u0001"}})";
  EXPECT_EQ(shown("{{ v|tojson }}", kContext),
            "{\"b\": [1, 2.0, 1e+22, 1e-05, true, null], \"a\": \"é<&>\\\"\\n\\u0001\"}");
  EXPECT_EQ(shown("{{ v|tojson(ensure_ascii=true, sort_keys=true) }}", R"({"v":{"b":"é😀","a":1}})"),
            "{\"a\": 1, \"b\": \"\\u00e9\\ud83d\\ude00\"}");
  EXPECT_EQ(shown("{{ v|tojson(indent=2) }}", R"({"v":{"a":[1,{}],"b":[]}})"),
            "{\n  \"a\": [\n    1,\n    {}\n  ],\n  \"b\": []\n}");
  EXPECT_EQ(shown("{{ v|tojson(separators=(',', ':')) }}", R"({"v":{"a":[1,2]}})"),
            "{\"a\":[1,2]}");
}

TEST(ChatTemplateTest, WritesNumbersAsPythonDoes) {
  EXPECT_EQ(shown("{{ 1.0 }} {{ 2 }} {{ x }} {{ y }}", R"({"x":1e22,"y":0.1})"), "1.0 2 1e+22 0.1");
}

TEST(ChatTemplateTest, SeesIterablesAndLengthsAsJinjaDoes) {
  EXPECT_EQ(shown("{{ none is iterable }} {{ 'a' is iterable }} {{ 1 is iterable }} "
                  "{{ [] is iterable }}"),
            "False True False True");
  EXPECT_EQ(shown("{{ nothing|length }} {{ nothing|count }} {{ 'abc'|length }}"), "0 0 3");
}

TEST(ChatTemplateTest, TakesGenerationTagsAway) {
  EXPECT_EQ(shown("a {%- generation -%} b {% endgeneration %} c"), "ab  c");
}

TEST(ChatTemplateTest, ShowsTheTimeItIsGiven) {
  ASSERT_EQ(setenv("TZ", "UTC", 1), 0);
  tzset();
  const Result<ChatTemplate> compiled =
      ChatTemplate::compile("{{ strftime_now('%d %b %Y %H:%M') }}");
  ASSERT_TRUE(compiled.ok()) << compiled.status();
  EXPECT_EQ(*compiled->render("{}", system_clock::from_time_t(1'700'000'000)), "14 Nov 2023 22:13");
  EXPECT_EQ(*compiled->render("{}", system_clock::from_time_t(0)), "01 Jan 1970 00:00");
}

TEST(ChatTemplateTest, ReturnsTheTemplatesOwnRefusal) {
  const Result<std::string> prompt =
      render("{% if true %}{{ raise_exception('Roles must alternate!') }}{% endif %}");
  EXPECT_EQ(prompt.status().code(), Code::kInvalidArgument);
  EXPECT_EQ(prompt.status().message(), "Roles must alternate!");
}

TEST(ChatTemplateTest, ReturnsARefusalInsideAMacroToo) {
  const Result<std::string> prompt =
      render("{% macro m() %}{{ raise_exception('no') }}{% endmacro %}{{ m() }}");
  EXPECT_EQ(prompt.status().code(), Code::kInvalidArgument);
  EXPECT_EQ(prompt.status().message(), "no");
}

TEST(ChatTemplateTest, RefusesSyntaxErrorsWithTheirLine) {
  const Result<ChatTemplate> compiled = ChatTemplate::compile("ok\n{% if %}\n");
  EXPECT_EQ(compiled.status().code(), Code::kCorrupt);
  EXPECT_NE(compiled.status().message().find("line 2"), std::string::npos);
  EXPECT_EQ(ChatTemplate::compile("\xFF").status().code(), Code::kCorrupt);
}

TEST(ChatTemplateTest, RefusesContextsThatAreNoJsonObject) {
  EXPECT_EQ(render("x", "{").status().code(), Code::kInvalidArgument);
  EXPECT_EQ(render("x", "[1]").status().code(), Code::kInvalidArgument);
}

TEST(ChatTemplateTest, SaysWhereItCannotBeApplied) {
  const Result<std::string> prompt = render("a\n{{ 1 + [] }}");
  EXPECT_EQ(prompt.status().code(), Code::kInvalidArgument);
  EXPECT_NE(prompt.status().message().find("line 2"), std::string::npos);
}

TEST(ChatTemplateTest, ReachesNoOtherFile) {
  EXPECT_EQ(render("{% include '/etc/passwd' %}").status().code(), Code::kInvalidArgument);
}

TEST(ChatTemplateTest, EndsLoopsThatNeverWould) {
  const Result<std::string> prompt =
      render("{% for a in range(100000) %}{% for b in range(100000) %}{% endfor %}{% endfor %}");
  EXPECT_EQ(prompt.status().code(), Code::kExhausted);
}

TEST(ChatTemplateTest, EndsMacrosThatCallThemselves) {
  const Result<std::string> prompt = render("{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}");
  EXPECT_EQ(prompt.status().code(), Code::kInvalidArgument);
}

TEST(ChatTemplateTest, EndsPromptsThatGrowTooLong) {
  const Result<std::string> prompt =
      render("{% set x = 'x' * 1000000 %}{% for i in range(1000) %}{{ x }}{% endfor %}");
  EXPECT_EQ(prompt.status().code(), Code::kExhausted);
}

TEST(ChatTemplateTest, SurvivesDeepNesting) {
  std::string context(100'000, '[');
  EXPECT_EQ(render("x", R"({"a":)" + context).status().code(), Code::kInvalidArgument);
  EXPECT_EQ(ChatTemplate::compile("{{ " + std::string(100'000, '(') + " }}").status().code(),
            Code::kCorrupt);
  const std::string nested =
      "{% set n = namespace(x=[]) %}{% for i in range(100000) %}{% set n.x = [n.x] %}{% endfor %}";
  EXPECT_EQ(shown(nested + "done"), "done");
  EXPECT_EQ(render(nested + "{{ n.x|tojson }}").status().code(), Code::kInvalidArgument);
}

}  // namespace
}  // namespace axle::text
