// Forms: what can be read survives being written and read again. The first byte says how much of
// the input is the content type; 0 stands for a good one.
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/check.h"
#include "http/multipart.h"

namespace {

using axle::http::Form;
using axle::http::FormPart;

// No name can hold an escape of forms itself.
bool has_percent(const std::vector<FormPart>& parts) {
  for (const FormPart& part : parts) {
    if (part.name.find('%') != std::string::npos) return true;
    if (part.filename && part.filename->find('%') != std::string::npos) return true;
  }
  return false;
}

void check_way_back(const std::vector<FormPart>& parts) {
  const Form form = axle::http::write_multipart(parts);
  const auto again = axle::http::parse_multipart(form.content_type, form.body);
  AXLE_CHECK(again.ok() && *again == parts);
}

// Parts from the input itself: a name, a file name and a body for each three lines.
std::vector<FormPart> make_parts(std::string_view text) {
  std::vector<FormPart> parts;
  const auto take = [&text] {
    const std::string_view line = text.substr(0, text.find('|'));
    text.remove_prefix(line.size() == text.size() ? line.size() : line.size() + 1);
    return line;
  };
  while (!text.empty() && parts.size() < axle::http::kMaxFormParts) {
    FormPart part;
    part.name = take().substr(0, 1000);  // Three bytes for each where it is escaped.
    if (text.starts_with('f')) part.filename = take().substr(0, 1000);
    part.body = take();
    parts.push_back(std::move(part));
  }
  return parts;
}

bool has_control(const std::vector<FormPart>& parts) {
  const auto bad = [](std::string_view text) {
    for (const char c : text) {
      const auto byte = static_cast<unsigned char>(c);
      if ((byte < 0x20 && c != '\r' && c != '\n' && c != '\t') || byte == 0x7f) return true;
    }
    return false;
  };
  for (const FormPart& part : parts) {
    if (bad(part.name) || (part.filename && bad(*part.filename))) return true;
  }
  return false;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  std::string_view body(reinterpret_cast<const char*>(data) + 1, size - 1);
  const std::vector<FormPart> made = make_parts(body);
  if (!has_percent(made) && !has_control(made)) check_way_back(made);

  std::string_view type = "multipart/form-data; boundary=B";
  if (data[0] != 0) {
    type = body.substr(0, data[0]);
    body.remove_prefix(type.size());
  }
  const auto parts = axle::http::parse_multipart(type, body);
  if (!parts.ok()) {
    AXLE_CHECK(parts.status().code() == axle::Code::kInvalidArgument);
    return 0;
  }
  for (const FormPart& part : *parts) {
    AXLE_CHECK(part.body.empty() ||
               (part.body.data() > body.data() &&
                part.body.data() + part.body.size() < body.data() + body.size()));
  }
  if (!has_percent(*parts)) check_way_back(*parts);
  return 0;
}
