#pragma once

#include <chrono>
#include <cstddef>
#include <deque>
#include <memory>
#include <string>
#include <string_view>

#include "base/mutex.h"
#include "base/result.h"

namespace axle::api {

// What is kept for clients that want an address instead of a picture.
struct PictureFilesOptions {
  std::chrono::minutes lifetime{60};  // As OpenAI's addresses live.
  std::size_t max_files = 1000;
  std::size_t max_bytes = std::size_t{256} << 20;
};

// A file of a picture, as it is served.
struct PictureFile {
  std::string bytes;
  std::string media_type;
};

// Files of pictures in memory, found by names that cannot be guessed. Where there is no room for a
// new one, the oldest go.
//
// Threading: safe from any thread.
class PictureFiles {
 public:
  using Time = std::chrono::steady_clock::time_point;

  explicit PictureFiles(PictureFilesOptions options) : options_(options) {}

  // Keeps a file and gives its name: 32 hexadecimal digits from the system's source of randomness.
  // Errors: kExhausted  it is larger than all files together may be.
  Result<std::string> add(PictureFile file, Time now);
  // Null where there is no such file any more. Shared: it may be dropped while it is sent.
  std::shared_ptr<const PictureFile> find(std::string_view name, Time now) const;

 private:
  struct Entry {
    std::string name;
    std::shared_ptr<const PictureFile> file;
    Time ends;
  };

  const PictureFilesOptions options_;
  mutable Mutex mutex_;
  std::deque<Entry> entries_ AXLE_GUARDED_BY(mutex_);  // The oldest first.
  std::size_t bytes_ AXLE_GUARDED_BY(mutex_) = 0;
};

}  // namespace axle::api
