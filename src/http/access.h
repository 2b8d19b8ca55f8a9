#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "http/message.h"

namespace axle::http {

// The API keys of a server. Internal to the room.
//
// Threading: constant after construction.
class KeyRing {
 public:
  explicit KeyRing(const std::vector<std::string>& keys);

  // True when no key is set, or when `headers` carry one of them (see ServerOptions::api_keys).
  // Takes the same time for every wrong key: digests are compared, all of them, to the last byte.
  bool accepts(const HeaderList& headers) const;

 private:
  bool knows(std::string_view candidate) const;

  std::vector<std::string> digests_;  // SHA-256, hexadecimal.
};

// Which web pages may read the answers.
//
// Threading: constant after construction.
// Source: WHATWG Fetch, section 3.3 "CORS protocol"; WICG Private Network Access.
class CorsPolicy {
 public:
  explicit CorsPolicy(std::vector<std::string> origins);

  // Adds what a real answer to `request` needs.
  void decorate(const HeaderList& request, HeaderList& answer) const;
  // The answer to an OPTIONS request on a path whose methods are `allow`.
  Response preflight(const HeaderList& request, std::string_view allow) const;

 private:
  // False: this origin gets no CORS headers.
  bool add_origin(const HeaderList& request, HeaderList& answer) const;

  std::vector<std::string> origins_;
  bool any_ = false;
};

}  // namespace axle::http
