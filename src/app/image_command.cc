#include <fmt/format.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <optional>

#include "app/chat_session.h"
#include "app/commands.h"
#include "app/image_request.h"
#include "app/progress.h"
#include "app/terminal_picture.h"
#include "base/file.h"
#include "http/client.h"
#include "http/sse.h"

namespace axle::app {
namespace {

std::atomic<bool> g_interrupted{false};

void on_interrupt(int) { g_interrupted = true; }

constexpr std::size_t kMaxPictureBytes = std::size_t{64} << 20;
constexpr std::uint64_t kPartsOfAPicture = 4;  // Three partial pictures and the finished one.

// Where finished pictures go.
struct Destination {
  PictureProtocol protocol = PictureProtocol::kNone;
  bool standard_output = false;  // Their bytes; else files, where the terminal shows none.
};

Result<Destination> choose_destination(const ImageArguments& arguments) {
  AXLE_TRY_ASSIGN(const std::optional<PictureProtocol> named, protocol_named(arguments.show));
  Destination destination;
  const bool terminal = ::isatty(STDOUT_FILENO) == 1;
  if (named) {
    destination.protocol = *named;
  } else if (terminal) {
    destination.protocol = protocol_of([](const char* name) { return std::getenv(name); });
    if (destination.protocol == PictureProtocol::kNone && terminal_has_sixel())
      destination.protocol = PictureProtocol::kSixel;
  }
  destination.standard_output =
      !terminal && arguments.output.empty() && destination.protocol == PictureProtocol::kNone;
  if (destination.standard_output && arguments.count > 1) {
    return invalid_argument(fmt::format(
        "standard output takes one picture, {} are asked for; name a file with --output",
        arguments.count));
  }
  return destination;
}

Status hand_out(const ImageArguments& arguments, const Destination& destination,
                const ImageNews& news) {
  if (destination.standard_output) {
    const bool written =
        std::fwrite(news.file.data(), 1, news.file.size(), stdout) == news.file.size();
    return written ? Status() : unavailable("the picture could not be written to standard output");
  }
  AXLE_TRY_ASSIGN(const std::string shown, show_text(destination.protocol, news.file));
  std::fwrite(shown.data(), 1, shown.size(), stdout);
  std::fflush(stdout);
  if (!shown.empty() && arguments.output.empty()) {
    fmt::print(stderr, "seed {}\n", news.seed);
    return {};
  }
  const std::filesystem::path file = image_file(arguments, news.index, arguments.count, news.seed);
  AXLE_TRY(write_file_atomically(file, news.file));
  fmt::print(stderr, "{} (seed {})\n", file.string(), news.seed);
  return {};
}

Result<std::string> file_of(const std::filesystem::path& path) {
  if (path.empty()) return std::string();
  return read_file(path, kMaxPictureBytes);
}

// Takes the events of the answer as they come.
class Answer {
 public:
  Answer(const ImageArguments& arguments, const Destination& destination)
      : arguments_(arguments), destination_(destination) {
    bar_.emplace("painting");
  }

  bool take(std::string_view bytes) {
    const Result<std::vector<http::SseEvent>> events = parser_.feed(bytes);
    if (!events.ok()) return fail(events.status());
    for (const http::SseEvent& event : *events) {
      if (event.data == "[DONE]") continue;
      const Result<ImageNews> news = image_news(event.data);
      if (!news.ok()) return fail(news.status());
      if (const Status status = take(*news); !status.ok()) return fail(status);
    }
    return !g_interrupted.load();
  }

  const Status& failure() const { return failure_; }
  bool complete() const { return pictures_ == arguments_.count; }

 private:
  Status take(const ImageNews& news) {
    const auto picture = static_cast<std::uint64_t>(news.index);
    const std::uint64_t part =
        news.finished ? kPartsOfAPicture : static_cast<std::uint64_t>(news.partial) + 1;
    bar_->update(picture * kPartsOfAPicture + part,
                 static_cast<std::uint64_t>(arguments_.count) * kPartsOfAPicture, "");
    if (!news.finished) return {};
    bar_.reset();  // Ends its line before the picture is shown.
    AXLE_TRY(hand_out(arguments_, destination_, news));
    if (++pictures_ < arguments_.count) bar_.emplace("painting");
    return {};
  }
  bool fail(const Status& status) {
    failure_ = status;
    return false;
  }

  const ImageArguments& arguments_;
  const Destination& destination_;
  http::SseParser parser_{std::size_t{256} << 20};
  std::optional<ProgressBar> bar_;
  std::int32_t pictures_ = 0;
  Status failure_;
};

}  // namespace

Status run_image(const ImageArguments& arguments) {
  if (arguments.picture.empty() && !arguments.mask.empty())
    return invalid_argument(
        "--mask is for pictures that begin with another one: name it with --from");
  AXLE_TRY_ASSIGN(const Destination destination, choose_destination(arguments));
  AXLE_TRY_ASSIGN(const std::string picture, file_of(arguments.picture));
  AXLE_TRY_ASSIGN(const std::string mask, file_of(arguments.mask));
  AXLE_TRY_ASSIGN(http::Client client,
                  http::Client::create(arguments.url,
                                       {.cancel = &g_interrupted, .api_key = arguments.api_key}));
  std::signal(SIGINT, on_interrupt);
  const ImageCall call = image_call(arguments, picture, mask);
  Answer answer(arguments, destination);
  const Result<http::Response> response = client.post_stream(
      call.path, call.body, [&answer](std::string_view bytes) { return answer.take(bytes); },
      call.headers);
  if (!answer.failure().ok()) return answer.failure();
  if (g_interrupted) return cancelled("interrupted");
  if (!response.ok()) {
    return response.status().with_context(
        fmt::format("no answer of {} (start a server with: axle serve)", arguments.url));
  }
  if (response->status != 200) return answer_error(*response);
  if (!answer.complete()) return unavailable("the server ended before the last picture");
  return {};
}

}  // namespace axle::app
