#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "fleet/health.h"
#include "fleet/supervisor_options.h"
#include "jobs/job.h"

namespace axle::fleet {

// Takes the events of one job, in this order: Accepted once, Progress* and Tokens* of a text or
// PictureStep* of a picture, then exactly one of Done, PictureDone and Failed. Each token and each
// step comes exactly once, whatever happens to card processes meanwhile.
//
// Threading: called on the fleet's thread; must not block and must not throw. It may call submit()
// and cancel(). The fleet drops its reference on its own thread after the last event.
class JobSink {
 public:
  virtual ~JobSink() = default;
  virtual void on_event(jobs::JobId id, const jobs::JobEvent& event) = 0;
};

// Where a job stands that waits.
struct QueuePlace {
  std::int32_t ahead = 0;             // Jobs that go before it.
  std::chrono::milliseconds wait{0};  // Until it begins, estimated; 0: at once, or nobody knows.
};

struct FleetOptions {
  // The card process: executable (absolute path) and arguments. "--fd 3" is appended: descriptor 3
  // of the child is its end of the socket; every higher one is closed.
  std::vector<std::string> command;
  std::vector<jobs::LoadJob> models;  // Loaded in this order by every card process.
  std::size_t queue_limit = 256;      // Jobs that may wait in the front.
  std::size_t running_limit = 32;     // Jobs handed to the card process at a time.
  std::int32_t strikes_limit = 3;     // Card processes that a job may end before it fails itself.
  // What restarts the card itself, e.g. {"/usr/bin/axcl-smi", "reboot", "-d", "0"}; it gets "y" on
  // its standard input. Empty: that rung of the ladder is left out.
  std::vector<std::string> reboot_command;
  SupervisorOptions supervisor;
};

// The front's side of one card: starts the card process, watches it, restarts it and, where needed,
// the card; keeps the queue of jobs and hands running ones to the next card process, with the
// tokens or steps they already have.
//
// A job runs with its priority first, then in the order of submission. A job that was running in
// several card processes that died, without a token in any of them, is run alone next, and fails
// when that ends a process too (FleetOptions::strikes_limit), so that one poisonous request cannot
// stop the others.
//
// Threading: every function may be called from any thread; none blocks, except stop() and the
// destructor. Events are delivered by one thread of the fleet.
// Lifetime: the destructor stops without waiting for jobs; those still there get Failed
// (kUnavailable). It waits for a model that is being loaded, for up to a minute: a process killed
// while it loads can leave a card that only a reboot cures.
class Fleet {
 public:
  using Time = std::chrono::steady_clock::time_point;

  // Starts the fleet's thread, which starts the card process; returns before that is ready.
  // Errors: kInvalidArgument  no command, the same model name twice, a limit of 0.
  //         kNotFound         the executable does not exist.
  //         kUnavailable      no descriptors left.
  static Result<std::unique_ptr<Fleet>> start(FleetOptions options);

  virtual ~Fleet() = default;

  // Takes a job. Its events may begin before this returns. `sink` is shared with the caller because
  // a connection may end before its job or after it. A job that has no token when its deadline
  // passes gets Failed (kDeadlineExceeded); one that has some gets Done (kLength) with them.
  //
  // Errors: kInvalidArgument  no prompt, no sink, a negative token, max_new_tokens below 1; a
  // picture
  //                           without pixels or timesteps.
  //         kNotFound         no such model (those that exist are named).
  //         kExhausted        the queue is full; retry_after() says when to come back.
  //         kUnavailable      the card is lost, the model could not be loaded, or the fleet stops
  //                           (with the reason).
  virtual Result<jobs::JobId> submit(jobs::Job job, std::shared_ptr<JobSink> sink,
                                     std::optional<Time> deadline) = 0;
  // Without a deadline.
  Result<jobs::JobId> submit(jobs::Job job, std::shared_ptr<JobSink> sink) {
    return submit(std::move(job), std::move(sink), std::nullopt);
  }

  // Ends a job wherever it is; its slot on the card is free within one step. After the return no
  // event of it begins; one that is being delivered at that moment may still finish. Unknown ids
  // and jobs that have ended are ignored.
  virtual void cancel(jobs::JobId id) = 0;

  // Ends a picture after the step that runs, at least its first one: PictureDone comes with how it
  // looks. Texts, unknown ids and jobs that have ended are ignored.
  virtual void interrupt(jobs::JobId id) = 0;

  // Nothing for jobs that do not wait any more.
  virtual std::optional<QueuePlace> queue_place(jobs::JobId id) const = 0;

  // When a refused request should come back: when a place in the queue will be free, as far as the
  // speed of the card and the tokens that the running jobs may still have tell; or at the next
  // attempt to mend the card. At least 1 s, at most 10 minutes.
  virtual std::chrono::seconds retry_after() const = 0;

  virtual Health health() const = 0;
  virtual std::vector<ModelHealth> models() const = 0;
  virtual Counters counters() const = 0;

  // Takes no new jobs, lets the others finish for at most `limit`, then ends the card process in
  // order. What is left gets Failed (kUnavailable). Blocks until all is over; repeating it does
  // nothing. Not from a JobSink.
  virtual void stop(std::chrono::milliseconds limit) = 0;
};

}  // namespace axle::fleet
