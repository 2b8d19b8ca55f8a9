#include "fleet/recording_sink.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <variant>

namespace axle::fleet {
namespace {

constexpr std::chrono::seconds kPatience{60};

std::string text_of(const jobs::JobEvent& event) {
  if (const auto* accepted = std::get_if<jobs::Accepted>(&event))
    return fmt::format("accepted {}", accepted->queue_position);
  if (const auto* progress = std::get_if<jobs::Progress>(&event))
    return fmt::format("progress {}/{}", progress->prefill_done, progress->prefill_total);
  if (const auto* tokens = std::get_if<jobs::Tokens>(&event))
    return fmt::format("tokens {}: {}", tokens->first_index, fmt::join(tokens->ids, " "));
  if (const auto* done = std::get_if<jobs::Done>(&event))
    return fmt::format("done {} {}+{}", done->finish == jobs::Finish::kStop ? "stop" : "length",
                       done->usage.prompt_tokens, done->usage.completion_tokens);
  if (const auto* step = std::get_if<jobs::PictureStep>(&event))
    return fmt::format("step {}/{}", step->steps_done, step->steps_total);
  if (const auto* picture = std::get_if<jobs::PictureDone>(&event))
    return fmt::format("picture {}x{}{}", picture->width, picture->height,
                       picture->interrupted ? " early" : "");
  return fmt::format("failed {}", code_name(std::get<jobs::Failed>(event).status.code()));
}

}  // namespace

void RecordingSink::on_event(jobs::JobId /*id*/, const jobs::JobEvent& event) {
  const MutexLock lock(mutex_);
  if (!log_.empty()) log_ += ", ";
  if (ended()) log_ += "after the end: ";
  log_ += text_of(event);
  if (const auto* tokens = std::get_if<jobs::Tokens>(&event)) {
    if (tokens->first_index != static_cast<std::int32_t>(tokens_.size())) log_ += " (gap)";
    tokens_.insert(tokens_.end(), tokens->ids.begin(), tokens->ids.end());
  }
  if (const auto* done = std::get_if<jobs::Done>(&event)) done_ = *done;
  if (const auto* picture = std::get_if<jobs::PictureDone>(&event)) picture_ = *picture;
  if (const auto* failed = std::get_if<jobs::Failed>(&event)) failure_ = failed->status;
  changed_.notify_all();
}

std::string RecordingSink::log() const {
  const MutexLock lock(mutex_);
  return log_;
}

std::vector<jobs::TokenId> RecordingSink::tokens() const {
  const MutexLock lock(mutex_);
  return tokens_;
}

std::optional<jobs::Done> RecordingSink::done() const {
  const MutexLock lock(mutex_);
  return done_;
}

std::optional<jobs::PictureDone> RecordingSink::picture() const {
  const MutexLock lock(mutex_);
  return picture_;
}

std::optional<Status> RecordingSink::failure() const {
  const MutexLock lock(mutex_);
  return failure_;
}

bool RecordingSink::wait_for_end() const {
  const auto deadline = std::chrono::steady_clock::now() + kPatience;
  const MutexLock lock(mutex_);
  while (!ended())
    if (!changed_.wait_until(mutex_, deadline)) return false;
  return true;
}

bool RecordingSink::wait_for_tokens(std::size_t count) const {
  const auto deadline = std::chrono::steady_clock::now() + kPatience;
  const MutexLock lock(mutex_);
  while (tokens_.size() < count && !ended())
    if (!changed_.wait_until(mutex_, deadline)) return false;
  return tokens_.size() >= count;
}

}  // namespace axle::fleet
