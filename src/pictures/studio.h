#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/metrics.h"
#include "base/mutex.h"
#include "base/worker_pool.h"
#include "fleet/fleet.h"
#include "pictures/feed.h"
#include "pictures/order.h"
#include "pictures/run.h"
#include "pictures/served_pictures.h"

namespace axle::pictures {

// How a run stands to others.
struct RunOptions {
  // A running order with the same key, if any, is ended in favour of this one. Empty: none.
  std::string replace_key;
  std::optional<fleet::Fleet::Time> deadline;
};

// Where pictures are ordered: the served picture models, the runs that go on, and the feed that
// shows what is painted.
//
// Threading: safe from any thread.
// Lifetime: the fleet must outlive it and be stopped before it is destroyed.
class Studio {
 public:
  // `version` is told in pictures: "axle 0.1.0".
  Studio(fleet::Fleet& fleet, std::vector<std::shared_ptr<const ServedPictures>> models,
         metrics::Registry& metrics, std::string version);

  const std::vector<std::shared_ptr<const ServedPictures>>& models() const { return models_; }
  // The model that a request means: its exact name, "name:latest", or, when the request names none,
  // the first there is. Null when there is no such model.
  std::shared_ptr<const ServedPictures> find(std::string_view name) const;
  // "a", "b": for error texts.
  std::string known_names() const;

  // Begins to paint. Errors: those of make_jobs() and Fleet::submit.
  Result<std::shared_ptr<Run>> start(Order order, std::shared_ptr<const ServedPictures> model,
                                     std::shared_ptr<RunListener> listener,
                                     const RunOptions& options);

  Feed& feed() { return feed_; }
  fleet::Fleet& fleet() { return fleet_; }
  const std::string& version() const { return version_; }

 private:
  Run::Hooks hooks_for(std::shared_ptr<const ServedPictures> model);
  // Takes the place of the run that has `key`, which is ended.
  void replace(const std::string& key, const std::shared_ptr<Run>& run);

  fleet::Fleet& fleet_;
  const std::vector<std::shared_ptr<const ServedPictures>> models_;
  const std::string version_;
  metrics::Counter& pictures_painted_;
  metrics::Histogram& picture_seconds_;
  Feed feed_;
  Mutex mutex_;
  // By replace_key; a run that is over leaves with the next one of any key.
  std::map<std::string, std::weak_ptr<Run>> keyed_ AXLE_GUARDED_BY(mutex_);
  WorkerPool pool_;  // Last: its threads use all of the above.
};

}  // namespace axle::pictures
