#pragma once

#include <cstdint>
#include <deque>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "api/automatic1111/request.h"
#include "base/mutex.h"
#include "http/message.h"
#include "pictures/run.h"

namespace axle::api::automatic1111 {

// Who asks: an address with its credentials. What is asked about "the current job" is about the
// runs of the same caller, so that nobody sees or stops what is another's.
std::string caller_of(const http::Request& request);

// The requests that are being painted, by their callers.
//
// Threading: safe from any thread.
// Lifetime: held by shared_ptr, because each ticket keeps it and the last may go after its owner.
class CallerRuns : public std::enable_shared_from_this<CallerRuns> {
 public:
  struct Entry {
    std::string caller;
    std::string task_id;  // Of the request; empty: none.
    Task task = Task::kTxt2img;
    std::string job_timestamp;  // "20260101235959", local time.
  };
  struct Current {
    Entry entry;
    std::shared_ptr<pictures::Run> run;
    pictures::RunProgress progress;
  };

  // A place in the list, for as long as it lives.
  class Ticket {
   public:
    ~Ticket();
    Ticket(const Ticket&) = delete;
    Ticket& operator=(const Ticket&) = delete;
    void set_run(const std::shared_ptr<pictures::Run>& run);

   private:
    friend class CallerRuns;
    struct Place {
      Entry entry;
      std::weak_ptr<pictures::Run> run;
    };
    Ticket(std::shared_ptr<CallerRuns> runs, std::list<Place>::iterator place)
        : runs_(std::move(runs)), place_(place) {}

    const std::shared_ptr<CallerRuns> runs_;
    const std::list<Place>::iterator place_;
  };

  std::unique_ptr<Ticket> enter(Entry entry);

  // The caller's request that is being painted, else the oldest of those that wait; with a task id
  // only the one that has it. Nothing where there is none.
  std::optional<Current> current(const std::string& caller, const std::string& task_id) const;

  // Was there a request of this caller with this task id that is over? Of the last kRemembered.
  bool is_over(const std::string& caller, const std::string& task_id) const;

 private:
  static constexpr std::size_t kRemembered = 64;

  void leave(std::list<Ticket::Place>::iterator place);

  mutable Mutex mutex_;
  std::list<Ticket::Place> places_ AXLE_GUARDED_BY(mutex_);  // The oldest first.
  std::deque<std::pair<std::string, std::string>> over_ AXLE_GUARDED_BY(mutex_);
};

}  // namespace axle::api::automatic1111
