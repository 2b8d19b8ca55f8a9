#include "api/openai/chat.h"

#include <fmt/format.h>

#include <algorithm>
#include <random>
#include <utility>
#include <vector>

#include "api/openai/errors.h"
#include "base/log.h"

namespace axle::api {
namespace {

std::uint64_t random_seed() {
  thread_local std::random_device device;
  return (static_cast<std::uint64_t>(device()) << 32) | device();
}

// The variables of a chat template; ours win over those of the request.
// Source: Hugging Face transformers, "Chat templates".
std::string template_context(const ServedModel& model, const ChatRequest& request) {
  std::string context = request.template_options_json;
  context.back() = context == "{}" ? ' ' : ',';
  if (request.thinking) context += fmt::format(R"("enable_thinking":{},)", *request.thinking);
  return context +
         fmt::format(
             R"("messages":{},"add_generation_prompt":true,"bos_token":{},"eos_token":{}}})",
             request.messages_json, http::json_quote(model.package.info().bos_text),
             http::json_quote(model.package.info().eos_text));
}

// Thoughts can be asked for, or refused, only of a model whose template has that switch.
std::optional<RequestError> thinking_refusal(const ServedModel& model, const ChatRequest& request) {
  if (!request.thinking || model.thinking_switch || *request.thinking == model.thinks) return {};
  return RequestError{
      unsupported(fmt::format("{} {}; leave out 'reasoning_effort' and "
                              "'chat_template_kwargs.enable_thinking'",
                              model.name, model.thinks ? "always thinks" : "does not think")),
      "reasoning_effort", "unsupported"};
}

// Where the text of the answer to `prompt` begins.
ReasoningSplitter::Start start_of(const ServedModel& model, std::string_view prompt) {
  if (!model.thinks) return ReasoningSplitter::Start::kAnswer;
  const std::size_t end = prompt.find_last_not_of(" \t\r\n");
  const bool inside =
      end != std::string_view::npos && prompt.substr(0, end + 1).ends_with("<think>");
  return inside ? ReasoningSplitter::Start::kThinks : ReasoningSplitter::Start::kMayThink;
}

// Tokens of the model whose text holds one of `texts`, by rising id. Reads the whole vocabulary.
std::vector<jobs::TokenId> tokens_with(const ServedModel& model,
                                       const std::vector<std::string>& texts) {
  std::vector<jobs::TokenId> found;
  const std::size_t known =
      std::min<std::size_t>(model.tokenizer.vocab_size(), model.package.vocab_size());
  for (std::size_t id = 0; id < known; ++id) {
    const std::string_view bytes = model.tokenizer.token_bytes(static_cast<jobs::TokenId>(id));
    if (std::ranges::any_of(texts, [&](const std::string& text) {
          return bytes.find(text) != std::string_view::npos;
        })) {
      found.push_back(static_cast<jobs::TokenId>(id));
    }
  }
  return found;
}

}  // namespace

ChatApi::ChatApi(fleet::Fleet& fleet, const ModelRegistry& models, metrics::Registry& metrics,
                 ChatOptions options)
    : fleet_(fleet),
      models_(models),
      list_(models, options.picture_models),
      metrics_(metrics),
      keep_alive_(options.ping_interval) {}

void ChatApi::add_routes(http::Router& router) {
  using Shared = std::shared_ptr<http::Exchange>;
  router.add("POST", "/v1/chat/completions", [this](const Shared& exchange) { chat(exchange); });
  router.add("GET", "/v1/models", [this](const Shared& exchange) { list_models(exchange); });
  router.add("GET", "/v1/models/{id...}", [this](const Shared& exchange) { show_model(exchange); });
}

void ChatApi::chat(const std::shared_ptr<http::Exchange>& exchange) {
  Parsed<ChatRequest> request = parse_chat_request(exchange->request().body);
  if (!request.ok()) {
    return exchange->respond(error_response(request.error(), fleet_.retry_after()));
  }
  std::shared_ptr<const ServedModel> model = models_.find(request.value().model);
  if (model == nullptr) {
    return exchange->respond(
        error_response(model_error(request.value().model), fleet_.retry_after()));
  }
  PromptFacts prompt;
  Parsed<jobs::GenerateJob> job = make_job(*model, request.value(), prompt);
  if (!job.ok()) return exchange->respond(error_response(job.error(), fleet_.retry_after()));
  const auto completion =
      std::make_shared<Completion>(ChatContext{fleet_, metrics_}, exchange, std::move(model),
                                   std::move(request.value()), prompt);
  completion->start(job.value());
  keep_alive_.watch(completion);
}

Parsed<jobs::GenerateJob> ChatApi::make_job(const ServedModel& model, ChatRequest& request,
                                            PromptFacts& facts) const {
  if (const auto refusal = thinking_refusal(model, request)) return *refusal;
  const Result<std::string> prompt = model.chat_template.render(template_context(model, request),
                                                                std::chrono::system_clock::now());
  // Whatever fails here fails again with the same messages: never an error that invites a retry.
  if (!prompt.ok()) {
    const std::string& why = prompt.status().message();
    return RequestError{invalid_argument("the chat template refuses the messages: " + why),
                        "messages", "template_error"};
  }
  const Result<std::vector<std::int32_t>> ids =
      model.tokenizer.encode(*prompt, text::SpecialTokens::kParse);
  if (!ids.ok()) return RequestError{invalid_argument(ids.status().message()), "messages", ""};
  if (log_prompts())
    AXLE_LOG_INFO("api", "prompt for {}: {}", model.name, http::json_quote(*prompt));
  const auto count = static_cast<std::int64_t>(ids->size());
  facts = {static_cast<std::int32_t>(count), start_of(model, *prompt)};
  if (count >= model.context_tokens) {
    return RequestError{
        invalid_argument(fmt::format(
            "the prompt has {} tokens, but the context of {} holds {} together with the answer; "
            "shorten the messages",
            count, model.name, model.context_tokens)),
        "messages", "context_length_exceeded"};
  }
  for (const auto& [id, bias] : request.sampling.logit_bias) {
    if (static_cast<std::size_t>(id) >= model.package.vocab_size()) {
      return RequestError{
          invalid_argument(fmt::format("'logit_bias' names token {}, but {} has the tokens 0 to {}",
                                       id, model.name, model.package.vocab_size() - 1)),
          "logit_bias", ""};
    }
  }
  if (request.sampling.dry.multiplier > 0.0f) {
    request.sampling.dry.breakers = tokens_with(model, request.dry_breakers);
  }
  if (!request.seed_given) request.sampling.seed = random_seed();
  jobs::GenerateJob job;
  job.model = model.name;
  job.prompt = *ids;
  job.sampling = request.sampling;
  const auto room = static_cast<std::int32_t>(model.context_tokens - count);
  job.max_new_tokens = std::min(request.max_new_tokens.value_or(room), room);
  if (!request.ignore_end) job.end_tokens = model.package.end_tokens();
  job.priority = request.priority;
  job.top_logprobs = request.top_logprobs.value_or(-1);
  return job;
}

RequestError ChatApi::model_error(const std::string& name) const {
  const std::string known = models_.all().empty()
                                ? "this server has no language models"
                                : "the language models here are " + models_.known_names();
  if (name.empty() && !models_.all().empty()) {
    return {
        invalid_argument(fmt::format("'model' is missing; give one of {}", models_.known_names())),
        "model", ""};
  }
  if (name.empty()) return {not_found(known), "model", "model_not_found"};
  if (list_.paints(name)) {
    return {invalid_argument(fmt::format("\"{}\" is a picture model, which does not chat; use it "
                                         "with /v1/images/generations; {}",
                                         name, known)),
            "model", "wrong_model_kind"};
  }
  return {not_found(fmt::format("there is no model \"{}\"; {}", name, known)), "model",
          "model_not_found"};
}

void ChatApi::list_models(const std::shared_ptr<http::Exchange>& exchange) const {
  exchange->respond(http::json_response(200, list_.json()));
}

void ChatApi::show_model(const std::shared_ptr<http::Exchange>& exchange) const {
  const std::string& name = exchange->request().param("id");
  if (const std::string* model = list_.find(name))
    return exchange->respond(http::json_response(200, *model));
  exchange->respond(
      error_response({not_found(fmt::format("there is no model \"{}\"; this server has {}", name,
                                            list_.known_names())),
                      "model", "model_not_found"},
                     std::chrono::seconds(1)));
}

}  // namespace axle::api
