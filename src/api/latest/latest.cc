#include "api/latest/latest.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <iterator>
#include <utility>

#include "api/latest/film.h"
#include "api/latest/look.h"
#include "base/log.h"

namespace axle::api {
namespace {

using Clock = std::chrono::steady_clock;

// Every name that a file of this form may have at the end of its URL.
constexpr std::array<const char*, 12> kEndings{"png",    "jpg",   "jpeg",   "webp",
                                               "rgb888", "raw",   "rgb565", "mono",
                                               "grey4",  "gray4", "grey16", "gray16"};
constexpr int kLongestWait = 300;  // Seconds.
constexpr std::chrono::milliseconds kLookInterval{100};

http::Response error(int status, const std::string& message) {
  return http::json_response(status, fmt::format(R"({{"error":{}}})", http::json_quote(message)));
}

// How the frame is shown: a preview as large as the picture will be.
Result<std::string> file_of(const pictures::Frame& frame, const pictures::Output& output) {
  if (frame.finished) return pictures::write_picture(frame.picture, frame.parameters, output);
  AXLE_TRY_ASSIGN(const image::Picture enlarged, pictures::enlarged_preview(frame.picture));
  return pictures::write_picture(enlarged, {}, output);
}

// True where one of the ETags in an If-None-Match header is `etag`. Source: RFC 9110, 13.1.2.
bool has_etag(const http::Request& request, const std::string& etag) {
  const auto header = request.header("If-None-Match");
  return header && (*header == "*" || header->find(etag) != std::string_view::npos);
}

}  // namespace

LatestApi::LatestApi(pictures::Feed& feed) : feed_(feed) {
  watcher_ = feed_.watch([this](const auto& frame) { take(frame); });
  clock_ = std::jthread([this](const std::stop_token& stop) { expire(stop); });
}

LatestApi::~LatestApi() {
  feed_.unwatch(watcher_);
  const MutexLock lock(mutex_);
  clock_.request_stop();
  changed_.notify_all();
}

void LatestApi::add_routes(http::Router& router) {
  for (const char* ending : kEndings) {
    const pictures::Form form = pictures::form_named(ending).value_or(pictures::Form::kPng);
    router.add("GET", fmt::format("/latest.{}", ending),
               [this, form](const Exchange& exchange) { latest(exchange, form); });
  }
  router.add("GET", "/latest.mjpeg", [this](const Exchange& exchange) { film(exchange); });
}

void LatestApi::latest(const Exchange& exchange, pictures::Form form) {
  const http::Request& request = exchange->request();
  const Result<pictures::Output> output = parse_look(request.query, form);
  if (!output.ok()) return exchange->respond(error(400, output.status().message()));
  const Result<int> seconds = query_number(request.query, "wait", 0, kLongestWait, 0);
  if (!seconds.ok()) return exchange->respond(error(400, seconds.status().message()));
  const auto newest = feed_.newest();
  if (newest != nullptr && !has_etag(request, etag_of(*newest)))
    return answer_with(*newest, exchange, *output);
  if (*seconds == 0) return answer_without(exchange);
  wait({exchange, *output, Clock::now() + std::chrono::seconds(*seconds)});
}

std::string LatestApi::etag_of(const pictures::Frame& frame) const {
  return fmt::format("\"{}-{}\"", feed_.name(), frame.number);
}

void LatestApi::answer_with(const pictures::Frame& frame, const Exchange& exchange,
                            const pictures::Output& output) const {
  Result<std::string> file = file_of(frame, output);
  if (!file.ok()) return exchange->respond(error(500, file.status().message()));
  const image::Size size = pictures::size_of(frame.picture, output);
  http::Response response;
  response.headers = {{"Content-Type", std::string(pictures::media_type(output.form))},
                      {"ETag", etag_of(frame)},
                      {"Cache-Control", "no-cache"},
                      {"X-Image-Width", std::to_string(size.width)},
                      {"X-Image-Height", std::to_string(size.height)},
                      {"X-Image-Format", std::string(pictures::form_name(output.form))}};
  response.body = *std::move(file);
  exchange->respond(std::move(response));
}

void LatestApi::answer_without(const Exchange& exchange) const {
  const auto newest = feed_.newest();
  if (newest == nullptr)
    return exchange->respond(error(404, "no picture has been painted since the server started"));
  http::Response response;
  response.status = 304;
  response.headers = {{"ETag", etag_of(*newest)}, {"Cache-Control", "no-cache"}};
  exchange->respond(std::move(response));
}

void LatestApi::wait(Waiting waiting) {
  const Exchange exchange = waiting.exchange;
  const http::Exchange* const key = exchange.get();
  {
    const MutexLock lock(mutex_);
    waiting_.push_back(std::move(waiting));
    changed_.notify_all();
  }
  exchange->on_disconnect([this, key] { give_up(key); });
  exchange->on_stop([this, key] { give_up(key); });
  // A picture that was finished before this request stood in the list was not told to it.
  const auto newest = feed_.newest();
  if (newest != nullptr && !has_etag(exchange->request(), etag_of(*newest))) take(newest);
}

void LatestApi::give_up(const http::Exchange* exchange) {
  std::list<Waiting> found;
  {
    const MutexLock lock(mutex_);
    const auto waiting = std::ranges::find_if(
        waiting_, [exchange](const Waiting& one) { return one.exchange.get() == exchange; });
    if (waiting == waiting_.end()) return;
    found.splice(found.begin(), waiting_, waiting);
  }
  answer_without(found.front().exchange);
}

void LatestApi::take(const std::shared_ptr<const pictures::Frame>& frame) {
  std::list<Waiting> waiting;
  std::vector<std::shared_ptr<Film>> films;
  {
    const MutexLock lock(mutex_);
    if (frame->finished) waiting.swap(waiting_);
    std::ranges::copy_if(films_, std::back_inserter(films),
                         [&frame](const auto& film) { return film->wants(*frame); });
  }
  for (const Waiting& one : waiting) answer_with(*frame, one.exchange, one.output);
  // Screens that look alike share a file.
  std::vector<std::pair<pictures::Output, std::string>> files;
  for (const std::shared_ptr<Film>& film : films) {
    auto found =
        std::ranges::find(files, film->look(), [](const auto& pair) { return pair.first; });
    if (found == files.end()) {
      Result<std::string> file = file_of(*frame, film->look());
      if (!file.ok()) {
        AXLE_LOG_ERROR("latest", "a film misses a picture: {}", file.status().message());
        continue;
      }
      found = files.emplace(files.end(), film->look(), *std::move(file));
    }
    film->show(found->second);
  }
}

void LatestApi::film(const Exchange& exchange) {
  const http::Request& request = exchange->request();
  const Result<pictures::Output> look = parse_look(request.query, pictures::Form::kJpeg);
  if (!look.ok()) return exchange->respond(error(400, look.status().message()));
  const Result<int> previews = query_number(request.query, "previews", 0, 1, 1);
  if (!previews.ok()) return exchange->respond(error(400, previews.status().message()));
  const auto film =
      std::make_shared<Film>(*look, *previews == 1 ? feed_.ask_for_previews() : nullptr);
  film->start(exchange);
  if (const auto newest = feed_.newest()) {
    if (const Result<std::string> file = file_of(*newest, *look); file.ok()) film->show(*file);
  }
  {
    const MutexLock lock(mutex_);
    films_.push_back(film);
  }
  exchange->on_disconnect([this, key = film.get()] { end_film(key); });
  exchange->on_stop([this, key = film.get()] { end_film(key); });
}

void LatestApi::end_film(const Film* film) {
  std::shared_ptr<Film> ended;
  {
    const MutexLock lock(mutex_);
    const auto found =
        std::ranges::find_if(films_, [film](const auto& one) { return one.get() == film; });
    if (found == films_.end()) return;
    ended = std::move(*found);
    films_.erase(found);
  }
  ended->end();
}

void LatestApi::expire(const std::stop_token& stop) {
  for (;;) {
    std::list<Waiting> over;
    {
      const MutexLock lock(mutex_);
      while (waiting_.empty() && !stop.stop_requested()) changed_.wait(mutex_);
      if (stop.stop_requested()) return;
      changed_.wait_until(mutex_, Clock::now() + kLookInterval);
      const auto now = Clock::now();
      for (auto next = waiting_.begin(); next != waiting_.end();) {
        const auto one = next++;
        if (one->until <= now) over.splice(over.end(), waiting_, one);
      }
    }
    for (const Waiting& one : over) answer_without(one.exchange);
  }
}

}  // namespace axle::api
