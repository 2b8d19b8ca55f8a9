#pragma once

#include <memory>
#include <span>
#include <string>

#include "api/web/web_files.h"
#include "http/exchange.h"
#include "http/router.h"

namespace axle::api {

// The page at / and its files, without a key: they hold nothing but the program itself.
//
// Programs that do not ask for HTML get a line of text at /, as does everyone where there is no
// page. A file whose name holds a hash of its content may be kept for ever, any other is asked for
// again with its ETag. Nothing but this server may be loaded by the page (Content-Security-Policy).
//
// Threading: handlers run on the server's worker threads.
// Lifetime: must outlive the server that has its routes; the files must outlive it.
class WebPage {
 public:
  // `version` is told in the line of text.
  WebPage(std::span<const WebFile> files, std::string version);

  void add_routes(http::Router& router) const;

 private:
  void root(const std::shared_ptr<http::Exchange>& exchange) const;

  std::span<const WebFile> files_;
  std::string version_;
};

// The answer that a request gets for a file: 304 where it has it already.
http::Response file_response(const WebFile& file, const http::Request& request);

}  // namespace axle::api
