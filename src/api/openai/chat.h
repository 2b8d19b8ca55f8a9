#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "api/openai/completion.h"
#include "api/openai/keep_alive.h"
#include "api/openai/model_list.h"
#include "api/openai/served_model.h"
#include "base/metrics.h"
#include "fleet/fleet.h"
#include "http/router.h"

namespace axle::api {

struct ChatOptions {
  // Silence on a stream after which it gets a ": ping" comment; 0: never. Clients that cannot skip
  // comments need 0.
  std::chrono::milliseconds ping_interval = std::chrono::seconds(15);
  // Listed beside the language models.
  std::vector<std::shared_ptr<const pictures::ServedPictures>> picture_models = {};
};

// The OpenAI routes: POST /v1/chat/completions, GET /v1/models, GET /v1/models/{id}.
//
// Threading: handlers run on the server's worker threads.
// Lifetime: fleet and registries must outlive it, and it must outlive the server that has its
// routes.
class ChatApi {
 public:
  ChatApi(fleet::Fleet& fleet, const ModelRegistry& models, metrics::Registry& metrics,
          ChatOptions options);

  void add_routes(http::Router& router);

 private:
  void chat(const std::shared_ptr<http::Exchange>& exchange);
  void list_models(const std::shared_ptr<http::Exchange>& exchange) const;
  void show_model(const std::shared_ptr<http::Exchange>& exchange) const;
  Parsed<jobs::GenerateJob> make_job(const ServedModel& model, ChatRequest& request,
                                     PromptFacts& facts) const;
  // For a name that no language model has.
  RequestError model_error(const std::string& name) const;

  fleet::Fleet& fleet_;
  const ModelRegistry& models_;
  const ModelList list_;
  ChatMetrics metrics_;
  KeepAlive keep_alive_;
};

}  // namespace axle::api
