#pragma once

#include <span>
#include <string_view>

namespace axle::api {

// One file of the page, as tools/embed_web.py writes them into the program.
//
// Threading: constant.
struct WebFile {
  std::string_view path;          // As in a request: "/index.html", "/assets/index-Bk.js".
  std::string_view content_type;  // With its charset.
  std::string_view etag;          // Quoted, of the content: RFC 9110, section 8.8.3.
  std::string_view body;
  std::string_view gzip;  // The same, compressed; empty where that would not be smaller.
};

// All files of the page, or none where the program was built without it.
std::span<const WebFile> web_files();

}  // namespace axle::api
