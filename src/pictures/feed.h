#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "base/mutex.h"
#include "image/picture.h"

namespace axle::pictures {

// A picture for those who watch: finished, or how one looks after a step.
struct Frame {
  std::uint64_t number = 0;  // Rises with every frame of a feed; not the same after a restart.
  bool finished = false;
  std::string model;
  image::Picture picture;  // RGB. Of one that is not finished a pixel for eight by eight.
  std::string parameters;  // How it was made; of finished ones.
};

// What every picture that is painted is shown to, and those who watch it.
//
// Threading: safe from any thread.
class Feed {
 public:
  using Callback = std::function<void(const std::shared_ptr<const Frame>&)>;

  Feed();

  // Shows a frame; its number is given here. Callbacks run on this thread, one frame after another.
  void show(Frame frame) AXLE_EXCLUDES(mutex_, showing_);

  // The newest finished picture; null before the first one.
  std::shared_ptr<const Frame> newest() const;

  // Hands every frame from now on to `callback` until the returned number is given to unwatch().
  // The callback must not call show(), watch() or unwatch().
  std::uint64_t watch(Callback callback);
  // After the return the callback does not run any more.
  void unwatch(std::uint64_t watcher) AXLE_EXCLUDES(mutex_, showing_);

  // Asks for frames of pictures that are not finished, which are not made for nobody, until the
  // returned token and all its copies are gone.
  std::shared_ptr<const void> ask_for_previews();
  bool previews_wanted() const;

  // Tells this feed's frames from those of an earlier run of the program, for ETags.
  const std::string& name() const { return name_; }

 private:
  const std::string name_;
  Mutex showing_;  // Held while callbacks run; before mutex_.
  mutable Mutex mutex_;
  std::uint64_t last_number_ AXLE_GUARDED_BY(mutex_) = 0;
  std::uint64_t last_watcher_ AXLE_GUARDED_BY(mutex_) = 0;
  std::shared_ptr<const Frame> newest_ AXLE_GUARDED_BY(mutex_);
  std::map<std::uint64_t, Callback> watchers_ AXLE_GUARDED_BY(mutex_);
  std::weak_ptr<const void> previews_ AXLE_GUARDED_BY(mutex_);  // Expired: nobody asks for them.
};

}  // namespace axle::pictures
