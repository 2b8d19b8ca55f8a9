#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "package/picture_package.h"

// pictures.json: what the engines of a picture package do not say. Not part of the room's
// interface.
namespace axle::package {

inline constexpr std::string_view kPictureConfigFile = "pictures.json";

struct PictureConfig {
  std::string model_name;       // Empty: the name of the folder.
  std::vector<int> time_steps;  // Of the rows of the time file, in order. Empty: not said.
  std::optional<PreviewRows> preview = {};
};

// Reads {"model_name": "...", "time_steps": [999, ...], "preview": [[r, g, b], ...]}; other keys
// are ignored. Errors: kCorrupt  not JSON, a key of a wrong type, a timestep that is not 0 to 999,
// a preview that
//                   is not five rows of three numbers from -100 to 100.
Result<PictureConfig> parse_picture_config(std::string_view text);

std::string to_json(const PictureConfig& config);

}  // namespace axle::package
