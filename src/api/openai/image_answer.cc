#include "api/openai/image_answer.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "api/openai/errors.h"
#include "base/base64.h"
#include "base/log.h"
#include "http/sse.h"
#include "image/resize.h"
#include "pictures/output.h"

namespace axle::api {
namespace {

using Clock = std::chrono::steady_clock;

std::int64_t unix_seconds() {
  return std::chrono::duration_cast<std::chrono::seconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

// The address of a kept picture on the server as the client sees it.
std::string url_of(const http::Request& request, const std::string& name) {
  const std::string path = "/v1/images/files/" + name;
  const auto host = request.header("host");
  if (!host || host->empty()) return path;
  const bool secure = request.header("x-forwarded-proto") == "https";
  return fmt::format("{}://{}{}", secure ? "https" : "http", *host, path);
}

}  // namespace

ImageAnswer::ImageAnswer(ImageContext context, std::shared_ptr<http::Exchange> exchange,
                         ImageTask task, ImageRequest request)
    : context_(context),
      exchange_(std::move(exchange)),
      task_(task),
      request_(std::move(request)),
      begun_(Clock::now()),
      last_write_(begun_) {}

void ImageAnswer::start(ImagePlan plan, std::shared_ptr<const pictures::ServedPictures> model) {
  {
    const MutexLock lock(mutex_);
    painted_size_ = {plan.order.width, plan.order.height};
    const image::Size size = request_.output.size.value_or(painted_size_);
    head_ = {unix_seconds(),
             fmt::format("{}x{}", size.width, size.height),
             std::string(pictures::form_name(request_.output.form)),
             request_.quality,
             plan.input_tokens,
             std::move(plan.notes)};
  }
  watch_connection();
  pictures::RunOptions options;
  options.replace_key = request_.replace_key;
  if (request_.deadline) options.deadline = begun_ + *request_.deadline;
  const Result<std::shared_ptr<pictures::Run>> run =
      context_.studio.start(std::move(plan.order), std::move(model), shared_from_this(), options);
  bool useless = false;
  {
    const MutexLock lock(mutex_);
    if (!run.ok()) return fail(run.status());
    useless = over_;
    if (!over_) run_ = *run;
    if (!over_ && request_.stream) begin_stream();
  }
  if (useless) (*run)->cancel();  // The client left meanwhile; else it is over anyway.
}

void ImageAnswer::watch_connection() {
  const std::weak_ptr<ImageAnswer> self = weak_from_this();
  exchange_->on_disconnect([self] {
    if (const auto answer = self.lock()) answer->stop({});
  });
  exchange_->on_stop([self] {
    if (const auto answer = self.lock())
      answer->stop(unavailable("the server is being stopped; try again when it is back"));
  });
}

bool ImageAnswer::wants(const pictures::Glimpse& glimpse) {
  const std::int32_t partials = std::min(request_.partial_pictures, glimpse.steps - 1);
  if (over_ || partials < 1 || glimpse.step >= glimpse.steps) return false;
  if (glimpse.preview.pixels.empty() || full_ || !pending_.empty()) return false;
  if (glimpse.index != partial_index_) {
    partial_index_ = glimpse.index;
    partials_sent_ = 0;
    partials_due_ = 0;
  }
  const std::int32_t due = glimpse.step * (partials + 1) / glimpse.steps;
  return due > std::exchange(partials_due_, std::max(due, partials_due_));
}

void ImageAnswer::on_glimpse(const pictures::Glimpse& glimpse) {
  image::Size size;
  {
    const MutexLock lock(mutex_);
    if (!wants(glimpse)) return;
    size = painted_size_;
  }
  const Result<image::Picture> large =
      image::resize(glimpse.preview, size, image::Filter::kBicubic);
  if (!large.ok()) return;  // Fewer partial pictures than asked for are allowed.
  const Result<std::string> file = pictures::write_picture(*large, "", request_.output);
  if (!file.ok()) return;
  const std::string base64 = encode_base64(*file);
  const MutexLock lock(mutex_);
  if (over_) return;
  const ImageEvent event = partial_event(task_, head_, glimpse.index, partials_sent_++, base64);
  send(http::sse_named_event(event.name, event.data));
}

Result<ImageEntry> ImageAnswer::write_entry(const pictures::Painted& painted) {
  AXLE_TRY_ASSIGN(std::string file,
                  pictures::write_picture(painted.picture, painted.parameters, request_.output));
  if (!request_.as_url) return ImageEntry{encode_base64(file), false, painted.seed};
  PictureFile kept{std::move(file), std::string(pictures::media_type(request_.output.form))};
  AXLE_TRY_ASSIGN(const std::string name, context_.files.add(std::move(kept), Clock::now()));
  return ImageEntry{url_of(exchange_->request(), name), true, painted.seed};
}

void ImageAnswer::on_picture(pictures::Painted painted) {
  Result<ImageEntry> entry = write_entry(painted);
  if (!entry.ok()) return stop(entry.status());
  const MutexLock lock(mutex_);
  if (over_) return;
  if (!request_.stream) {
    entries_.push_back(*std::move(entry));
    return;
  }
  const ImageEvent event = completed_event(task_, head_, painted.index, *entry);
  send(http::sse_named_event(event.name, event.data));
}

void ImageAnswer::on_end(const Status& status) {
  const MutexLock lock(mutex_);
  if (over_) return;
  if (!status.ok()) return fail(status);
  over_ = true;
  if (!request_.stream)
    return exchange_->respond(http::json_response(200, images_json(head_, entries_)));
  send(http::sse_event("[DONE]"));
  end_stream();
}

void ImageAnswer::fail(const Status& status) {
  if (over_) return;
  over_ = true;
  RequestError error{status, "", ""};
  if (status.code() == Code::kCancelled && !request_.replace_key.empty())
    error = {status, "replace_key", "replaced"};
  if (stream_ == nullptr) {
    exchange_->respond(error_response(error, context_.studio.fleet().retry_after()));
    return;
  }
  // A stream that ends with an error has no [DONE] (docs/api.md).
  send(http::sse_event(error_object(error)));
  end_stream();
}

void ImageAnswer::begin_stream() {
  if (stream_ != nullptr) return;
  stream_ = exchange_->start_stream(http::sse_head());
  stream_->on_drain([self = weak_from_this()] {
    if (const auto answer = self.lock()) answer->drained();
  });
}

void ImageAnswer::send(std::string bytes) {
  begin_stream();
  last_write_ = Clock::now();
  if (full_) {
    pending_.push_back(std::move(bytes));
  } else {
    full_ = stream_->write(std::move(bytes)) == http::WriteResult::kFull;
  }
}

void ImageAnswer::end_stream() {
  ended_ = true;
  if (pending_.empty()) {
    stream_->finish();
  } else {
    self_ = shared_from_this();
  }
}

void ImageAnswer::drained() {
  std::shared_ptr<ImageAnswer> self;  // Dropped after the lock.
  const MutexLock lock(mutex_);
  full_ = false;
  while (!full_ && !pending_.empty()) {
    full_ = stream_->write(std::move(pending_.front())) == http::WriteResult::kFull;
    pending_.pop_front();
  }
  if (!pending_.empty() || !ended_) return;
  stream_->finish();
  self = std::move(self_);
}

void ImageAnswer::stop(const std::optional<Status>& status) {
  std::shared_ptr<ImageAnswer> self;
  std::shared_ptr<pictures::Run> run;
  {
    const MutexLock lock(mutex_);
    if (status) {
      fail(*status);
    } else {
      if (!over_)
        AXLE_LOG_DEBUG("api", "request {}: the client has left", exchange_->request().request_id);
      over_ = true;
      pending_.clear();
      self = std::move(self_);
    }
    run = run_.lock();
  }
  if (run != nullptr) run->cancel();
}

bool ImageAnswer::keep_alive(std::chrono::milliseconds silence) {
  const MutexLock lock(mutex_);
  if (over_) return false;
  if (stream_ == nullptr || full_) return true;
  const std::shared_ptr<pictures::Run> run = run_.lock();
  std::string news = run == nullptr ? "" : queue_news_.tell(run->progress().place);
  if (news.empty() && Clock::now() - last_write_ >= silence) news = "ping";
  if (!news.empty()) send(http::sse_comment(news));
  return true;
}

}  // namespace axle::api
