// What the HTTP server itself costs: processor time per streamed chunk, memory per idle stream, and
// requests per second on kept connections. The server runs in a process of its own, which is what
// is measured; the clients run in this one.
//
//   bench_http [streams=1000] [chunks=100] [pause_ms=20]
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include "base/mutex.h"
#include "http/client.h"
#include "http/server.h"
#include "http/sse.h"

namespace {

using namespace axle;
using std::chrono::milliseconds;

struct Plan {
  int streams = 1000;
  int chunks = 100;
  milliseconds pause{20};
};

// About what a chat completion chunk looks like.
const std::string kChunk = http::sse_event(
    R"({"id":"chatcmpl-0123456789abcdef","object":"chat.completion.chunk","created":1700000000,)"
    R"("model":"SmolLM2-135M-Instruct","choices":[{"index":0,"delta":{"content":" token"},)"
    R"("logprobs":null,"finish_reason":null}],"usage":null})");

// The server's side ----------------------------------------------------------------------------

class Streams {
 public:
  void add(std::shared_ptr<http::BodyStream> stream) {
    const MutexLock lock(mutex_);
    streams_.push_back(std::move(stream));
  }
  void write_to_all(int chunks, milliseconds pause) {
    const MutexLock lock(mutex_);
    for (int i = 0; i < chunks; ++i) {
      const auto next = std::chrono::steady_clock::now() + pause;
      for (const auto& stream : streams_) static_cast<void>(stream->write(kChunk));
      std::this_thread::sleep_until(next);
    }
  }
  void finish_all() {
    const MutexLock lock(mutex_);
    for (const auto& stream : streams_) stream->finish();
    streams_.clear();
  }

 private:
  Mutex mutex_;
  std::vector<std::shared_ptr<http::BodyStream>> streams_ AXLE_GUARDED_BY(mutex_);
};

std::string usage_text() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  const auto microseconds = [](const timeval& time) {
    return static_cast<long long>(time.tv_sec) * 1'000'000 + time.tv_usec;
  };
  long long pages = 0;
  long long resident = 0;
  std::ifstream("/proc/self/statm") >> pages >> resident;
  return std::to_string(microseconds(usage.ru_utime) + microseconds(usage.ru_stime)) + " " +
         std::to_string(resident * ::sysconf(_SC_PAGESIZE));
}

[[noreturn]] void run_server(int port_pipe, const Plan& plan) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  Streams streams;
  http::Router router;
  router.add("GET", "/stream", [&streams](const std::shared_ptr<http::Exchange>& exchange) {
    auto stream = exchange->start_stream(http::sse_head());
    static_cast<void>(stream->write(kChunk));
    streams.add(std::move(stream));
  });
  router.add("POST", "/run", [&streams, plan](const std::shared_ptr<http::Exchange>& exchange) {
    streams.write_to_all(plan.chunks, plan.pause);
    exchange->respond(http::text_response(200, "done"));
  });
  router.add("POST", "/finish", [&streams](const std::shared_ptr<http::Exchange>& exchange) {
    streams.finish_all();
    exchange->respond(http::text_response(200, "done"));
  });
  router.add("GET", "/usage", [](const std::shared_ptr<http::Exchange>& exchange) {
    exchange->respond(http::text_response(200, usage_text()));
  });
  http::ServerOptions options;
  options.worker_queue = 100'000;
  auto server = http::Server::start(std::move(options), std::move(router));
  const std::uint16_t port = server.ok() ? (*server)->port() : std::uint16_t{0};
  if (::write(port_pipe, &port, sizeof(port)) != sizeof(port)) std::_Exit(1);
  for (;;) ::pause();
}

// The clients' side ----------------------------------------------------------------------------

struct Usage {
  double cpu_microseconds = 0;
  double resident_bytes = 0;
};

Usage usage_of(http::Client& client) {
  const Result<http::Response> answer = client.get("/usage");
  Usage usage;
  if (!answer.ok() || std::sscanf(answer->body.c_str(), "%lf %lf", &usage.cpu_microseconds,
                                  &usage.resident_bytes) != 2) {
    std::fprintf(stderr, "no usage from the server\n");
    std::exit(1);
  }
  return usage;
}

