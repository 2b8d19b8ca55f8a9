#include "package/picture_config.h"

#include <fmt/format.h>

#include <boost/json.hpp>

namespace axle::package {
namespace {

namespace json = boost::json;

constexpr std::int64_t kLastTimestep = 999;
constexpr std::size_t kMostRows = 1000;

Status read_steps(const json::value& value, std::vector<int>& steps) {
  if (!value.is_array()) return corrupt("\"time_steps\" is not a list");
  const json::array& list = value.get_array();
  if (list.size() > kMostRows) return corrupt("\"time_steps\" has more than 1000 entries");
  for (const json::value& entry : list) {
    if (!entry.is_int64() || entry.get_int64() < 0 || entry.get_int64() > kLastTimestep) {
      return corrupt(
          fmt::format("\"time_steps\" holds something that is not 0 to {}", kLastTimestep));
    }
    steps.push_back(static_cast<int>(entry.get_int64()));
  }
  return {};
}

}  // namespace

Result<PictureConfig> parse_picture_config(std::string_view text) {
  json::error_code error;
  const json::value value = json::parse(json::string_view(text.data(), text.size()), error);
  if (error) return corrupt(fmt::format("not JSON: {}", error.message()));
  if (!value.is_object()) return corrupt("it holds no JSON object");
  const json::object& object = value.get_object();
  PictureConfig config;
  if (const json::value* name = object.if_contains("model_name")) {
    if (!name->is_string()) return corrupt("\"model_name\" is not a string");
    config.model_name = std::string(name->get_string().data(), name->get_string().size());
  }
  if (const json::value* steps = object.if_contains("time_steps")) {
    AXLE_TRY(read_steps(*steps, config.time_steps));
  }
  return config;
}

std::string to_json(const PictureConfig& config) {
  json::object object;
  object["model_name"] = config.model_name;
  object["time_steps"] = json::value_from(config.time_steps);
  return json::serialize(object) + "\n";
}

}  // namespace axle::package
