#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace axle::fleet {

// How fast a card works off jobs, as measured lately.
struct WorkRates {
  double prompt_token_s = 0.0;  // Engine time of one prompt token in seconds; 0: not known yet.
  double new_token_s = 0.0;     // Of one new token, at the number of texts of late; 0: likewise.
  double share_used = 1.0;      // How much of the new tokens that they may have texts use; (0, 1].
  double picture_step_s = 0.0;  // Of one run of a picture's U-Net; 0: not known yet.
  double picture_rest_s = 0.0;  // Of all else that a picture takes; 0: likewise.

  bool known() const { return (prompt_token_s > 0.0 && new_token_s > 0.0) || picture_step_s > 0.0; }
};

// The engine time that a text still takes. `new_tokens` are those that it may have at most.
double seconds_of_work(std::int64_t prompt_tokens, std::int64_t new_tokens, const WorkRates& rates);

// The same of a picture that needs so many runs of the U-Net.
double seconds_of_picture(std::int64_t steps, const WorkRates& rates);

// In how many seconds a job begins that waits behind those of `ahead`, when `running` ones run and
// at most `places` may: the running ones share the engine evenly, and one that ends gives its place
// to the next. All in seconds of engine time. REQUIRES: places > 0.
double seconds_until_begin(std::span<const double> running, std::span<const double> ahead,
                           std::size_t places);

}  // namespace axle::fleet
