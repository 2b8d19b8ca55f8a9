#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/automatic1111/answers.h"
#include "api/automatic1111/caller_runs.h"
#include "api/automatic1111/reply.h"
#include "base/mutex.h"
#include "base/worker_pool.h"
#include "http/router.h"
#include "image/picture.h"
#include "pictures/source.h"
#include "pictures/studio.h"

namespace axle::api {

struct Automatic1111Options {
  int port = 7860;             // These three are what cmd-flags tell.
  bool listens = false;        // To other machines.
  bool has_passwords = false;  // Are there API keys?
  pictures::SourceRules sources;
  // What a display gets that asks for RGB565 and for no size that a display has.
  image::Size display{240, 240};
};

// The routes of A1111 (/sdapi/v1/..., /internal/...) and /generate. Pictures are answered when they
// are painted; who leaves before ends his run.
//
// Threading: handlers run on the server's worker threads and do not wait; pictures that must be
// fetched from an address are fetched on a thread of its own.
// Lifetime: the studio must outlive it, and it must outlive the server that has its routes.
class Automatic1111Api {
 public:
  Automatic1111Api(pictures::Studio& studio, Automatic1111Options options);

  void add_routes(http::Router& router);

 private:
  using Shared = std::shared_ptr<http::Exchange>;
  using Reply = automatic1111::Reply;
  using Dialect = automatic1111::Dialect;
  using Work = std::function<void(const Reply&)>;

  void add_pictures(http::Router& router);
  void add_extras(http::Router& router);
  void add_progress(http::Router& router);
  void add_settings(http::Router& router);
  void add_lists(http::Router& router);
  // `work` for requests of one route; a path without a slash in front is below /sdapi/v1.
  void add(http::Router& router, const char* method, const std::string& path, Work work,
           Dialect dialect = Dialect::kAutomatic1111);
  // Runs `work` here, or on another thread where it may have to fetch a picture.
  void run_or_fetch(const Reply& reply, Work work);

  void paint(const Reply& reply, automatic1111::Task task);
  void start(const Reply& reply, automatic1111::Request request);
  // The model of a request; an unknown one becomes that of the options, with a note.
  std::shared_ptr<const pictures::ServedPictures> model_for(automatic1111::Request& request);
  // The model that a client names as sd-models lists it: by name, title or hash. Null: none.
  std::shared_ptr<const pictures::ServedPictures> find_model(std::string_view name) const;
  // As sd-models lists it; only a name where it is not one of ours.
  automatic1111::ModelEntry entry_of(const std::string& name) const;

  std::optional<automatic1111::CallerRuns::Current> current_run(const Reply& reply) const;
  void progress(const Reply& reply) const;
  void task_progress(const Reply& reply) const;
  void set_options(const Reply& reply);
  automatic1111::Options current_options() const;
  std::string current_model() const;
  pictures::Form current_form() const;

  pictures::Studio& studio_;
  const Automatic1111Options options_;
  const std::vector<automatic1111::ModelEntry> entries_;  // Of all models.
  const std::shared_ptr<automatic1111::CallerRuns> runs_;
  mutable Mutex mutex_;
  // A1111's options belong to the server, not to a client.
  std::string model_ AXLE_GUARDED_BY(mutex_);  // Its name. Empty: there is none.
  std::string samples_format_ AXLE_GUARDED_BY(mutex_) = "png";
  WorkerPool fetchers_;  // Last: its threads use all of the above.
};

}  // namespace axle::api
