#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "base/result.h"
#include "jobs/job.h"

namespace axle::worker {

// Takes the events of running jobs. Calls come from the engine thread only, during step().
class JobEvents {
 public:
  virtual ~JobEvents() = default;
  virtual void on_event(jobs::JobId id, jobs::JobEvent event) = 0;
};

// How busy a host is; read by the heartbeat thread from a copy.
struct HostLoad {
  std::int32_t running = 0;
  std::int32_t waiting = 0;
  std::int32_t cells_used = 0;
  std::int32_t cells_total = 0;
  std::int32_t kv_banks = 0;
  std::int64_t host_cache_bytes = 0;
  double prompt_token_s = 0.0;  // As in jobs::Heartbeat.
  double new_token_s = 0.0;
  double picture_step_s = 0.0;
  double picture_rest_s = 0.0;
};

// What a card process runs, behind an interface so that its message handling can be tested without
// a model. The real one (CardHost) owns the card, the loaded models and their generators.
//
// Threading: one thread, the engine thread.
class EngineHost {
 public:
  using LoadProgress = std::function<void(const jobs::LoadProgress&)>;

  virtual ~EngineHost() = default;

  // Takes the card into use; once, before anything else. May block for 50 s on a sick card.
  // Errors: as card::Library::open and card::Card::open.
  virtual Result<jobs::Hello> open() = 0;

  // Puts a package on the card. Errors: those of the package and of the card; kInvalidArgument  the
  // name is taken. kCardLost means that the process must end; all others leave the rest running.
  virtual Result<jobs::ModelLoaded> load(const jobs::LoadJob& job,
                                         const LoadProgress& progress) = 0;

  // Takes a package off the card; its jobs get Failed (kUnavailable) through `events`.
  // Errors: kNotFound  no such package. kCardLost.
  virtual Status unload(const std::string& model, JobEvents& events) = 0;

  // Queues a job. Errors: kNotFound  no such model; kInvalidArgument, kExhausted  the job can never
  // run as asked.
  virtual Status add(jobs::JobId id, const jobs::Job& job) = 0;

  // Forgets the job; no event follows. Unknown ids are ignored.
  virtual void cancel(jobs::JobId id) = 0;

  // Ends a picture early, with how it looks. Unknown ids and texts are ignored.
  virtual void interrupt(jobs::JobId id) = 0;

  virtual bool idle() const = 0;

  // One unit of work of one model. Only errors that end the process are returned: kCardLost,
  // kInternal; a job's own failure is an event.
  virtual Status step(JobEvents& events) = 0;

  // Asks the card. Errors: kUnsupported  it cannot say. kCardLost.
  virtual Result<jobs::Readings> readings() = 0;

  virtual HostLoad load_figures() const = 0;

  // Gives everything back, so that the next owner finds a clean card.
  virtual void close() = 0;
};

}  // namespace axle::worker
