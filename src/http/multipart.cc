#include "http/multipart.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/check.h"
#include "http/message.h"
#include "http/text.h"

namespace axle::http {

namespace {

constexpr std::string_view kLineBreak = "\r\n";
constexpr std::size_t kMaxBoundary = 70;  // RFC 2046 section 5.1.1.

// One "; name=value" of a header field.
struct Parameter {
  std::string name;  // Lower case.
  std::string value;
};

bool is_control(char c) {
  const auto byte = static_cast<unsigned char>(c);  // arm64: a char has no sign.
  return (byte < 0x20 && c != '\t') || byte == 0x7f;
}

std::string lower(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(), to_lower);
  return out;
}

// Takes a quoted string off the front of `rest`. A backslash escapes a quote and a backslash only:
// browsers send those of file names as they are.
Result<std::string> take_quoted(std::string_view& rest) {
  std::string out;
  for (std::size_t i = 1; i < rest.size(); ++i) {
    if (rest[i] == '"') {
      rest.remove_prefix(i + 1);
      return out;
    }
    const bool escape =
        rest[i] == '\\' && i + 1 < rest.size() && (rest[i + 1] == '"' || rest[i + 1] == '\\');
    if (escape) ++i;
    out += rest[i];
  }
  return invalid_argument("a quoted value has no closing '\"'");
}

// The parameters in what follows the first part of a header field: `; a=b; c="d"`.
Result<std::vector<Parameter>> parse_parameters(std::string_view rest) {
  std::vector<Parameter> parameters;
  for (rest = trim(rest); !rest.empty(); rest = trim(rest)) {
    if (rest.front() != ';') return invalid_argument("a ';' is missing between two parameters");
    rest = trim(rest.substr(1));
    if (rest.empty() || rest.front() == ';') continue;
    const std::size_t equals = rest.find_first_of("=;");
    if (equals == std::string_view::npos || rest[equals] == ';') {
      return invalid_argument("a parameter has no '='");
    }
    Parameter parameter{.name = lower(trim(rest.substr(0, equals))), .value = {}};
    rest = trim(rest.substr(equals + 1));
    if (rest.starts_with('"')) {
      AXLE_TRY_ASSIGN(parameter.value, take_quoted(rest));
    } else {
      const std::string_view value = rest.substr(0, rest.find(';'));
      parameter.value = trim(value);
      rest.remove_prefix(value.size());
    }
    parameters.push_back(std::move(parameter));
  }
  return parameters;
}

// The value of the first parameter called `name`; null where there is none.
const std::string* find_parameter(const std::vector<Parameter>& parameters, std::string_view name) {
  for (const Parameter& parameter : parameters) {
    if (parameter.name == name) return &parameter.value;
  }
  return nullptr;
}

// The byte that "%XY" at `offset` stands for, -1 where there is no whole escape.
int escaped_byte(std::string_view text, std::size_t offset) {
  if (text[offset] != '%' || text.size() - offset < 3) return -1;
  const int high = hex_value(text[offset + 1]);
  const int low = hex_value(text[offset + 2]);
  return high < 0 || low < 0 ? -1 : high * 16 + low;
}

// Undoes what browsers do to names. They leave '%' itself alone, so every other escape is text.
std::string undo_form_escapes(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const int byte = escaped_byte(text, i);
    const bool escape = byte == '"' || byte == '\r' || byte == '\n';
    out += escape ? static_cast<char>(byte) : text[i];
    if (escape) i += 2;
  }
  return out;
}

// Latin-1 as UTF-8: the first 256 characters of Unicode.
void append_latin1(std::string& out, unsigned char byte) {
  if (byte < 0x80) {
    out += static_cast<char>(byte);
  } else {
    out += static_cast<char>(0xc0 | (byte >> 6));
    out += static_cast<char>(0x80 | (byte & 0x3f));
  }
}

// "UTF-8''a%20b" -> "a b" (RFC 8187 section 3.2); nothing where it is malformed, of another
// character set or has control characters.
std::optional<std::string> decode_extended(std::string_view text) {
  const std::size_t first = text.find('\'');
  if (first == std::string_view::npos) return std::nullopt;
  const std::size_t second = text.find('\'', first + 1);
  if (second == std::string_view::npos) return std::nullopt;
  const std::string_view charset = text.substr(0, first);
  const bool latin1 = equals_ignoring_case(charset, "iso-8859-1");
  if (!latin1 && !equals_ignoring_case(charset, "utf-8")) return std::nullopt;

  std::string out;
  for (std::size_t i = second + 1; i < text.size(); ++i) {
    int byte = static_cast<unsigned char>(text[i]);
    if (text[i] == '%') {
      byte = escaped_byte(text, i);
      if (byte < 0 || is_control(static_cast<char>(byte))) return std::nullopt;
      i += 2;
    }
    if (latin1) {
      append_latin1(out, static_cast<unsigned char>(byte));
    } else {
      out += static_cast<char>(byte);
    }
  }
  return out;
}

