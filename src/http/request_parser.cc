#include "http/request_parser.h"

#include <boost/beast/http/parser.hpp>
#include <optional>
#include <utility>

#include "base/check.h"
#include "http/text.h"

namespace axle::http {

namespace {

namespace beast_http = boost::beast::http;

// A Beast body that collects its bytes, or only counts them. It grows with what really comes and
// reserves nothing for what a Content-Length promises.
struct CollectBody {
  struct value_type {
    std::string bytes;
    std::uint64_t count = 0;
    bool discard = false;
  };

  class reader {
   public:
    template <bool kIsRequest, typename Fields>
    reader(beast_http::header<kIsRequest, Fields>&, value_type& body) : body_(body) {}

    void init(const boost::optional<std::uint64_t>&, boost::beast::error_code& error) {
      error = {};
    }
    template <typename Buffers>
    std::size_t put(const Buffers& buffers, boost::beast::error_code& error) {
      error = {};
      std::size_t total = 0;
      for (auto it = boost::asio::buffer_sequence_begin(buffers);
           it != boost::asio::buffer_sequence_end(buffers); ++it) {
        const boost::asio::const_buffer buffer = *it;
        if (!body_.discard)
          body_.bytes.append(static_cast<const char*>(buffer.data()), buffer.size());
        total += buffer.size();
      }
      body_.count += total;
      return total;
    }
    void finish(boost::beast::error_code& error) { error = {}; }

   private:
    value_type& body_;
  };
};

template <typename Message>
HeaderList copy_headers(const Message& message) {
  HeaderList headers;
  for (const auto& field : message) {
    headers.emplace_back(std::string_view(field.name_string().data(), field.name_string().size()),
                         std::string_view(field.value().data(), field.value().size()));
  }
  return headers;
}

// Runs the parser over `input` as far as it goes and removes what it used. `stop` is asked after
// each step. True in the result: more bytes are wanted.
template <typename Parser, typename Stop>
boost::beast::error_code run_parser(Parser& parser, std::string_view& input, Stop stop) {
  while (!input.empty() && !parser.is_done() && !stop()) {
    boost::beast::error_code error;
    const std::size_t used =
        parser.put(boost::asio::const_buffer(input.data(), input.size()), error);
    input.remove_prefix(used);
    if (error == beast_http::error::need_more) return {};
    if (error) return error;
  }
  return {};
}

}  // namespace

class RequestParser::Impl {
 public:
  Impl() {
    parser.eager(false);
    parser.body_limit(boost::none);  // Set when the body is read; the head must be seen first.
  }
  beast_http::request_parser<CollectBody> parser;
};

RequestParser::RequestParser(const ParserLimits& limits)
    : limits_(limits), impl_(std::make_unique<Impl>()) {
  impl_->parser.header_limit(static_cast<std::uint32_t>(limits.max_header_bytes));
}

RequestParser::~RequestParser() = default;

bool RequestParser::done() const { return impl_->parser.is_done(); }

std::uint64_t RequestParser::body_bytes() const { return impl_->parser.get().body().count; }

Status RequestParser::fail(Problem problem, std::string message) {
  problem_ = problem;
  return invalid_argument(std::move(message));
}

Status RequestParser::feed(std::string_view bytes) {
  if (problem_ != Problem::kNone) return invalid_argument("the request was already refused");
  std::string joined;
  std::string_view input = bytes;
  if (!pending_.empty()) {
    joined = std::move(pending_);
    joined += bytes;
    input = joined;
  }
  Status status = advance(input);
  pending_ = std::string(input);
  AXLE_TRY(std::move(status));
  return check_sizes();
}

Status RequestParser::advance(std::string_view& input) {
  // RFC 9112 section 2.2: empty lines before a request are skipped.
  while (!started_ && input.starts_with("\r\n")) input.remove_prefix(2);
  if (!started_ && (input.empty() || input == "\r")) return {};
  started_ = true;
  if (head_done_ && !reading_body_) return {};

  const std::size_t before = input.size();
  const boost::beast::error_code error = run_parser(
      impl_->parser, input, [this] { return !head_done_ && impl_->parser.is_header_done(); });
  if (!head_done_) head_bytes_ += before - input.size();
  if (error == beast_http::error::header_limit) {
    return fail(Problem::kHeaderTooLarge, "the request head is too large");
  }
  if (error == beast_http::error::body_limit) {
    return fail(Problem::kBodyTooLarge, "the request body is too large");
  }
  if (error == beast_http::error::bad_version) {
    return fail(Problem::kVersion, "only HTTP/1.0 and HTTP/1.1 are spoken here");
  }
  if (error) return fail(Problem::kMalformed, "not a valid HTTP request: " + error.message());
  if (!head_done_ && impl_->parser.is_header_done()) return finish_head();
  return {};
}

// Bytes that are kept because a line is not complete are bounded here; Beast's own limit counts
// each line anew.
Status RequestParser::check_sizes() {
  if (!head_done_ && head_bytes_ + pending_.size() > limits_.max_header_bytes) {
    return fail(Problem::kHeaderTooLarge, "the request head is too large");
  }
  if (head_bytes_ > limits_.max_header_bytes) {
    return fail(Problem::kHeaderTooLarge, "the request head is too large");
  }
  if (reading_body_ && !done() && pending_.size() > limits_.max_header_bytes) {
    return fail(Problem::kMalformed, "a chunk head or trailer is too large");
  }
  return {};
}

Status RequestParser::finish_head() {
  const auto& message = impl_->parser.get();
  const HeaderList headers = copy_headers(message);
  framing_.keep_alive = impl_->parser.keep_alive();
  framing_.http_1_0 = message.version() == 10;
  framing_.chunked = impl_->parser.chunked();
  const auto length = impl_->parser.content_length();
  framing_.content_length = length ? *length : 0;
  // RFC 9112 section 6.1: a body whose end cannot be told must not be guessed at.
  const std::optional<std::string_view> coding = find_header(headers, "transfer-encoding");
  if (coding && (framing_.http_1_0 || !equals_ignoring_case(trim(*coding), "chunked"))) {
    return fail(Problem::kMalformed, "the only transfer coding known here is \"chunked\"");
  }
  if (const auto expect = find_header(headers, "expect"); expect && !framing_.http_1_0) {
    framing_.expects_continue = equals_ignoring_case(trim(*expect), "100-continue");
    framing_.unknown_expectation = !framing_.expects_continue;
  }
  head_done_ = true;
  return {};
}

Request RequestParser::take_head() {
  AXLE_CHECK(head_done_);
  const auto& message = impl_->parser.get();
  Request request;
  request.method = std::string_view(message.method_string().data(), message.method_string().size());
  request.target = std::string_view(message.target().data(), message.target().size());
  request.headers = copy_headers(message);
  return request;
}

void RequestParser::read_body(BodyUse use) {
  AXLE_CHECK(head_done_);
  if (std::exchange(reading_body_, true)) return;
  impl_->parser.get().body().discard = use == BodyUse::kDiscard;
  if (use == BodyUse::kKeep) impl_->parser.body_limit(limits_.max_body_bytes);
}

std::string RequestParser::take_body() {
  AXLE_CHECK(done());
  return std::move(impl_->parser.get().body().bytes);
}

class ResponseParser::Impl {
 public:
  explicit Impl(bool head) : head_request(head) { reset(); }

