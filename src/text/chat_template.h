#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"

namespace axle::text {

// A model's chat template: a Jinja program that turns messages into the prompt. It behaves as under
// Python's jinja2 with the settings of Hugging Face's `transformers` (trimmed blocks, loop
// controls, `tojson`, `raise_exception`, `strftime_now`, `{% generation %}`).
//
// Templates come from model files and are not trusted: they reach no file and no network, and loops
// without end, deep nesting and endless text fail. The memory of values that a template builds is
// not limited.
//
// Threading: immutable; one object may be used by many threads at once.
class ChatTemplate {
 public:
  // Errors: kCorrupt  a syntax error, with its line.
  static Result<ChatTemplate> compile(std::string_view source);

  ChatTemplate(ChatTemplate&&) noexcept;
  ChatTemplate& operator=(ChatTemplate&&) noexcept;
  ~ChatTemplate();

  // The prompt for `context_json`, an object whose members are the template's variables
  // ("messages", "tools", "add_generation_prompt", "bos_token", ...). `now` is what
  // strftime_now() shows, in local time.
  //
  // Errors: kInvalidArgument  the context is not a JSON object, the template refuses it
  //                           (raise_exception: exactly its text), or cannot be applied to it.
  //         kExhausted        more than kMaxSteps steps or kMaxPromptBytes of text.
  Result<std::string> render(std::string_view context_json,
                             std::chrono::system_clock::time_point now) const;

  // Limits of one render. A message of a conversation takes some hundred steps.
  static constexpr std::uint64_t kMaxSteps = 2'000'000;
  static constexpr std::size_t kMaxPromptBytes = std::size_t{16} << 20;

 private:
  struct Impl;
  explicit ChatTemplate(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace axle::text