// A parameter of Content-Disposition, whichever way it is written; nothing where there is none.
std::optional<std::string> find_text(const std::vector<Parameter>& parameters,
                                     const std::string& name) {
  if (const std::string* extended = find_parameter(parameters, name + "*")) {
    if (std::optional<std::string> text = decode_extended(*extended)) return text;
  }
  const std::string* plain = find_parameter(parameters, name);
  if (plain == nullptr) return std::nullopt;
  return undo_form_escapes(*plain);
}

Result<std::string> find_boundary(std::string_view content_type) {
  const std::size_t end = content_type.find(';');
  const std::string_view type = trim(content_type.substr(0, end));
  if (!equals_ignoring_case(type, "multipart/form-data")) {
    return invalid_argument(
        fmt::format("the content type must be multipart/form-data, found '{}'", type));
  }
  const std::string_view rest = end == std::string_view::npos ? "" : content_type.substr(end);
  const Result<std::vector<Parameter>> parameters = parse_parameters(rest);
  if (!parameters.ok()) return parameters.status().with_context("the content type of the form");
  const std::string* boundary = find_parameter(*parameters, "boundary");
  if (boundary == nullptr) {
    return invalid_argument(
        "the content type of the form has no boundary: leave the header to the HTTP library");
  }
  if (boundary->empty() || boundary->size() > kMaxBoundary || boundary->back() == ' ') {
    return invalid_argument(fmt::format(
        "the boundary of a form has 1 to {} characters and does not end with a blank, found {}",
        kMaxBoundary, boundary->size()));
  }
  const auto bad = [](char c) { return c < 0x20 || c > 0x7e; };  // Also bytes from 0x80 on.
  if (std::any_of(boundary->begin(), boundary->end(), bad)) {
    return invalid_argument("the boundary of a form has characters that are not printable ASCII");
  }
  return *boundary;
}

// One line "--boundary" in a body.
struct Delimiter {
  std::size_t begin = 0;  // Of the line break before it, which belongs to it.
  std::size_t end = 0;    // After its own line break.
  bool closing = false;
};

// Finds the lines of a boundary, first to last.
class DelimiterReader {
 public:
  DelimiterReader(std::string_view body, std::string_view boundary)
      : body_(body), line_(fmt::format("\r\n--{}", boundary)) {}

  // The next one; nothing where none follows. Linear in the body: there is one CR in `line_`, so
  // no byte is compared twice.
  std::optional<Delimiter> next() {
    if (offset_ == 0 && body_.starts_with(std::string_view(line_).substr(2))) {
      if (const auto first = read(0, line_.size() - 2)) return first;
    }
    for (std::size_t at = body_.find(line_, offset_); at != std::string_view::npos;
         at = body_.find(line_, at + 2)) {
      if (const auto found = read(at, at + line_.size())) return found;
    }
    return std::nullopt;
  }

 private:
  // The rest of the line after "--boundary", which ends at `end`. Nothing where the line goes on:
  // then it belongs to a longer boundary, of a form within the form.
  std::optional<Delimiter> read(std::size_t begin, std::size_t end) {
    Delimiter found{.begin = begin, .end = end, .closing = body_.substr(end).starts_with("--")};
    if (found.closing) found.end += 2;
    found.end = std::min(body_.find_first_not_of(" \t", found.end), body_.size());
    if (body_.substr(found.end).starts_with(kLineBreak)) {
      // What follows may be the line break before the next one: a part without headers.
      offset_ = found.end;
      found.end += 2;
      return found;
    }
    if (!found.closing || found.end != body_.size()) return std::nullopt;
    offset_ = found.end;
    return found;
  }

  std::string_view body_;
  std::string line_;
  std::size_t offset_ = 0;
};

// Headers of a part as name and value, folded lines joined.
Result<HeaderList> parse_headers(std::string_view text) {
  HeaderList headers;
  while (!text.empty()) {
    const std::size_t end = text.find(kLineBreak);
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 2);
    if (std::any_of(line.begin(), line.end(), is_control)) {
      return invalid_argument("its headers have a control character");
    }
    const std::string_view value = trim(line);
    if (!headers.empty() && (line.starts_with(' ') || line.starts_with('\t'))) {
      headers.back().second.append(" ").append(value);
      continue;
    }
    const std::size_t colon = line.find(':');
    if (colon == std::string_view::npos || !is_token(line.substr(0, colon))) {
      return invalid_argument("a line of its headers is no 'name: value'");
    }
    headers.emplace_back(line.substr(0, colon), trim(line.substr(colon + 1)));
  }
  return headers;
}

