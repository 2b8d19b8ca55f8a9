#pragma once

#include <cstdint>
#include <string>

#include "base/result.h"
#include "jobs/job.h"
#include "worker/engine_host.h"

namespace axle::worker {

// One model on the card with its jobs. It works in units, the smallest pieces that the card's other
// models can be served between: a step of all texts, one engine run of a picture.
//
// Errors of its functions are those of the job, unless said otherwise.
// Threading: the engine thread.
class Resident {
 public:
  virtual ~Resident() = default;

  // What load() of the host answers with; name and load time are the host's.
  virtual jobs::ModelLoaded description() const = 0;

  // Errors: kInvalidArgument  a job of another kind than the model is for, or that can never run as
  // asked. kExhausted  too much for the model, or too many jobs.
  virtual Status add(jobs::JobId id, const jobs::Job& job) = 0;
  virtual void cancel(jobs::JobId id) = 0;
  // Ends a job early with what there is; of no effect on jobs that cannot.
  virtual void interrupt(jobs::JobId /*id*/) {}

  virtual bool idle() const = 0;
  // The highest priority among its jobs. REQUIRES: !idle().
  virtual std::int32_t priority() const = 0;
  // One unit. REQUIRES: !idle().
  // Errors: those that end the process: the card's.
  virtual Status step(JobEvents& events) = 0;

  // Adds its part to the host's figures.
  virtual void add_load(HostLoad& figures) const = 0;
  // Gives card memory back that it can do without. True where there was some.
  // Errors: kCardLost, kUnavailable.
  virtual Result<bool> give_memory_back() { return false; }
};

}  // namespace axle::worker
