#pragma once

#include <chrono>
#include <cstddef>
#include <stop_token>
#include <string>

#include "base/result.h"

namespace axle::http {

struct FetchOptions {
  std::size_t max_bytes = std::size_t{20} << 20;                // Of the body.
  std::chrono::milliseconds timeout{std::chrono::seconds(15)};  // For all of it; at least 1 ms.
  int max_redirects = 3;
  // Also connect to addresses that are not public (is_public_address): of this machine, of the
  // private network, of a cloud's metadata. Only for URLs of people who may use these anyway.
  bool allow_private = false;
  std::stop_token cancel = {};  // Looked at at least once a second.
};

// The body of what an http or https URL leads to, for URLs that strangers name. Every address that
// is connected to is checked, whatever name or redirect led there and whatever the name resolved to
// before. No proxy, no cookies, no credentials, no decompression; certificates are checked against
// the system's. Blocks: for worker threads.
//
// Threading: safe from any thread.
//
// Errors: kInvalidArgument   no http or https URL, or one with credentials, or one that leads to
//                            such a URL, to an address that is not public, or through more than
//                            `max_redirects` redirects.
//         kNotFound          the name does not resolve, or the server answered 404 or 410.
//         kExhausted         the body is longer than `max_bytes`.
//         kDeadlineExceeded  not all of it came in `timeout`.
//         kCancelled         as `cancel` says.
//         kUnavailable       no connection, a broken one, or an answer that is not 2xx.
Result<std::string> fetch(const std::string& url, const FetchOptions& options = {});

}  // namespace axle::http