// The name and file name that Content-Disposition gives.
Status read_disposition(std::string_view value, FormPart& part) {
  const std::size_t end = value.find(';');
  if (!equals_ignoring_case(trim(value.substr(0, end)), "form-data")) {
    return invalid_argument("its Content-Disposition must be form-data");
  }
  const std::string_view rest = end == std::string_view::npos ? "" : value.substr(end);
  AXLE_TRY_ASSIGN(const std::vector<Parameter> parameters, parse_parameters(rest));
  std::optional<std::string> name = find_text(parameters, "name");
  if (!name) return invalid_argument("its Content-Disposition gives no name");
  part.name = *std::move(name);
  part.filename = find_text(parameters, "filename");
  return {};
}

// `text` is what lies between two delimiters.
Result<FormPart> parse_part(std::string_view text) {
  FormPart part;
  std::string_view head;
  if (text.starts_with(kLineBreak)) {
    part.body = text.substr(2);
  } else {
    const std::size_t end = text.substr(0, kMaxFormPartHeaderBytes + 4).find("\r\n\r\n");
    const bool ended = end != std::string_view::npos;
    if ((ended ? end : text.size()) > kMaxFormPartHeaderBytes) {
      return invalid_argument(
          fmt::format("its headers are longer than {} bytes", kMaxFormPartHeaderBytes));
    }
    head = text.substr(0, end);  // All of it: headers and no body.
    if (ended) part.body = text.substr(end + 4);
  }
  AXLE_TRY_ASSIGN(const HeaderList headers, parse_headers(head));
  const auto disposition = find_header(headers, "content-disposition");
  if (!disposition) return invalid_argument("it has no Content-Disposition, so it has no name");
  AXLE_TRY(read_disposition(*disposition, part));
  part.content_type = find_header(headers, "content-type").value_or("");
  const std::string encoding =
      lower(find_header(headers, "content-transfer-encoding").value_or("binary"));
  if (encoding != "binary" && encoding != "8bit" && encoding != "7bit") {
    return invalid_argument(
        fmt::format("it has the Content-Transfer-Encoding '{}': send the bytes as they are "
                    "(RFC 7578 section 4.7)",
                    encoding));
  }
  return part;
}

// A parameter as browsers write it, and backslashes so that they come back.
std::string quote(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    switch (c) {
      case '"':
        out += "%22";
        break;
      case '\r':
        out += "%0D";
        break;
      case '\n':
        out += "%0A";
        break;
      case '\\':
        out += "\\\\";
        break;
      default:
        out += c;
    }
  }
  return out + '"';
}

// A boundary that no body contains.
std::string choose_boundary(const std::vector<FormPart>& parts) {
  for (int number = 0;; ++number) {
    std::string boundary = fmt::format("axle-form-{}", number);
    const auto contains = [&boundary](const FormPart& part) {
      return part.body.find(boundary) != std::string_view::npos;
    };
    if (std::none_of(parts.begin(), parts.end(), contains)) return boundary;
  }
}

}  // namespace

Result<std::vector<FormPart>> parse_multipart(std::string_view content_type,
                                              std::string_view body) {
  AXLE_TRY_ASSIGN(const std::string boundary, find_boundary(content_type));
  DelimiterReader delimiters(body, boundary);
  std::vector<FormPart> parts;
  std::optional<Delimiter> from = delimiters.next();
  if (!from) {
    return invalid_argument(
        fmt::format("the form has no line '--{}', the boundary of its content type", boundary));
  }
  while (!from->closing) {
    const std::optional<Delimiter> to = delimiters.next();
    if (!to) {
      return invalid_argument(
          fmt::format("the form does not end with '--{}--': it is cut off", boundary));
    }
    if (parts.size() == kMaxFormParts) {
      return invalid_argument(fmt::format("the form has more than {} parts", kMaxFormParts));
    }
    const std::size_t size = std::max(to->begin, from->end) - from->end;
    Result<FormPart> part = parse_part(body.substr(from->end, size));
    if (!part.ok()) {
      return part.status().with_context(fmt::format("part {} of the form", parts.size() + 1));
    }
    parts.push_back(*std::move(part));
    from = to;
  }
  return parts;
}

Form write_multipart(const std::vector<FormPart>& parts) {
  const std::string boundary = choose_boundary(parts);
  Form form{.content_type = "multipart/form-data; boundary=" + boundary, .body = {}};
  for (const FormPart& part : parts) {
    form.body +=
        fmt::format("--{}\r\nContent-Disposition: form-data; name={}", boundary, quote(part.name));
    if (part.filename) form.body += "; filename=" + quote(*part.filename);
    if (!part.content_type.empty()) {
      AXLE_CHECK(std::none_of(part.content_type.begin(), part.content_type.end(), is_control));
      form.body += "\r\nContent-Type: " + part.content_type;
    }
    form.body.append("\r\n\r\n").append(part.body).append("\r\n");
  }
  form.body += fmt::format("--{}--\r\n", boundary);
  return form;
}

}  // namespace axle::http
