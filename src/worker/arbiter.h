#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <span>

namespace axle::worker {

// Who works next on the NPU, which runs one engine at a time: of the models that have work those
// with the highest priority, and of these the one that has had least of the card's time. So a model
// of long units (pictures) and one of short ones (texts) get as much time each, and a model that
// comes back after a pause neither catches up on what it did not want nor waits for its share.
//
// Plain bookkeeping: start-time fair queueing over measured time. Source: Goyal, Vin, Cheng 1996.
//
// Threading: none.
class Arbiter {
 public:
  using Flow = std::uint64_t;  // A model; the caller numbers them.

  struct Candidate {
    Flow flow = 0;
    std::int32_t priority = 0;  // Higher goes first.
  };

  // The index of the one to serve. `candidates`: all that have work now, at least one.
  std::size_t choose(std::span<const Candidate> candidates);
  // It took so long.
  void account(Flow flow, double seconds);
  void forget(Flow flow);

 private:
  struct State {
    double served = 0.0;  // Seconds, as if it had always had work.
    bool active = false;
  };

  std::map<Flow, State> flows_;
  double now_ = 0.0;  // `served` of the flow that was chosen last.
};

}  // namespace axle::worker
