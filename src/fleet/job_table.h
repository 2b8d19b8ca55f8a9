#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "fleet/fleet.h"
#include "fleet/health.h"
#include "fleet/wait_estimate.h"
#include "jobs/job.h"

namespace axle::fleet {

// The link between a job and the one who waits for its events. Once cancel() has returned no event
// begins any more.
//
// Threading: deliver() from one thread, cancel() from any.
class Ticket {
 public:
  Ticket(jobs::JobId id, std::shared_ptr<JobSink> sink) : id_(id), sink_(std::move(sink)) {}

  void deliver(const jobs::JobEvent& event);
  void cancel() { state_.store(State::kCancelled); }
  jobs::JobId id() const { return id_; }

 private:
  enum class State : std::uint8_t { kIdle, kDelivering, kCancelled };

  jobs::JobId id_;
  std::shared_ptr<JobSink> sink_;  // Shared with the submitter, see Fleet::submit.
  std::atomic<State> state_ = State::kIdle;
};

// An event that the fleet's thread has to hand over, outside of any lock.
struct Delivery {
  std::shared_ptr<Ticket> ticket;  // Shared: cancel() reaches it through the table.
  jobs::JobEvent event;
};

// The jobs of a fleet: who waits, who runs, what each has received. Pure bookkeeping, without
// clocks, threads and processes; it is where "each token exactly once, in order" is kept.
//
// Every event that a client shall see is appended to an outbox, which take_deliveries() empties.
//
// Threading: none; guarded by the fleet's lock.
class JobTable {
 public:
  using Time = std::chrono::steady_clock::time_point;
  using ModelPredicate = std::function<bool(const std::string& model)>;

  struct Limits {
    std::size_t queue = 256;
    std::size_t running = 32;
    std::int32_t strikes = 3;
  };

  struct Send {
    jobs::JobId id;
    jobs::Job job;
    bool interrupt = false;  // Is it to be interrupted at once?
  };

  explicit JobTable(const Limits& limits) : limits_(limits) {}

  // Queues a job and its Accepted. Errors: kExhausted  as many wait as may, beside those that find
  // a place to run as soon as take_sendable() is asked.
  Result<jobs::JobId> add(Time now, jobs::Job job, std::shared_ptr<JobSink> sink,
                          std::optional<Time> deadline = {});

  // Takes a job out. True when the card process has it and must be told.
  bool cancel(jobs::JobId id);

  // Ends a picture early, now or when it runs. True when the card process has it and must be told.
  bool interrupt(jobs::JobId id);

  // The jobs to hand to the card process now, of models for which `ready` holds; they count as
  // running from here. A suspect (a job that was there when card processes died and never got a
  // token, once less than the limit) goes only when every running job has got tokens in this
  // process, and while it has got none nothing else goes: if the process dies again, it was alone.
  std::vector<Send> take_sendable(Time now, const ModelPredicate& ready);

  // An event of the card process. Doubles are dropped; events of unknown jobs too (cancelled).
  // Errors: kCorrupt  tokens or steps are missing or too many, or a picture is not of its size: the
  //                   process must not be trusted further.
  Status on_event(Time now, jobs::JobId id, jobs::JobEvent event);

  // The card process is gone: what ran waits again, with its tokens; or fails after too many times.
  void on_process_lost(Time now, const Status& why);

  // Ends the jobs whose deadline has passed: those with tokens are done (kLength) with what they
  // have, the others fail. Returns those that the card process has and must be told of.
  std::vector<jobs::JobId> expire(Time now);
  // When expire() has something to do next.
  std::optional<Time> next_deadline() const;

  // Ends one running or waiting job, those of one model, or all, with Failed.
  void fail(jobs::JobId id, Time now, const Status& status);
  void fail_model(const std::string& model, Time now, const Status& status);
  void fail_all(Time now, const Status& status);

  std::vector<Delivery> take_deliveries() { return std::exchange(outbox_, {}); }

  std::size_t queued() const { return waiting_.size(); }
  std::size_t running() const { return entries_.size() - waiting_.size(); }
  // Of one model.
  JobCount count_of(const std::string& model) const;
  bool empty() const { return entries_.empty(); }
  Counters& counters() { return counters_; }
  const Counters& counters() const { return counters_; }

  // What the card process says of its speed; where it does not know yet (0) the old figure stays.
  void set_rates(const jobs::Heartbeat& heartbeat);
  // Until a job that came now would begin, as far as can be told: from the work that those before
  // it have, else from the rate at which jobs ended lately.
  std::chrono::milliseconds wait_of_next() const { return wait_behind(waiting_.size()); }
  // Until add() takes a job again.
  std::chrono::milliseconds wait_for_room() const;
  // Nothing for jobs that run or have ended.
  std::optional<QueuePlace> queue_place(jobs::JobId id) const;

 private:
  struct Entry {
    jobs::Job job;  // With what was delivered: the tokens, or the steps and their latents.
    std::shared_ptr<Ticket> ticket;
    Time submitted{};
    std::optional<Time> deadline;
    std::optional<Time> sent;         // First time.
    std::optional<Time> first_token;  // Or step of a picture.
    Time last_token{};
    bool running = false;
    bool progressed = false;  // Got tokens from the present card process.
    bool replayed = false;
    bool interrupted = false;
    std::int32_t strikes = 0;
    std::int32_t prefill_done = 0;
  };
  // Highest priority first, then the oldest.
  using Key = std::pair<std::int32_t, jobs::JobId>;
  using Entries = std::map<jobs::JobId, Entry>;

  static Key key_of(jobs::JobId id, const Entry& entry) {
    return {-jobs::priority_of(entry.job), id};
  }
  bool queue_is_full() const { return entries_.size() >= limits_.queue + limits_.running; }
  bool suspect(const Entry& entry) const;
  void deliver(const Entry& entry, jobs::JobEvent event);
  Status on_tokens(Time now, Entry& entry, jobs::Tokens tokens);
  void on_progress(Entry& entry, const jobs::Progress& progress);
  Status on_done(Time now, Entries::iterator found, jobs::Done done);
  Status on_step(Time now, Entry& entry, jobs::PictureStep step);
  Status on_picture(Time now, Entries::iterator found, jobs::PictureDone done);
  void advanced(Time now, Entry& entry);
  // Done with what it has, its times as the client saw them.
  void finish_here(Time now, Entries::iterator found, jobs::Done done);
  Status missed(jobs::JobId id, const Entry& entry) const;
  // Of those that wait. REQUIRES: it waits.
  std::int32_t ahead(jobs::JobId id, const Entry& entry) const;
  void complete(Time now, Entries::iterator found, jobs::Done done);
  // Removes a job after its last event.
  void end(Time now, Entries::iterator found, jobs::JobEvent last);
  void remove(Entries::iterator found);
  double seconds_left(const Entry& entry) const;
  std::chrono::milliseconds wait_behind(std::size_t ahead) const;

  Limits limits_;
  std::uint64_t last_id_ = 0;
  Entries entries_;
  std::set<Key> waiting_;
  std::set<std::pair<Time, jobs::JobId>> deadlines_;
  std::vector<Delivery> outbox_;
  Counters counters_;
  std::optional<Time> last_end_;
  double seconds_per_end_ = 0.0;  // Moving average; 0: nothing ended yet.
  WorkRates rates_;
};

}  // namespace axle::fleet
