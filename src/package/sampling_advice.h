#pragma once

#include <cstdint>
#include <optional>

namespace axle::package {

// How the makers of a model would have its words drawn; nothing where they do not say.
// Source: Hugging Face's generation_config.json.
struct SamplingAdvice {
  std::optional<double> temperature;  // 0 to 2.
  std::optional<double> top_p;        // Above 0, to 1.
  std::optional<std::int32_t> top_k;  // Above 0.
  friend bool operator==(const SamplingAdvice&, const SamplingAdvice&) = default;
};

}  // namespace axle::package
