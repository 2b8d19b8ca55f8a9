#pragma once

#include <chrono>
#include <cstdint>
#include <list>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "base/mutex.h"
#include "http/exchange.h"
#include "http/router.h"
#include "pictures/feed.h"
#include "pictures/output.h"

namespace axle::api {

class Film;

// The newest picture for screens, signage and home automation, which only know a URL:
//
// GET /latest.png (.jpg, .webp, .rgb565, ... each name of pictures::form_named()): the newest
// finished picture, as parse_look() says. With an ETag; with wait=SECONDS a request whose
// If-None-Match is that of the newest picture, or that comes before the first one, is answered when
// the next one is finished, or with 304 (404) after that time. So a screen that asks again and
// again has every picture at once and costs nothing between them.
//
// GET /latest.mjpeg: a film (multipart/x-mixed-replace of JPEG files) of what is painted: every
// finished picture, and before it, enlarged, how it looks after each step; previews=0 leaves those
// out. A client that is slow misses frames.
//
// Threading: handlers run on the server's worker threads, pictures are encoded on the threads of
// the studio.
// Lifetime: the feed must outlive it, and it must outlive the server that has its routes.
class LatestApi {
 public:
  explicit LatestApi(pictures::Feed& feed);
  ~LatestApi();

  void add_routes(http::Router& router);

 private:
  // A request that waits for the next picture.
  struct Waiting {
    std::shared_ptr<http::Exchange> exchange;
    pictures::Output output;
    std::chrono::steady_clock::time_point until;
  };
  using Exchange = std::shared_ptr<http::Exchange>;

  void latest(const Exchange& exchange, pictures::Form form);
  void film(const Exchange& exchange);
  void answer_with(const pictures::Frame& frame, const Exchange& exchange,
                   const pictures::Output& output) const;
  void answer_without(const Exchange& exchange) const;
  std::string etag_of(const pictures::Frame& frame) const;
  void wait(Waiting waiting);
  // Answers at once one that waits.
  void give_up(const http::Exchange* exchange);
  void end_film(const Film* film);
  void take(const std::shared_ptr<const pictures::Frame>& frame);
  // Ends the waiting of those whose time is over or whose client has gone.
  void expire(const std::stop_token& stop);

  pictures::Feed& feed_;
  std::uint64_t watcher_ = 0;  // Of the feed.
  Mutex mutex_;
  Condition changed_;
  std::list<Waiting> waiting_ AXLE_GUARDED_BY(mutex_);
  std::vector<std::shared_ptr<Film>> films_ AXLE_GUARDED_BY(mutex_);
  std::jthread clock_;  // Last: uses all of the above.
};

}  // namespace axle::api
