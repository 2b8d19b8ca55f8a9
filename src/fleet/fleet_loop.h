#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "fleet/card_link.h"
#include "fleet/fleet.h"
#include "fleet/fleet_state.h"
#include "fleet/process.h"
#include "fleet/supervisor.h"
#include "jobs/frame.h"

namespace axle::fleet {

// The fleet's thread: carries messages between the job table and the card process, carries out the
// supervisor's orders, and hands events to their sinks.
//
// Threading: run() is the thread; nothing else is called.
class FleetLoop {
 public:
  // `state` outlives the loop.
  FleetLoop(const FleetOptions& options, FleetState& state);

  // Until the fleet is stopped.
  void run();

 private:
  void turn();
  void wait();
  std::chrono::milliseconds wait_limit() const;
  void receive();
  void look_at_children();
  void carry_out_orders();
  void carry_out(Order order);
  void expire();
  void send_cancels();
  void dispatch();
  void deliver();
  void publish();
  bool stop_is_due() const;
  void stop_process();

  void handle(const jobs::Message& message);
  void on_payload(jobs::JobId id, const jobs::Hello& hello);
  void on_payload(jobs::JobId id, const jobs::ModelLoaded& loaded);
  void on_payload(jobs::JobId id, const jobs::LoadProgress& progress);
  void on_payload(jobs::JobId id, const jobs::LoadFailed& failed);
  void on_payload(jobs::JobId id, const jobs::Heartbeat& heartbeat);
  void on_payload(jobs::JobId id, const jobs::Readings& readings);
  void on_payload(jobs::JobId id, const jobs::CardLost& lost);
  void on_payload(jobs::JobId id, const jobs::Pong& pong);
  // Events of jobs, and everything that a card process never sends.
  template <typename Payload>
  void on_payload(jobs::JobId id, const Payload& payload);
  void on_job_event(jobs::JobId id, jobs::JobEvent event);
  void load_settled();

  void start_process();
  // Ends the connection: what ran waits for the next process.
  void drop_connection(const Status& why);
  // A process that is of no more use; its exit follows.
  void fail_process(Status why);
  void start_reboot();
  void remember_error();

  const FleetOptions options_;
  FleetState& state_;
  Supervisor supervisor_;
  CardLink link_;
  Command reboot_;
  bool greeted_ = false;           // Hello came from the present process.
  bool dropped_ = true;            // Nothing of the present process counts any more.
  std::size_t loads_pending_ = 0;  // Not yet answered by the present process.
  std::set<std::string> loaded_;   // Models in the present process.
  std::int64_t remembered_failures_ = 0;
  bool changed_ = true;  // publish() has something to do.
  std::vector<jobs::Message> incoming_;
};

}  // namespace axle::fleet