  void reset() {
    parser.emplace();
    parser->eager(false);
    parser->body_limit(boost::none);
    parser->header_limit(1u << 20);
    if (head_request) parser->skip(true);
  }

  bool head_request;
  std::optional<beast_http::response_parser<CollectBody>> parser;
};

ResponseParser::ResponseParser(bool head_request) : impl_(std::make_unique<Impl>(head_request)) {}

ResponseParser::~ResponseParser() = default;

Status ResponseParser::feed(std::string_view bytes) {
  const std::string joined = std::exchange(pending_, {}) + std::string(bytes);
  std::string_view input = joined;
  for (;;) {
    const boost::beast::error_code error = run_parser(*impl_->parser, input, [] { return false; });
    if (error) return corrupt("not a valid HTTP answer: " + error.message());
    const bool interim = impl_->parser->is_done() && status() / 100 == 1;
    if (!interim) break;
    impl_->reset();  // "100 Continue": the real answer follows.
  }
  head_done_ = impl_->parser->is_header_done();
  pending_ = std::string(input);
  if (pending_.size() > (1u << 20)) return corrupt("a line of the HTTP answer is too long");
  return {};
}

Status ResponseParser::end_of_input() {
  if (done()) return {};
  boost::beast::error_code error = beast_http::error::partial_message;
  if (impl_->parser->got_some()) impl_->parser->put_eof(error);
  if (error) return unavailable("the server closed the connection in the middle of its answer");
  return {};
}

bool ResponseParser::done() const { return impl_->parser->is_done(); }

bool ResponseParser::keep_alive() const { return done() && impl_->parser->keep_alive(); }

int ResponseParser::status() const { return static_cast<int>(impl_->parser->get().result_int()); }

HeaderList ResponseParser::headers() const { return copy_headers(impl_->parser->get()); }

std::string ResponseParser::take_body() {
  return std::exchange(impl_->parser->get().body().bytes, {});
}

}  // namespace axle::http
