#include "fleet/wait_estimate.h"

#include <algorithm>
#include <vector>

namespace axle::fleet {

double seconds_of_work(std::int64_t prompt_tokens, std::int64_t new_tokens,
                       const WorkRates& rates) {
  return static_cast<double>(prompt_tokens) * rates.prompt_token_s +
         static_cast<double>(new_tokens) * rates.share_used * rates.new_token_s;
}

double seconds_of_picture(std::int64_t steps, const WorkRates& rates) {
  return static_cast<double>(steps) * rates.picture_step_s + rates.picture_rest_s;
}

double seconds_until_begin(std::span<const double> running, std::span<const double> ahead,
                           std::size_t places) {
  std::vector<double> left(running.begin(), running.end());
  auto next = ahead.begin();
  double now = 0.0;
  for (;;) {
    for (; left.size() < places && next != ahead.end(); ++next) left.push_back(*next);
    if (left.size() < places) return now;
    // Until the one with the least work ends, each of them gets as much engine time.
    const double least = *std::min_element(left.begin(), left.end());
    now += least * static_cast<double>(left.size());
    for (double& work : left) work -= least;
    std::erase_if(left, [](double work) { return work <= 0.0; });
  }
}

}  // namespace axle::fleet
