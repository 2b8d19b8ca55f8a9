#pragma once

#include <memory>
#include <string>

#include "api/sdcpp/job_store.h"
#include "api/sdcpp/request.h"
#include "http/exchange.h"
#include "http/router.h"
#include "pictures/studio.h"

namespace axle::api::sdcpp {

// sd-server's own interface: GET /sdcpp/v1/capabilities, POST /sdcpp/v1/img_gen, GET
// /sdcpp/v1/jobs/{id}, POST /sdcpp/v1/jobs/{id}/cancel. A job goes on when its client has left, and
// is kept for ten minutes after its end.
//
// Threading: handlers run on the server's worker threads.
// Lifetime: the studio must outlive it, and it must outlive the server that has its routes.
class SdcppApi {
 public:
  SdcppApi(pictures::Studio& studio, pictures::SourceRules rules);

  void add_routes(http::Router& router);

 private:
  using Exchange = std::shared_ptr<http::Exchange>;

  http::Response capabilities() const;
  http::Response img_gen(const http::Request& request);
  http::Response show(const std::string& id);
  http::Response cancel(const std::string& id);
  Result<std::shared_ptr<Job>> begin(const Request& request);
  http::Response refusal(const Status& status) const;
  http::Response no_job(const std::string& id) const;

  pictures::Studio& studio_;
  const pictures::SourceRules rules_;
  JobStore jobs_;
};

}  // namespace axle::api::sdcpp
