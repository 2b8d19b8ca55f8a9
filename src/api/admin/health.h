#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/metrics.h"
#include "fleet/fleet.h"
#include "http/router.h"
#include "http/server.h"
#include "pictures/served_pictures.h"

namespace axle::api {

// The models that paint, of which /health tells sizes and steps.
using PictureModels = std::vector<std::shared_ptr<const pictures::ServedPictures>>;

// The routes for operators: GET /live, /ready, /health, /metrics. All but /metrics answer
// without a key.
//
// Threading: handlers run on the server's worker threads.
// Lifetime: fleet and registry must outlive it, and it must outlive the server that has its routes.
class AdminApi {
 public:
  AdminApi(fleet::Fleet& fleet, metrics::Registry& metrics, std::string version,
           PictureModels pictures);

  void add_routes(http::Router& router);

 private:
  void ready(const std::shared_ptr<http::Exchange>& exchange) const;
  void health(const std::shared_ptr<http::Exchange>& exchange) const;
  void register_card_figures();

  fleet::Fleet& fleet_;
  metrics::Registry& metrics_;
  std::string version_;
  const PictureModels pictures_;
};

// True when a request could be answered now: the card works and a model is loaded.
bool is_ready(const fleet::Health& health);

// The body of /health.
std::string health_json(const fleet::Health& health, const fleet::Counters& counters,
                        const std::string& version, const PictureModels& pictures);

}  // namespace axle::api
