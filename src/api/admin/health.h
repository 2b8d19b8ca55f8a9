#pragma once

#include <string>

#include "base/metrics.h"
#include "fleet/fleet.h"
#include "http/router.h"
#include "http/server.h"

namespace axle::api {

// The routes for operators: GET /live, /ready, /health, /metrics. All but /metrics answer
// without a key.
//
// Threading: handlers run on the server's worker threads.
// Lifetime: fleet and registry must outlive it, and it must outlive the server that has its routes.
class AdminApi {
 public:
  AdminApi(fleet::Fleet& fleet, metrics::Registry& metrics, std::string version);

  void add_routes(http::Router& router);

 private:
  void ready(const std::shared_ptr<http::Exchange>& exchange) const;
  void health(const std::shared_ptr<http::Exchange>& exchange) const;
  void register_card_figures();

  fleet::Fleet& fleet_;
  metrics::Registry& metrics_;
  std::string version_;
};

// True when a request could be answered now: the card works and a model is loaded.
bool is_ready(const fleet::Health& health);

// The body of /health.
std::string health_json(const fleet::Health& health, const fleet::Counters& counters,
                        const std::string& version);

}  // namespace axle::api
