#pragma once

#include <memory>
#include <optional>
#include <string>

#include "base/mutex.h"
#include "http/exchange.h"
#include "pictures/feed.h"
#include "pictures/output.h"

namespace axle::api {

// Parts of a film that never ends. Source: RFC 2046, section 5.1; multipart/x-mixed-replace as
// browsers and cameras have it: each part is shown in place of the one before it.
http::Response film_head();

// One screen's film. Held by shared_ptr because the feed's thread may show a frame to it while its
// connection ends.
//
// Threading: safe from any thread.
class Film : public std::enable_shared_from_this<Film> {
 public:
  // `previews`: the feed's token where frames of unfinished pictures are wanted, else null.
  Film(pictures::Output look, std::shared_ptr<const void> previews);

  // Begins to write; call once. The connection's callbacks do not own the film.
  void start(const std::shared_ptr<http::Exchange>& exchange);

  const pictures::Output& look() const { return look_; }
  bool wants(const pictures::Frame& frame) const;
  // Shows a JPEG file; where the client still reads an earlier one, as soon as it has.
  void show(const std::string& file);
  // The film ends: the answer is complete.
  void end();

 private:
  void drained();
  void write(std::string part) AXLE_REQUIRES(mutex_);

  const pictures::Output look_;
  const std::shared_ptr<const void> previews_;
  Mutex mutex_;
  std::shared_ptr<http::BodyStream> stream_ AXLE_GUARDED_BY(mutex_);  // Null before start().
  bool full_ AXLE_GUARDED_BY(mutex_) = false;
  std::optional<std::string> next_ AXLE_GUARDED_BY(mutex_);  // The newest part that waits.
};

}  // namespace axle::api
