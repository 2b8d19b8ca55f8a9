#pragma once

#include <chrono>
#include <optional>

#include "base/mutex.h"
#include "fleet/fleet.h"
#include "fleet/health.h"
#include "fleet/job_table.h"
#include "fleet/process.h"

namespace axle::fleet {

using Time = std::chrono::steady_clock::time_point;

// What the fleet's thread and its callers share.
struct FleetState {
  FleetState(const JobTable::Limits& limits, Descriptor event)
      : table(limits), wake(std::move(event)) {}

  mutable Mutex mutex;
  JobTable table AXLE_GUARDED_BY(mutex);
  Health health AXLE_GUARDED_BY(mutex);                 // Without queued and running: the table's.
  std::optional<Time> next_try AXLE_GUARDED_BY(mutex);  // Of a lost card.
  std::optional<Time> stop_deadline AXLE_GUARDED_BY(mutex);     // Set: no new jobs.
  std::vector<jobs::JobId> cancelled AXLE_GUARDED_BY(mutex);    // To be told to the card process.
  std::vector<jobs::JobId> interrupted AXLE_GUARDED_BY(mutex);  // Likewise.
  const Descriptor wake;  // An eventfd; a write to it wakes the thread.
};

}  // namespace axle::fleet
