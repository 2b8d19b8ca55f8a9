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

Result<PreviewRows> read_preview(const json::value& value) {
  constexpr double kLargest = 100.0;
  const auto wrong = [] {
    return corrupt("\"preview\" is not five rows of three numbers from -100 to 100");
  };
  PreviewRows rows{};
  if (!value.is_array() || value.get_array().size() != rows.size()) return wrong();
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const json::value& row = value.get_array()[i];
    if (!row.is_array() || row.get_array().size() != rows[i].size()) return wrong();
    for (std::size_t j = 0; j < rows[i].size(); ++j) {
      const json::value& number = row.get_array()[j];
      const double found = number.is_number() ? number.to_number<double>() : kLargest + 1.0;
      if (!(found >= -kLargest && found <= kLargest)) return wrong();
      rows[i][j] = static_cast<float>(found);
    }
  }
  return rows;
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
  if (const json::value* preview = object.if_contains("preview")) {
    AXLE_TRY_ASSIGN(config.preview, read_preview(*preview));
  }
  return config;
}

std::string to_json(const PictureConfig& config) {
  json::object object;
  object["model_name"] = config.model_name;
  object["time_steps"] = json::value_from(config.time_steps);
  if (config.preview) object["preview"] = json::value_from(*config.preview);
  return json::serialize(object) + "\n";
}

}  // namespace axle::package
