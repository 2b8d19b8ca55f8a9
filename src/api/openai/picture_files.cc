#include "api/openai/picture_files.h"

#include <fmt/format.h>

#include <algorithm>
#include <random>
#include <utility>

namespace axle::api {
namespace {

std::string random_name() {
  std::random_device device;  // getrandom() or its like: each number is fresh.
  return fmt::format("{:08x}{:08x}{:08x}{:08x}", device(), device(), device(), device());
}

}  // namespace

Result<std::string> PictureFiles::add(PictureFile file, Time now) {
  const std::size_t size = file.bytes.size();
  if (size > options_.max_bytes) {
    return exhausted(
        fmt::format("the picture has {} bytes, and all that are kept for their "
                    "addresses may have {}; ask for \"b64_json\"",
                    size, options_.max_bytes));
  }
  std::string name = random_name();
  auto shared = std::make_shared<const PictureFile>(std::move(file));
  const MutexLock lock(mutex_);
  while (!entries_.empty() &&
         (entries_.front().ends <= now || entries_.size() >= options_.max_files ||
          bytes_ + size > options_.max_bytes)) {
    bytes_ -= entries_.front().file->bytes.size();
    entries_.pop_front();
  }
  entries_.push_back({name, std::move(shared), now + options_.lifetime});
  bytes_ += size;
  return name;
}

std::shared_ptr<const PictureFile> PictureFiles::find(std::string_view name, Time now) const {
  const MutexLock lock(mutex_);
  const auto found = std::ranges::find(entries_, name, &Entry::name);
  return found == entries_.end() || found->ends <= now ? nullptr : found->file;
}

}  // namespace axle::api
