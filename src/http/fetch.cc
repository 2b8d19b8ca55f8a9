#include "http/fetch.h"

#include <curl/curl.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <memory>
#include <string_view>

#include "http/fetch_rule.h"
#include "http/public_address.h"

#ifndef AXLE_VERSION
#error "AXLE_VERSION is set by CMake"
#endif

namespace axle::http {

namespace {

using EasyHandle = std::unique_ptr<CURL, decltype(&curl_easy_cleanup)>;
using UrlHandle = std::unique_ptr<CURLU, decltype(&curl_url_cleanup)>;

constexpr const char* kSchemes = "http,https";

// What the callbacks of one fetch share.
struct Transfer {
  AddressRule may_connect = nullptr;
  const FetchOptions* options = nullptr;
  std::string body = {};
  bool too_big = false;
  bool address_refused = false;
};

bool is_allowed(const Transfer& transfer, const curl_sockaddr& address) {
  if (address.family == AF_INET && address.addrlen >= sizeof(sockaddr_in)) {
    sockaddr_in ipv4;
    std::memcpy(&ipv4, &address.addr, sizeof(ipv4));
    std::array<std::uint8_t, 4> bytes;
    std::memcpy(bytes.data(), &ipv4.sin_addr, bytes.size());
    return transfer.may_connect(bytes);
  }
  if (address.family == AF_INET6 && address.addrlen >= sizeof(sockaddr_in6)) {
    sockaddr_in6 ipv6;
    // curl_sockaddr ends with a sockaddr, but what curl passes is as long as `addrlen` says.
    std::memcpy(&ipv6, reinterpret_cast<const std::byte*>(&address) + offsetof(curl_sockaddr, addr),
                sizeof(ipv6));
    std::array<std::uint8_t, 16> bytes;
    std::memcpy(bytes.data(), &ipv6.sin6_addr, bytes.size());
    return transfer.may_connect(bytes);
  }
  return false;
}

// The last word before every connection: curl connects the socket to exactly this address.
curl_socket_t open_socket(void* context, curlsocktype purpose, curl_sockaddr* address) {
  auto* transfer = static_cast<Transfer*>(context);
  if (purpose != CURLSOCKTYPE_IPCXN || !is_allowed(*transfer, *address)) {
    transfer->address_refused = true;
    return CURL_SOCKET_BAD;
  }
  return ::socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

std::size_t take_bytes(char* bytes, std::size_t size, std::size_t count, void* context) {
  auto* transfer = static_cast<Transfer*>(context);
  const std::size_t total = size * count;
  if (total > transfer->options->max_bytes - transfer->body.size()) {
    transfer->too_big = true;
    return CURL_WRITEFUNC_ERROR;
  }
  transfer->body.append(bytes, total);
  return total;
}

int look_at_cancel(void* context, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
  return static_cast<const Transfer*>(context)->options->cancel.stop_requested() ? 1 : 0;
}

// Options of one handle; the first that fails counts.
class Setter {
 public:
  explicit Setter(CURL* handle) : handle_(handle) {}

  template <typename Value>
  Setter& set(CURLoption option, Value value) {
    if (code_ == CURLE_OK) code_ = curl_easy_setopt(handle_, option, value);
    return *this;
  }
  CURLcode code() const { return code_; }

 private:
  CURL* handle_;
  CURLcode code_ = CURLE_OK;
};

CURLcode set_options(CURL* handle, CURLU* url, char* error, Transfer& transfer) {
  const FetchOptions& options = *transfer.options;
  constexpr std::chrono::milliseconds kLongest = std::chrono::hours(24);
  const auto timeout = std::clamp(options.timeout, std::chrono::milliseconds(1), kLongest);
  return Setter(handle)
      .set(CURLOPT_CURLU, url)
      .set(CURLOPT_ERRORBUFFER, error)
      .set(CURLOPT_USERAGENT, "axle/" AXLE_VERSION)
      .set(CURLOPT_PROTOCOLS_STR, kSchemes)
      .set(CURLOPT_REDIR_PROTOCOLS_STR, kSchemes)
      .set(CURLOPT_DISALLOW_USERNAME_IN_URL, 1L)  // Of redirects too.
      .set(CURLOPT_FOLLOWLOCATION, 1L)
      .set(CURLOPT_MAXREDIRS, static_cast<long>(std::max(options.max_redirects, 0)))
      .set(CURLOPT_FAILONERROR, 1L)
      .set(CURLOPT_PROXY, "")  // Not even one that the environment names.
      .set(CURLOPT_NOSIGNAL, 1L)
      .set(CURLOPT_TIMEOUT_MS, static_cast<long>(timeout.count()))
      .set(CURLOPT_QUICK_EXIT, 1L)  // Else a silent name server holds us beyond the time-out.
      .set(CURLOPT_MAXFILESIZE_LARGE, static_cast<curl_off_t>(options.max_bytes))
      .set(CURLOPT_OPENSOCKETFUNCTION, open_socket)
      .set(CURLOPT_OPENSOCKETDATA, &transfer)
      .set(CURLOPT_WRITEFUNCTION, take_bytes)
      .set(CURLOPT_WRITEDATA, &transfer)
      .set(CURLOPT_NOPROGRESS, 0L)
      .set(CURLOPT_XFERINFOFUNCTION, look_at_cancel)
      .set(CURLOPT_XFERINFODATA, &transfer)
      .code();
}

std::string url_part(CURLU* url, CURLUPart part) {
  char* text = nullptr;
  if (curl_url_get(url, part, &text, 0) != CURLUE_OK) return {};
  const std::unique_ptr<char, decltype(&curl_free)> owned(text, &curl_free);
  return text;
}

// Reads `text` into `url`.
Status read_url(CURLU* url, const std::string& text) {
  const auto bad = [](char c) {
    const auto byte = static_cast<unsigned char>(c);  // arm64: a char has no sign.
    return byte <= 0x20 || byte == 0x7f;
  };
  if (std::any_of(text.begin(), text.end(), bad)) {
    return invalid_argument("the URL has a blank or a control character: write it as %20");
  }
  const CURLUcode code = curl_url_set(url, CURLUPART_URL, text.c_str(), CURLU_DISALLOW_USER);
  if (code == CURLUE_USER_NOT_ALLOWED) {
    return invalid_argument("the URL has a user name: URLs with credentials are not fetched");
  }
  const std::string scheme = url_part(url, CURLUPART_SCHEME);
  if (code != CURLUE_OK || (scheme != "http" && scheme != "https")) {
    return invalid_argument("the URL must be of the form http://host/path or https://host/path");
  }
  return {};
}

Status failed_answer(long http_status) {
  std::string message = fmt::format("the server answered with status {}", http_status);
  const bool missing = http_status == 404 || http_status == 410;
  return missing ? not_found(std::move(message)) : unavailable(std::move(message));
}

// What `code`, which is not CURLE_OK, means. `detail` is curl's own sentence.
Status failure(CURLcode code, CURL* handle, const Transfer& transfer, std::string detail) {
  const FetchOptions& options = *transfer.options;
  if (transfer.too_big || code == CURLE_FILESIZE_EXCEEDED) {
    return exhausted(fmt::format("the answer is longer than {} bytes", options.max_bytes));
  }
  switch (code) {
    case CURLE_HTTP_RETURNED_ERROR: {
      long http_status = 0;
      curl_easy_getinfo(handle, CURLINFO_RESPONSE_CODE, &http_status);
      return failed_answer(http_status);
    }
    case CURLE_ABORTED_BY_CALLBACK:
      return cancelled("given up while it was fetched");
    case CURLE_OPERATION_TIMEDOUT:
      return deadline_exceeded(
          fmt::format("it did not come within {} ms", options.timeout.count()));
    case CURLE_TOO_MANY_REDIRECTS:
      return invalid_argument(fmt::format("more than {} redirects", options.max_redirects));
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_URL_MALFORMAT:
    case CURLE_LOGIN_DENIED:
      return invalid_argument("a redirect leads to a URL that is not fetched: " + detail);
    case CURLE_COULDNT_RESOLVE_HOST:
      return not_found("the name of the host does not resolve: " + detail);
    case CURLE_COULDNT_CONNECT:
      // Which address it was is not told: a stranger could ask for the names of the network.
      if (transfer.address_refused) {
        return invalid_argument(
            "it leads to an address that is not public: send the content itself instead");
      }
      [[fallthrough]];
    default:
      return unavailable(std::move(detail));
  }
}

bool any_address(std::span<const std::uint8_t>) { return true; }

Result<std::string> run(CURL* handle, CURLU* url, Transfer transfer) {
  std::array<char, CURL_ERROR_SIZE> error{};
  CURLcode code = set_options(handle, url, error.data(), transfer);
  if (code == CURLE_OK) code = curl_easy_perform(handle);
  if (code != CURLE_OK) {
    return failure(code, handle, transfer,
                   error.front() != '\0' ? error.data() : curl_easy_strerror(code));
  }
  long http_status = 0;
  curl_easy_getinfo(handle, CURLINFO_RESPONSE_CODE, &http_status);
  if (http_status / 100 != 2) return failed_answer(http_status);
  return std::move(transfer.body);
}

}  // namespace

Result<std::string> fetch_under(AddressRule rule, const std::string& url,
                                const FetchOptions& options) {
  // Once for the process, before any handle; there is no moment to undo it.
  static const CURLcode started = curl_global_init(CURL_GLOBAL_DEFAULT);
  const UrlHandle parsed(curl_url(), &curl_url_cleanup);
  const EasyHandle handle(curl_easy_init(), &curl_easy_cleanup);
  if (started != CURLE_OK || !parsed || !handle) return unavailable("libcurl could not be started");

  AXLE_TRY(read_url(parsed.get(), url));
  Result<std::string> body =
      run(handle.get(), parsed.get(), Transfer{.may_connect = rule, .options = &options});
  if (body.ok()) return body;
  return body.status().with_context(
      fmt::format("fetching from '{}'", url_part(parsed.get(), CURLUPART_HOST)));
}

Result<std::string> fetch(const std::string& url, const FetchOptions& options) {
  return fetch_under(options.allow_private ? &any_address : &is_public_address, url, options);
}

}  // namespace axle::http
