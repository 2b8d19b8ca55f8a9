#pragma once

#include <boost/json.hpp>
#include <string>
#include <vector>

#include "fleet/testing/fake_fleet.h"
#include "http/testing/fake_exchange.h"

namespace axle::api {

using fleet::testing::FakeFleet;
using http::testing::FakeExchange;
using http::testing::send;

// The joined content deltas of one choice.
inline std::string streamed_text(const std::vector<std::string>& events, std::int64_t choice) {
  std::string text;
  for (const std::string& data : events) {
    if (data == "[DONE]") continue;
    const boost::json::value event = boost::json::parse(data);
    for (const auto& entry : event.at("choices").as_array()) {
      const auto* content = entry.at("delta").as_object().if_contains("content");
      if (content != nullptr && entry.at("index") == choice)
        text += std::string(content->get_string());
    }
  }
  return text;
}

}  // namespace axle::api
