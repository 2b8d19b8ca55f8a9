#include "api/sdcpp/job.h"

#include <algorithm>
#include <boost/json.hpp>
#include <utility>

#include "base/base64.h"

namespace axle::api::sdcpp {
namespace {

namespace json = boost::json;

std::int64_t unix_seconds(Job::Clock::time_point time) {
  return std::chrono::duration_cast<std::chrono::seconds>(time.time_since_epoch()).count();
}

json::value seconds_or_null(const std::optional<Job::Clock::time_point>& time) {
  return time ? json::value(unix_seconds(*time)) : json::value(nullptr);
}

}  // namespace

Job::Job(std::string id, const pictures::Output& output, bool with_text,
         std::vector<std::string> notes)
    : id_(std::move(id)),
      output_(output),
      with_text_(with_text),
      notes_(std::move(notes)),
      created_(Clock::now()) {}

void Job::set_run(const std::shared_ptr<pictures::Run>& run) {
  const MutexLock lock(mutex_);
  run_ = run;
}

std::string Job::status() const {
  const MutexLock lock(mutex_);
  return status_locked();
}

std::string Job::status_locked() const {
  if (ended_ && end_.ok()) return "completed";
  if (ended_) return end_.code() == Code::kCancelled ? "cancelled" : "failed";
  return begun_ ? "generating" : "queued";
}

std::optional<Job::Clock::time_point> Job::ended() const {
  const MutexLock lock(mutex_);
  return ended_;
}

std::size_t Job::bytes() const {
  const MutexLock lock(mutex_);
  std::size_t sum = 0;
  for (const File& file : files_) sum += file.base64.size();
  return sum;
}

bool Job::cancel() {
  std::shared_ptr<pictures::Run> run;
  {
    const MutexLock lock(mutex_);
    if (ended_) return false;
    ended_ = Clock::now();
    end_ = cancelled("job cancelled by client");
    files_.clear();
    run = run_.lock();
  }
  if (run != nullptr) run->cancel();
  return true;
}

void Job::on_glimpse(const pictures::Glimpse& glimpse) {
  const MutexLock lock(mutex_);
  if (!begun_) begun_ = Clock::now();
  step_ = glimpse.step;
  steps_ = glimpse.steps;
}

void Job::on_picture(pictures::Painted painted) {
  const Result<std::string> file =
      pictures::write_picture(painted.picture, with_text_ ? painted.parameters : "", output_);
  const MutexLock lock(mutex_);
  if (ended_) return;
  if (!begun_) begun_ = Clock::now();
  if (file.ok()) {
    files_.push_back({painted.index, painted.seed, encode_base64(*file)});
  } else {
    end_ = file.status();
  }
}

void Job::on_end(const Status& status) {
  const MutexLock lock(mutex_);
  if (ended_) return;
  ended_ = Clock::now();
  if (end_.ok()) end_ = status;
}

std::string Job::json() const {
  const MutexLock lock(mutex_);
  const std::shared_ptr<pictures::Run> run = run_.lock();
  const pictures::RunProgress progress =
      run == nullptr || ended_ ? pictures::RunProgress{} : run->progress();
  json::object object{{"id", id_},
                      {"kind", "img_gen"},
                      {"status", status_locked()},
                      {"created", unix_seconds(created_)},
                      {"started", seconds_or_null(begun_)},
                      {"completed", seconds_or_null(ended_)},
                      {"queue_position", progress.place ? progress.place->ahead : 0},
                      {"result", nullptr},
                      {"error", nullptr}};
  if (begun_ && !ended_)
    object["progress"] = {{"pictures", progress.done}, {"step", step_}, {"steps", steps_}};
  if (ended_ && !end_.ok()) {
    const bool by_client = end_.code() == Code::kCancelled;
    object["error"] = {{"code", by_client ? "cancelled" : "generation_failed"},
                       {"message", end_.message()}};
  }
  if (ended_ && end_.ok()) {
    json::array images;
    for (const File& file : files_)
      images.push_back({{"index", file.index}, {"seed", file.seed}, {"b64_json", file.base64}});
    object["result"] = {{"output_format", pictures::form_name(output_.form)},
                        {"images", std::move(images)},
                        {"notes", json::array(notes_.begin(), notes_.end())}};
  }
  return json::serialize(object);
}

}  // namespace axle::api::sdcpp