int open_stream(std::uint16_t port) {
  const int fd = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  static constexpr std::string_view kRequest =
      "GET /stream HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer 0123456789\r\n"
      "User-Agent: OpenAI/Python 1.0\r\nAccept: application/json\r\n"
      "X-Stainless-Lang: python\r\nX-Stainless-OS: Linux\r\n\r\n";
  if (::connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof(address)) != 0 ||
      ::send(fd, kRequest.data(), kRequest.size(), MSG_NOSIGNAL) < 0) {
    std::fprintf(stderr, "cannot open a stream\n");
    std::exit(1);
  }
  return fd;
}

// Reads all sockets until `bytes` were received in total; gives up after ten silent seconds.
void read_all(int poll_fd, std::size_t bytes) {
  std::array<epoll_event, 256> events;
  std::array<char, 65'536> buffer;
  std::size_t received = 0;
  while (received < bytes) {
    const int count = ::epoll_wait(poll_fd, events.data(), static_cast<int>(events.size()), 10'000);
    if (count <= 0) return;
    for (int i = 0; i < count; ++i) {
      const ssize_t got = ::recv(events[static_cast<std::size_t>(i)].data.fd, buffer.data(),
                                 buffer.size(), MSG_DONTWAIT);
      if (got > 0) received += static_cast<std::size_t>(got);
    }
  }
}

void measure_streams(std::uint16_t port, const Plan& plan) {
  http::Client client = *http::Client::create("http://127.0.0.1:" + std::to_string(port));
  const Usage empty = usage_of(client);
  const int poll_fd = ::epoll_create1(0);
  std::vector<int> sockets;
  for (int i = 0; i < plan.streams; ++i) {
    const int fd = open_stream(port);
    epoll_event event{.events = EPOLLIN, .data = {.fd = fd}};
    ::epoll_ctl(poll_fd, EPOLL_CTL_ADD, fd, &event);
    sockets.push_back(fd);
  }
  const auto streams = static_cast<std::size_t>(plan.streams);
  read_all(poll_fd, streams * kChunk.size());
  std::this_thread::sleep_for(milliseconds(300));
  const Usage idle = usage_of(client);
  std::printf("%d idle streams: %.0f bytes of resident memory each\n", plan.streams,
              (idle.resident_bytes - empty.resident_bytes) / plan.streams);

  const std::size_t chunks = streams * static_cast<std::size_t>(plan.chunks);
  const auto begin = std::chrono::steady_clock::now();
  std::thread reading([poll_fd, chunks] { read_all(poll_fd, chunks * kChunk.size()); });
  static_cast<void>(client.post("/run", "").ok());
  reading.join();
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
  const Usage busy = usage_of(client);
  std::printf("%zu chunks of %zu bytes in %.2f s: %.1f microseconds of processor time each\n",
              chunks, kChunk.size(), took.count(),
              (busy.cpu_microseconds - idle.cpu_microseconds) / static_cast<double>(chunks));
  static_cast<void>(client.post("/finish", "").ok());
  for (const int fd : sockets) ::close(fd);
  ::close(poll_fd);
}

void measure_requests(std::uint16_t port) {
  constexpr int kRequests = 5000;
  http::Client client = *http::Client::create("http://127.0.0.1:" + std::to_string(port));
  const Usage before = usage_of(client);
  const auto begin = std::chrono::steady_clock::now();
  Usage after = before;
  for (int i = 0; i < kRequests; ++i) after = usage_of(client);
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
  std::printf("one kept connection: %.0f requests/s, %.1f microseconds of processor time each\n",
              kRequests / took.count(),
              (after.cpu_microseconds - before.cpu_microseconds) / kRequests);
}

}  // namespace

int main(int argc, char** argv) {
  Plan plan;
  if (argc > 1) plan.streams = std::atoi(argv[1]);
  if (argc > 2) plan.chunks = std::atoi(argv[2]);
  if (argc > 3) plan.pause = milliseconds(std::atoi(argv[3]));
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);

  std::array<int, 2> port_pipe{};
  if (::pipe(port_pipe.data()) != 0) return 1;
  const pid_t server = ::fork();
  if (server == 0) run_server(port_pipe[1], plan);
  std::uint16_t port = 0;
  if (::read(port_pipe[0], &port, sizeof(port)) != sizeof(port) || port == 0) {
    std::fprintf(stderr, "the server did not start\n");
    return 1;
  }
  measure_streams(port, plan);
  measure_requests(port);
  ::kill(server, SIGKILL);
  ::waitpid(server, nullptr, 0);
  return 0;
}
