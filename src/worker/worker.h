#pragma once

#include <chrono>
#include <cstddef>
#include <deque>
#include <functional>
#include <optional>
#include <string>

#include "base/mutex.h"
#include "base/status.h"
#include "jobs/frame.h"
#include "worker/engine_host.h"
#include "worker/front_socket.h"
#include "worker/inbox.h"
#include "worker/worker_options.h"

namespace axle::worker {

// The card call that is running, for heartbeats.
struct RunningCall {
  std::string name;
  std::chrono::microseconds age{0};
};

// The message handling of a card process: reads what the front wants, lets an EngineHost do it
// between steps, and reports. Crash-only: whatever makes the card or the protocol unusable ends
// run(), and the front hands the jobs to the next process.
//
// Threading: run() on the engine thread, the only one that calls the host; it starts a reader and a
// heartbeat thread, which end before it returns.
// Lifetime: host and options' callbacks outlive the worker.
class Worker {
 public:
  struct Options {
    int socket = -1;  // Owned.
    std::chrono::milliseconds heartbeat_interval{500};
    std::chrono::milliseconds readings_interval{10'000};
    std::size_t max_waiting_messages = 4096;
    // Called by the heartbeat thread; must not block and make no card call.
    std::function<std::optional<RunningCall>()> running_call;
  };

  Worker(EngineHost& host, const Options& options);

  // Until the front ends it, is gone, or the card is lost.
  ExitCode run();

 private:
  using Time = Inbox::Time;

  // Events of the host on their way to the front.
  class EventWriter final : public JobEvents {
   public:
    explicit EventWriter(Worker& worker) : worker_(worker) {}
    void on_event(jobs::JobId id, jobs::JobEvent event) override;

   private:
    Worker& worker_;
  };

  void read();
  void beat();
  void serve();
  void turn();
  void handle(jobs::Message message);
  void on_payload(jobs::JobId id, const jobs::GenerateJob& job) { add(id, job); }
  void on_payload(jobs::JobId id, const jobs::PictureJob& job) { add(id, job); }
  void on_payload(jobs::JobId id, const jobs::Interrupt& interrupt);
  void on_payload(jobs::JobId id, const jobs::Cancel& cancel);
  void on_payload(jobs::JobId id, const jobs::LoadJob& job);
  void on_payload(jobs::JobId id, const jobs::UnloadJob& job);
  void on_payload(jobs::JobId id, const jobs::StatusRequest& request);
  void on_payload(jobs::JobId id, const jobs::Pause& pause);
  void on_payload(jobs::JobId id, const jobs::Shutdown& shutdown);
  void on_payload(jobs::JobId id, const jobs::Ping& ping);
  // Everything that only a card process sends.
  template <typename Payload>
  void on_payload(jobs::JobId id, const Payload& payload);
  void add(jobs::JobId id, const jobs::Job& job);
  void load_one();
  void report_readings();
  bool can_step() const { return !paused_ && !host_.idle(); }
  void send(jobs::JobId id, jobs::Payload payload);
  void send_heartbeat();
  void publish_load();
  // Ends run(); the first end counts.
  void end(ExitCode code);
  void lose(ExitCode code, const Status& why);

  EngineHost& host_;
  const Options options_;
  FrontSocket socket_;
  Inbox inbox_;
  EventWriter events_;
  std::deque<jobs::LoadJob> loads_;  // Waiting for the engine thread.
  bool paused_ = false;
  std::optional<ExitCode> exit_;
  bool readings_supported_ = true;
  Time next_readings_{};
  Mutex mutex_;
  Condition stopped_;
  bool stop_beating_ AXLE_GUARDED_BY(mutex_) = false;
  HostLoad load_ AXLE_GUARDED_BY(mutex_);
};

}  // namespace axle::worker
