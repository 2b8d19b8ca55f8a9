#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

// Forms with files: the bodies of type multipart/form-data that curl, browsers and the clients of
// Python and Node send.
//
// Source: RFC 7578 (multipart/form-data), RFC 2046 section 5.1.1 (boundaries), RFC 8187
// ("filename*"), WHATWG HTML section 4.10.21.8 (the escapes %22, %0D and %0A).
namespace axle::http {

// One field of a form. Names have no control characters but tabs and escaped line breaks. They are
// most often UTF-8, but nobody has checked that.
struct FormPart {
  std::string name = {};                     // As sent: "image[]" keeps its brackets.
  std::optional<std::string> filename = {};  // Of a file, maybe ""; nothing for a plain field.
  std::string content_type = {};  // E.g. "image/png"; "" where none is given: plain text.
  std::string_view body = {};
  friend bool operator==(const FormPart&, const FormPart&) = default;
};

inline constexpr std::size_t kMaxFormParts = 256;
inline constexpr std::size_t kMaxFormPartHeaderBytes = 8192;

// Takes a form apart. `content_type` is the request's, with the boundary. The parts come in the
// order sent, also several of one name; their bodies are views into `body` and live as long as it.
// A filename* or name* that can be read wins over the plain parameter.
//
// Errors: kInvalidArgument  `content_type` is not multipart/form-data, or has no boundary or a bad
//                           one (RFC 2046: 1 to 70 characters); `body` does not end with the
//                           closing boundary; more than kMaxFormParts parts; a part whose headers
//                           are malformed or longer than kMaxFormPartHeaderBytes, that has no name,
//                           or that comes in a transfer encoding (base64).
Result<std::vector<FormPart>> parse_multipart(std::string_view content_type, std::string_view body);

// A form as it travels.
struct Form {
  std::string content_type;
  std::string body;
};

// Writes a form, for clients and tests. parse_multipart() gives the parts back, but for names that
// hold one of the escapes %22, %0D and %0A themselves: there is no way to write these.
// REQUIRES: content types without control characters and without blanks at their ends.
Form write_multipart(const std::vector<FormPart>& parts);

}  // namespace axle::http
