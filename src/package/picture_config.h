#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

// pictures.json: what the engines of a picture package do not say. Not part of the room's
// interface.
namespace axle::package {

inline constexpr std::string_view kPictureConfigFile = "pictures.json";

struct PictureConfig {
  std::string model_name;       // Empty: the name of the folder.
  std::vector<int> time_steps;  // Of the rows of the time file, in order. Empty: not said.
};

// Reads {"model_name": "...", "time_steps": [999, ...]}; other keys are ignored.
// Errors: kCorrupt  not JSON, a key of a wrong type, a timestep that is not 0 to 999.
Result<PictureConfig> parse_picture_config(std::string_view text);

std::string to_json(const PictureConfig& config);

}  // namespace axle::package
