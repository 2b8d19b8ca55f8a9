#include "text/chat_template.h"

#include <utility>

#include "text/shim_support.h"

namespace axle::text {
namespace {

struct TemplateFree {
  void operator()(AxtTemplate* chat_template) const { axt_template_free(chat_template); }
};

}  // namespace

struct ChatTemplate::Impl {
  std::unique_ptr<AxtTemplate, TemplateFree> handle;
};

ChatTemplate::ChatTemplate(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
ChatTemplate::ChatTemplate(ChatTemplate&&) noexcept = default;
ChatTemplate& ChatTemplate::operator=(ChatTemplate&&) noexcept = default;
ChatTemplate::~ChatTemplate() = default;

Result<ChatTemplate> ChatTemplate::compile(std::string_view source) {
  shim::init();
  AxtTemplate* made = nullptr;
  AXLE_TRY(shim::check([&](AxtBuffer* error) {
    return axt_template_new(shim::borrow(source), kMaxSteps, kMaxPromptBytes, &made, error);
  }));
  auto impl = std::make_unique<Impl>();
  impl->handle.reset(made);
  return ChatTemplate(std::move(impl));
}

Result<std::string> ChatTemplate::render(std::string_view context_json,
                                         std::chrono::system_clock::time_point now) const {
  const auto seconds = std::chrono::floor<std::chrono::seconds>(now.time_since_epoch()).count();
  shim::Buffer prompt;
  AXLE_TRY(shim::check([&](AxtBuffer* error) {
    return axt_template_render(impl_->handle.get(), shim::borrow(context_json), seconds,
                               prompt.get(), error);
  }));
  return prompt.text();
}

}  // namespace axle::text
