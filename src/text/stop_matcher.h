#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace axle::text {

// Finds stop strings in text that arrives in pieces. Text that may be the beginning of a stop
// string is held back until that is decided, so no part of one is ever given out. Of several the
// one that begins first wins, then the shorter one.
//
// Threading: not synchronised; one object for each generation.
class StopMatcher {
 public:
  struct Step {
    std::string emit;      // Text that may be shown now.
    bool stopped = false;  // A stop string was found; all later text is dropped.
  };

  // `stops` in any order; empty strings among them are ignored.
  explicit StopMatcher(std::vector<std::string> stops);

  // Takes the next piece. Pieces may be cut anywhere; `emit` never ends inside a character when
  // the pieces do not.
  Step push(std::string_view text);

  // The end of the text: what was held back and is no stop string. Empty after a stop. A stop
  // string that was complete, but waited for one that begins before it, counts: see stopped().
  std::string finish();

  bool stopped() const { return stopped_; }
  // The stop string that was found; empty before.
  const std::string& matched() const { return matched_; }

 private:
  // Where in `held_` a stop string begins that is complete or still may become so.
  struct Candidate {
    std::size_t begin = 0;
    const std::string* complete = nullptr;  // Null: undecided.
  };
  enum class More { kMayCome, kNone };
  Candidate first_candidate(More more) const;

  std::vector<std::string> stops_;  // Shortest first.
  std::string held_;
  std::string matched_;
  bool stopped_ = false;
};

}  // namespace axle::text
