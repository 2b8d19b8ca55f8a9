#include "text/stop_matcher.h"

#include <algorithm>
#include <utility>

namespace axle::text {

StopMatcher::StopMatcher(std::vector<std::string> stops) : stops_(std::move(stops)) {
  std::erase_if(stops_, [](const std::string& stop) { return stop.empty(); });
  std::stable_sort(stops_.begin(), stops_.end(),
                   [](const auto& a, const auto& b) { return a.size() < b.size(); });
}

StopMatcher::Step StopMatcher::push(std::string_view text) {
  Step step;
  if (stopped_) {
    step.stopped = true;
    return step;
  }
  held_ += text;
  const Candidate candidate = first_candidate(More::kMayCome);
  step.emit = held_.substr(0, candidate.begin);
  if (candidate.complete != nullptr) {
    stopped_ = true;
    step.stopped = true;
    matched_ = *candidate.complete;
    held_.clear();
  } else {
    held_.erase(0, candidate.begin);
  }
  return step;
}

std::string StopMatcher::finish() {
  const Candidate candidate = first_candidate(More::kNone);
  std::string rest = held_.substr(0, candidate.begin);
  if (candidate.complete != nullptr) {
    stopped_ = true;
    matched_ = *candidate.complete;
  }
  held_.clear();
  return rest;
}

StopMatcher::Candidate StopMatcher::first_candidate(More more) const {
  const std::string_view held = held_;
  for (std::size_t begin = 0; begin < held.size(); ++begin) {
    const std::string_view tail = held.substr(begin);
    bool open = false;
    for (const std::string& stop : stops_) {
      if (tail.starts_with(stop)) return {begin, &stop};
      open = open || (more == More::kMayCome && std::string_view(stop).starts_with(tail));
    }
    if (open) return {begin, nullptr};
  }
  return {held.size(), nullptr};
}

}  // namespace axle::text
