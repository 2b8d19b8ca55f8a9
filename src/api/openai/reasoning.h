#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace axle::api {

// What of a text was thought (`reasoning_content`) and what is the answer (`content`).
struct AnswerText {
  std::string reasoning;
  std::string content;
  bool empty() const { return reasoning.empty() && content.empty(); }
};

// Takes an answer apart at "<think>" and "</think>" while it grows. The tags are in neither part,
// nor are the blank lines around them; nothing else is lost, also where the closing tag never
// comes.
//
// Threading: not synchronised; one object for each choice.
// Source: the chat templates of Qwen3 and DeepSeek-R1.
class ReasoningSplitter {
 public:
  enum class Start : std::uint8_t {
    kAnswer,    // A model that does not think: all text is content, tags too.
    kMayThink,  // The text may begin with "<think>".
    kThinks,    // The prompt ends with "<think>": the text begins inside.
  };
  explicit ReasoningSplitter(Start start);

  // Takes the next piece, cut anywhere between characters; returns what can be told apart by now.
  AnswerText push(std::string_view text);
  // The end of the text: what was held back.
  AnswerText finish();

 private:
  enum class State : std::uint8_t { kUndecided, kThinking, kGap, kAnswer };
  bool step(AnswerText& out);
  bool decide();
  bool think(AnswerText& out);

  State state_;
  bool thought_ = false;  // Some reasoning was given out.
  std::string held_;
};

}  // namespace axle::api
