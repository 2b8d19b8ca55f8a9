#pragma once

#include <chrono>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "api/openai/image_json.h"
#include "api/openai/image_plan.h"
#include "api/openai/image_request.h"
#include "api/openai/keep_alive.h"
#include "api/openai/picture_files.h"
#include "base/mutex.h"
#include "http/exchange.h"
#include "pictures/run.h"
#include "pictures/studio.h"

namespace axle::api {

// What an answer needs beside its request; all of it outlives the fleet's events.
struct ImageContext {
  pictures::Studio& studio;
  PictureFiles& files;
};

// One request for pictures from its run to its last byte: the whole answer or the stream. Held by
// shared_ptr because the run, the connection's callbacks and the pings all keep it, and any of them
// may be last.
//
// Threading: safe from any thread; news come from the studio's threads, the disconnect from an I/O
// thread.
class ImageAnswer : public pictures::RunListener,
                    public LongAnswer,
                    public std::enable_shared_from_this<ImageAnswer> {
 public:
  // `request` without its pictures.
  ImageAnswer(ImageContext context, std::shared_ptr<http::Exchange> exchange, ImageTask task,
              ImageRequest request);

  // Begins to paint and to answer. Call once. Answers the exchange with an error when the fleet
  // takes no job.
  void start(ImagePlan plan, std::shared_ptr<const pictures::ServedPictures> model);

  void on_glimpse(const pictures::Glimpse& glimpse) override;
  void on_picture(pictures::Painted painted) override;
  void on_end(const Status& status) override;
  bool keep_alive(std::chrono::milliseconds silence) override;

 private:
  void watch_connection();
  bool wants(const pictures::Glimpse& glimpse) AXLE_REQUIRES(mutex_);
  Result<ImageEntry> write_entry(const pictures::Painted& painted);
  void fail(const Status& status) AXLE_REQUIRES(mutex_);
  void begin_stream() AXLE_REQUIRES(mutex_);
  // Sends now, or once the client has taken what came before.
  void send(std::string bytes) AXLE_REQUIRES(mutex_);
  void end_stream() AXLE_REQUIRES(mutex_);
  void drained();
  // The end of everything, told by `status`, or because the client left.
  void stop(const std::optional<Status>& status);

  const ImageContext context_;
  const std::shared_ptr<http::Exchange> exchange_;
  const ImageTask task_;
  const ImageRequest request_;
  const std::chrono::steady_clock::time_point begun_;

  mutable Mutex mutex_;
  ImageHead head_ AXLE_GUARDED_BY(mutex_);
  image::Size painted_size_ AXLE_GUARDED_BY(mutex_);
  // Weak: the run keeps this answer, and the fleet the run.
  std::weak_ptr<pictures::Run> run_ AXLE_GUARDED_BY(mutex_);
  std::vector<ImageEntry> entries_ AXLE_GUARDED_BY(mutex_);  // Of an answer that is no stream.
  bool over_ AXLE_GUARDED_BY(mutex_) = false;  // Answered, failed or the client has left.
  // Of the partial pictures of picture `index`: how many were sent, and of how many it was time.
  std::int32_t partial_index_ AXLE_GUARDED_BY(mutex_) = 0;
  std::int32_t partials_sent_ AXLE_GUARDED_BY(mutex_) = 0;
  std::int32_t partials_due_ AXLE_GUARDED_BY(mutex_) = 0;
  std::shared_ptr<http::BodyStream> stream_ AXLE_GUARDED_BY(mutex_);
  std::deque<std::string> pending_ AXLE_GUARDED_BY(mutex_);  // While the stream is full.
  bool full_ AXLE_GUARDED_BY(mutex_) = false;
  bool ended_ AXLE_GUARDED_BY(mutex_) = false;  // After `pending_` comes nothing.
  // Itself, while only the client's reading is waited for: nobody else keeps it then.
  std::shared_ptr<ImageAnswer> self_ AXLE_GUARDED_BY(mutex_);
  std::chrono::steady_clock::time_point last_write_ AXLE_GUARDED_BY(mutex_);
  QueueNews queue_news_ AXLE_GUARDED_BY(mutex_);
};

}  // namespace axle::api
